"""Who spends the error budget too fast: burn rates over two windows each, as the Site Reliability Workbook has them
(chapter 5, Alerting on SLOs). The long window says that it matters, the short one that it still goes on.

What two hours can tell of failures is told from samples at hand. A longer window is asked for only of those whose
short one burns, and its answer is good for a small part of its length.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from functools import partial
from typing import Final, TypeAlias

import numpy as np

from autodevops.domain.series import Series
from autodevops.domain.signal import IncidentSeverity
from autodevops.domain.subject import Subject
from autodevops.investigation.gather.promql import latest
from autodevops.scarlet.watching.requests import Asked, Requests
from autodevops.scarlet.watching.sample_table import COLUMNS, STEP, moment
from autodevops.scarlet.watching.sight import Seen
from autodevops.settings import WatchSettings

ORIGIN: Final = "slo"
MONTH: Final = timedelta(days=30)
LEAST_FAILURES: Final = 10.0
"""Within the long window: a small service that fails once among the hundred requests of an hour burns nothing."""
_AT_HAND: Final = timedelta(seconds=STEP * COLUMNS)
_SHOWN: Final = timedelta(minutes=5)  # what an action is measured by must be able to follow it
_PAUSE: Final = 4  # columns: two minutes without failures are an end
_GOOD_FOR: Final = 72  # a 72nd of the window: five minutes for six hours

Spent: TypeAlias = Mapping[int, tuple[float, float]]
"""Of a row of samples: requests within a window, and how many of them failed or took too long."""
Spending: TypeAlias = Callable[[timedelta, Sequence[int]], Awaitable[Spent]]
Began: TypeAlias = Callable[[timedelta, int, float], datetime]
"""When what a row spends within a window began, of more than a share of its requests."""


@dataclass(frozen=True)
class Pair:
    factor: float
    long: timedelta
    short: timedelta
    severity: IncidentSeverity


PAIRS: Final = (
    Pair(14.4, timedelta(hours=1), timedelta(minutes=5), "critical"),
    Pair(6.0, timedelta(hours=6), timedelta(minutes=30), "major"),
    Pair(3.0, timedelta(days=1), timedelta(hours=2), "minor"),
    Pair(1.0, timedelta(days=3), timedelta(hours=6), "minor"),
)


class Burn:
    """Remembers what long windows told."""

    def __init__(self, requests: Requests, settings: WatchSettings) -> None:
        self._requests = requests
        self._settings = settings
        self._told: dict[tuple[str, timedelta], tuple[datetime, tuple[Series, ...]]] = {}

    async def look(self, now: datetime) -> tuple[Seen, ...]:
        """Over requests that were just refreshed. Raises ToolError and ValidationError."""
        found: list[Seen] = []
        for asked in self._requests.asked:
            rows = [row for row, subject in enumerate(asked.subjects) if subject is not None]
            if asked.failure:
                objectives = {row: self._objective(asked.subjects[row]) for row in rows}
                failures = partial(self._failures, asked, now)
                shown = partial(asked.query, "failed")
                began = partial(_first_failing, asked, now)
                found += await _burning(asked, "ErrorBudgetBurn", objectives, failures, began, shown)
            for pattern, (seconds, percent) in self._settings.latency_objectives.items():
                named = {row: percent for row in rows if _is(asked.subjects[row], pattern)}
                if asked.bucketed and named:
                    delays = partial(self._delays, asked, seconds, now)
                    found += await _burning(
                        asked, "LatencyBudgetBurn", named, delays, partial(_at_most, now), asked.buckets
                    )
        return tuple(found)

    def _objective(self, subject: Subject | None) -> float:
        chosen = (percent for pattern, percent in self._settings.objectives.items() if _is(subject, pattern))
        return next(chosen, self._settings.objective)

    async def _failures(self, asked: Asked, now: datetime, window: timedelta, rows: Sequence[int]) -> Spent:
        if window <= _AT_HAND:
            columns = round(window.total_seconds() / STEP)
            total, failed = (
                np.nansum(asked.table.of(kind)[:, -columns:], axis=1) * STEP for kind in ("asked", "failed")
            )
            return {row: (float(total[row]), float(failed[row])) for row in rows}
        seconds = window.total_seconds()
        text, only = f"{seconds:.0f}s", asked.only(rows)
        total_of = _by_row(asked, await self._ask(asked.query("asked", text, only), window, now))
        failed_of = _by_row(asked, await self._ask(asked.query("failed", text, only), window, now))
        return {row: (total_of.get(row, 0.0) * seconds, failed_of.get(row, 0.0) * seconds) for row in rows}

    async def _delays(self, asked: Asked, limit: float, now: datetime, window: timedelta, rows: Sequence[int]) -> Spent:
        """Slower than the first bucket that holds the limit."""
        seconds = window.total_seconds()
        query = asked.buckets(f"{seconds:.0f}s", asked.only(rows))
        found: dict[int, list[tuple[float, float]]] = {}
        for line in await self._ask(query, window, now):
            row = asked.table.row(asked.key(line.labels))
            if row is not None and (count := latest(line)) is not None:
                edge = float(line.labels.get("le", "nan")) * asked.family.seconds_per_unit
                found.setdefault(row, []).append((edge, count * seconds))
        spent: dict[int, tuple[float, float]] = {}
        for row, buckets in found.items():
            total = max(count for _, count in buckets)
            quick = min(((edge, count) for edge, count in buckets if edge >= limit), default=(0.0, total))[1]
            spent[row] = total, total - quick
        return {row: spent.get(row, (0.0, 0.0)) for row in rows}

    async def _ask(self, query: str, window: timedelta, now: datetime) -> tuple[Series, ...]:
        key = (query, window)
        told = self._told.get(key)
        if told is None or now - told[0] >= window / _GOOD_FOR:
            self._told = {one: kept for one, kept in self._told.items() if now - kept[0] < one[1] / _GOOD_FOR}
            told = self._told[key] = (now, await self._requests.instant(query, now))
        return told[1]


async def _burning(
    asked: Asked,
    name: str,
    objectives: Mapping[int, float],
    spending: Spending,
    began: Began,
    shown: Callable[[str, str], str],
) -> list[Seen]:
    """One for a workload: the fastest pair that burns. `shown` by: a query of a window and matchers."""
    found: dict[int, Seen] = {}
    budgets = {row: 1 - percent / 100 for row, percent in objectives.items()}
    for pair in PAIRS:
        rows = [row for row in budgets if row not in found]
        short = await spending(pair.short, rows) if rows else {}
        rows = [row for row in rows if _burns(short[row], pair.factor * budgets[row])]
        long = await spending(pair.long, rows) if rows else {}
        for row in rows:
            total, failed = long[row]
            if _burns(long[row], pair.factor * budgets[row]) and failed >= LEAST_FAILURES:
                rate = failed / total / budgets[row]
                query = shown(f"{min(pair.short, _SHOWN).total_seconds():.0f}s", asked.only([row]))
                since = began(pair.short, row, max(1.0, pair.factor / 2) * budgets[row])
                found[row] = _seen(asked.subjects[row], name, pair, rate, objectives[row], failed / total, query, since)
    return list(found.values())


def _first_failing(asked: Asked, now: datetime, window: timedelta, row: int, share: float) -> datetime:
    """Where at hand the failing began that goes on, or was the last: more than that share, and never long without."""
    total, failed = (asked.table.of(kind)[row] for kind in ("asked", "failed"))
    failing = np.flatnonzero(failed > share * total)  # a gap compares as no
    if not failing.size:
        return _at_most(now, window, row, share)
    pauses = np.flatnonzero(np.diff(failing) > _PAUSE)
    return moment(asked.table.times()[failing[pauses[-1] + 1 if pauses.size else 0]])


def _at_most(now: datetime, window: timedelta, row: int, share: float) -> datetime:
    return now - window


def _burns(spent: tuple[float, float], limit: float) -> bool:
    total, failed = spent
    return total > 0 and failed / total > limit


def _is(subject: Subject | None, pattern: str) -> bool:
    return subject is not None and fnmatchcase(f"{subject.namespace}/{subject.name}", pattern)


def _by_row(asked: Asked, series: Iterable[Series]) -> dict[int, float]:
    found: dict[int, float] = {}
    for line in series:
        row, value = asked.table.row(asked.key(line.labels)), latest(line)
        if row is not None and value is not None:
            found[row] = value
    return found


def _seen(
    subject: Subject | None,
    name: str,
    pair: Pair,
    rate: float,
    objective: float,
    share: float,
    query: str,
    since: datetime,
) -> Seen:
    assert subject is not None
    what = "fails" if name == "ErrorBudgetBurn" else "is too slow for"
    gone = MONTH / rate
    left = (
        f"{gone.total_seconds() / 86_400:.1f} days"
        if gone > timedelta(days=2)
        else f"{gone.total_seconds() / 3600:.0f} h"
    )
    words = (
        f"{subject.name} {what} {share:.2%} of its requests of the last {_length(pair.long)}, {rate:.0f} times what an"
        f" objective of {objective:g}% allows: a month's budget lasts {left}."
    )
    return Seen(
        ORIGIN, name, subject, subject.namespace, pair.severity, words, since, query, "lower",
        beside=not subject.namespace,
    )  # fmt: skip


def _length(span: timedelta) -> str:
    return f"{span.days} days" if span.days > 1 else f"{span.total_seconds() / 3600:.0f} h"
