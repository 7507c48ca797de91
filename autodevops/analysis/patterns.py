"""Patterns in what happened when: what comes again, what follows what, what keeps to an hour or a day of the week.

Each test says how often as much would be chance, corrected for how many were made (Holm). What happens several times in
a day is one occurrence where days are compared: a bad night is not a habit.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise, permutations
from statistics import median
from typing import Literal, TypeAlias

LIKELY = 0.05  # a pattern that chance makes as often is none
LEAST_SHARE = 0.5  # of A's that B followed
LEAST_DAYS = 5  # on which something must have happened before its hours are looked at
Cycle: TypeAlias = Literal["day", "week"]
_SECONDS: Mapping[Cycle, float] = {"day": 86_400.0, "week": 604_800.0}


@dataclass(frozen=True)
class Occurrence:
    """`at` is in the zone that hours are told in."""

    name: str
    at: datetime
    id: str


@dataclass(frozen=True)
class Recurring:
    name: str
    every: timedelta  # the median between two
    found: tuple[Occurrence, ...]

    @property
    def times(self) -> int:
        return len(self.found)


@dataclass(frozen=True)
class Together:
    """`after` began within `within` of `first` in `support` of `of` cases; by chance it would be `expected`."""

    first: str
    after: str
    support: int
    of: int
    expected: float
    delay: timedelta  # the median
    chance: float
    found: tuple[Occurrence, ...]

    @property
    def lift(self) -> float:
        return self.support / self.expected if self.expected else math.inf


@dataclass(frozen=True)
class Timed:
    """On `near` of `of` days, or in as many weeks, it began within a twelfth of the cycle to either side of `around`,
    which is seconds into it."""

    name: str
    cycle: Cycle
    around: float
    near: int
    of: int
    chance: float
    found: tuple[Occurrence, ...]


def recurring(occurrences: Iterable[Occurrence], now: datetime, *, times: int, within: timedelta) -> list[Recurring]:
    """What happened at least so often in the time before `now`."""
    found = []
    for name, rows in _by_name(one for one in occurrences if now - within <= one.at <= now).items():
        if len(rows) >= times:
            gaps = [later.at - earlier.at for earlier, later in pairwise(rows)]
            every = timedelta(seconds=median(gap.total_seconds() for gap in gaps))
            found.append(Recurring(name, every, tuple(rows)))
    return sorted(found, key=lambda one: (-one.times, one.name))


def together(occurrences: Sequence[Occurrence], *, within: timedelta, support: int) -> list[Together]:
    """What begins within `within` after something else, more often than chance has it.

    Chance: as if what follows came evenly over the time that was seen.
    """
    by_name = {name: rows for name, rows in _by_name(occurrences).items() if len(rows) >= support}
    if len(by_name) < 2:
        return []
    moments = sorted(one.at for one in occurrences)
    seen = (moments[-1] - moments[0]).total_seconds() + within.total_seconds()
    tried, found = [], []
    for first, after in permutations(sorted(by_name), 2):
        cases, later = by_name[first], by_name[after]
        base = 1 - math.exp(-len(later) * within.total_seconds() / seen)
        times = [one.at for one in later]
        next_one = [(case, bisect_left(times, case.at)) for case in cases]
        hits = [(case, later[n]) for case, n in next_one if n < len(later) and times[n] <= case.at + within]
        tried.append(at_least(len(hits), len(cases), base))
        delay = median((one.at - case.at).total_seconds() for case, one in hits) if hits else 0.0
        evidence = tuple(one for pair in hits for one in pair)
        found.append((first, after, len(hits), len(cases), base * len(cases), timedelta(seconds=delay), evidence))
    kept = [
        Together(first, after, hits, of, expected, delay, chance, evidence)
        for (first, after, hits, of, expected, delay, evidence), chance in zip(found, holm(tried), strict=True)
        if hits >= support and hits >= LEAST_SHARE * of and chance < LIKELY
    ]
    return sorted(kept, key=lambda one: (one.chance, one.first, one.after))


def timed(occurrences: Iterable[Occurrence]) -> list[Timed]:
    """What keeps to a time of the day or of the week, by Rayleigh's test against every time alike."""
    tried, found = [], []
    for name, rows in _by_name(occurrences).items():
        for cycle in _SECONDS:
            phases = _one_each(rows, cycle)
            if len(phases) < LEAST_DAYS:
                continue
            around, chance = rayleigh(phases)
            near = sum(abs((phase - around + 0.5) % 1 - 0.5) <= 1 / 12 for phase in phases)
            tried.append(chance)
            found.append((name, cycle, around * _SECONDS[cycle], near, len(phases), tuple(rows)))
    kept = [
        Timed(name, cycle, around, near, of, chance, evidence)
        for (name, cycle, around, near, of, evidence), chance in zip(found, holm(tried), strict=True)
        if chance < LIKELY and near >= LEAST_SHARE * of
    ]
    return sorted(kept, key=lambda one: (one.chance, one.name, one.cycle))


def rayleigh(phases: Sequence[float]) -> tuple[float, float]:
    """Phases from 0 to 1: their middle, and how likely chance crowds as many as closely around one.

    Wilkie's approximation of the probability, good from five on.
    """
    n, (x, y) = len(phases), _sum(phases)
    chance = math.exp(math.sqrt(1 + 4 * n + 4 * max(0.0, n * n - x * x - y * y)) - (1 + 2 * n))
    return _direction(x, y), min(1.0, chance)


def at_least(hits: int, of: int, share: float) -> float:
    """How likely as many or more of `of` hit, each with probability `share`."""
    return min(1.0, math.fsum(math.comb(of, k) * share**k * (1 - share) ** (of - k) for k in range(hits, of + 1)))


def holm(chances: Sequence[float]) -> list[float]:
    """Each probability corrected for there being several, so that one below 5 % is seldom wrong among all of them."""
    corrected, worst = [0.0] * len(chances), 0.0
    for rank, place in enumerate(sorted(range(len(chances)), key=chances.__getitem__)):
        worst = max(worst, min(1.0, (len(chances) - rank) * chances[place]))
        corrected[place] = worst
    return corrected


def _by_name(occurrences: Iterable[Occurrence]) -> dict[str, list[Occurrence]]:
    found: dict[str, list[Occurrence]] = defaultdict(list)
    for one in sorted(occurrences, key=lambda one: (one.at, one.id)):
        found[one.name].append(one)
    return dict(sorted(found.items()))


def _one_each(rows: Iterable[Occurrence], cycle: Cycle) -> list[float]:
    """One phase for each day, or each week: the middle of what happened in it. The first would favour mornings."""
    found: dict[date, list[float]] = defaultdict(list)
    for one in rows:
        day = one.at.date()
        found[day if cycle == "day" else day - timedelta(days=day.weekday())].append(_phase(one.at, cycle))
    return [_direction(*_sum(phases)) for phases in found.values()]


def _sum(phases: Iterable[float]) -> tuple[float, float]:
    turns = [2 * math.pi * phase for phase in phases]
    return math.fsum(map(math.cos, turns)), math.fsum(map(math.sin, turns))


def _direction(x: float, y: float) -> float:
    return math.atan2(y, x) / (2 * math.pi) % 1


def _phase(at: datetime, cycle: Cycle) -> float:
    """By the clock on the wall: what happens at 03:00 does so in summer as well."""
    seconds = at.hour * 3600 + at.minute * 60 + at.second
    return (seconds + (at.weekday() * 86_400 if cycle == "week" else 0)) / _SECONDS[cycle]
