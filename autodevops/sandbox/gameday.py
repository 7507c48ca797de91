"""A rehearsal: a quiet world, a fault that lies ahead, a person who finds and ends it, and a score at the end.

`Gameday` knows the scenario and keeps the count; it prints nothing and reads no keyboard (the command line does). What
the person does to the world is done through the world's own APIs, as in an incident.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from autodevops.kernel.errors import UsageError
from autodevops.sandbox.basics.moments import to_datetime
from autodevops.sandbox.prometheus.rules import ActiveAlert, Alerting, shipped_rules
from autodevops.sandbox.world.metrics import WorldMetrics
from autodevops.sandbox.world.scenario import Scenario
from autodevops.sandbox.world.world import World

QUIET_SECONDS = 60.0
"""How long before the first fault a rehearsal begins."""

POINTS_SUBJECT, POINTS_FIXED, POINTS_FAST = 40, 40, 20
COST_GUESS, COST_HINT, COST_HARM = 5, 5, 10
_FAST_SECONDS = 600.0  # a right answer this soon after the page has all points for speed; three times that, none
_NORMAL_FACTOR, _NORMAL_MARGIN = 1.5, 0.005  # of the error ratio before the fault
_LOOK_BACK = 600.0
_WORSE_SAMPLES, _WORSE_MARGIN = 4, 0.02  # two minutes of 2 % more errors than without the person


@dataclass(frozen=True)
class Guess:
    at: float  # epoch seconds
    kind: str
    name: str
    reason: str
    right: bool


@dataclass(frozen=True)
class Score:
    """Seconds are the world's; None is never. `formula` shows how the points came about."""

    points: int
    formula: str
    found: bool
    seconds_to_find: float | None
    fixed: bool
    wrong_guesses: int
    hints: int
    worse: tuple[str, ...]  # services


@dataclass
class Gameday:
    """The rehearsal's state. `world` begins `QUIET_SECONDS` before the first fault of its scenario. `alerting` are the
    rules over it, where they are evaluated already."""

    world: World
    guesses: list[Guess] = field(default_factory=list)
    hints: int = 0
    paged_at: float | None = None
    alerting: Alerting | None = None

    def __post_init__(self) -> None:
        self._alerting = self.alerting or Alerting(WorldMetrics(self.world), shipped_rules())
        self.began_at = self.world.now()
        self._services = [one.name for one in self.world.topology.services]

    @property
    def onset_at(self) -> float:
        """When the fault begins; in a scenario without one, when the rehearsal does."""
        onset = first_onset(self.world.scenario)
        return self.began_at if onset is None else self.world.origin_at + onset

    def firing(self) -> list[ActiveAlert]:
        """What fires now, the first to have fired first."""
        found = [one for one in self._alerting.at(int(self.world.now() * 1000)) if one.firing]
        if found and self.paged_at is None:
            self.paged_at = self.world.now()
        return sorted(found, key=lambda one: (one.fired_at, one.labels))

    def answer(self, kind: str, name: str, reason: str = "") -> bool:
        """A guess at what is at fault; whether it is right. Reasons are kept, not judged."""
        subject = self.world.scenario.truth.subject
        right = subject is not None and (kind.lower(), name) == (subject.kind.lower(), subject.name)
        if subject is None:
            right = (kind.lower(), name) == ("nothing", "")
        self.guesses.append(Guess(self.world.now(), kind, name, reason, right))
        return right

    def hint(self) -> str:
        """The next hint, each saying more than the last."""
        self.hints += 1
        truth = self.world.scenario.truth
        if truth.subject is None:
            return (
                "Look at whether anything is wrong now, not whether something was."
                if self.hints == 1
                else ("Not every page has a fault behind it.")
            )
        services = sorted(self._services)
        near = [one for one in services if one != truth.subject.name][: max(0, 4 - self.hints)]
        match self.hints:
            case 1:
                return f"Something changed about {_ago(self.world.now() - self.onset_at)} ago. What else happened then?"
            case 2:
                return f"It is a {truth.subject.kind}."
            case _:
                return f"It is one of: {', '.join(sorted([*near, truth.subject.name]))}."

    def normal(self) -> bool:
        """Whether errors are back where they were before the fault and nothing fires."""
        if self.firing():
            return False
        now = self.world.now()
        before = self._errors(self.onset_at - _LOOK_BACK, self.onset_at)
        lately = self._errors(max(now - 60.0, self.onset_at), now)
        return all(lately[name] <= before[name] * _NORMAL_FACTOR + _NORMAL_MARGIN for name in before)

    def _errors(self, start: float, end: float) -> dict[str, float]:
        """The mean error ratio of each service."""
        readings = self.world.readings(np.linspace(start, max(end, start + 1.0), 7))
        found = {}
        for name in self._services:
            ratios = np.asarray(readings.error_ratio(name), dtype=float)
            found[name] = float(np.nanmean(ratios)) if np.isfinite(ratios).any() else 0.0
        return found

    def score(self) -> Score:
        """The count as things stand."""
        right = next((one for one in self.guesses if one.right), None)
        wrong = sum(not one.right for one in self.guesses)
        harm = self.worse()
        fixed = self.normal() and not harm
        seconds = right.at - (self.paged_at or self.onset_at) if right else None
        quick = 0.0 if seconds is None else min(1.0, max(0.0, (3 * _FAST_SECONDS - seconds) / (2 * _FAST_SECONDS)))
        subject, resolved = POINTS_SUBJECT * (right is not None), POINTS_FIXED * fixed
        speed = round(POINTS_FAST * quick)
        cost = COST_GUESS * wrong + COST_HINT * self.hints + COST_HARM * len(harm)
        points = max(0, subject + resolved + speed - cost)
        formula = (
            f"{subject} subject + {resolved} resolved + {speed} speed - {COST_GUESS} x {wrong} wrong answers"
            f" - {COST_HINT} x {self.hints} hints - {COST_HARM} x {len(harm)} made worse = {points}"
        )
        return Score(points, formula, right is not None, seconds, fixed, wrong, self.hints, harm)

    def worse(self) -> tuple[str, ...]:
        """Services that failed more than they would have, had nobody done anything: the same world without actions
        tells."""
        now, world = self.world.now(), self.world
        times = np.arange(self.began_at, now, 30.0)
        if len(times) < _WORSE_SAMPLES:
            return ()
        untouched = World(world.scenario, world.seed, world.origin, lambda: to_datetime(now))
        ours, theirs = world.readings(times), untouched.readings(times)
        found = []
        for name in self._services:
            gap = np.nan_to_num(np.asarray(ours.error_ratio(name)) - np.asarray(theirs.error_ratio(name)))
            means = np.convolve(gap, np.ones(_WORSE_SAMPLES) / _WORSE_SAMPLES, mode="valid")
            if means.max() > _WORSE_MARGIN:
                found.append(name)
        return tuple(found)

    def report(self) -> dict[str, Any]:
        """Truth and score as one JSON document."""
        scenario = self.world.scenario
        return {
            "scenario": scenario.name,
            "title": scenario.title,
            "truth": scenario.truth.model_dump(mode="json", exclude={"onset"}),
            "seconds_since_onset": round(self.world.now() - self.onset_at, 1),
            "seconds_to_page": None if self.paged_at is None else round(self.paged_at - self.onset_at, 1),
            "answers": [asdict(one) for one in self.guesses],
            "score": asdict(self.score()),
        }


def first_onset(scenario: Scenario) -> float | None:
    """Seconds from the scenario's start to what a person will be paged for."""
    if scenario.truth.onset is not None:
        return scenario.truth.onset
    return min((fault.onset for fault in scenario.faults), default=None)


def origin(scenario: Scenario, now: datetime) -> datetime:
    """The scenario's start, so placed that its fault begins `QUIET_SECONDS` from now."""
    onset = first_onset(scenario)
    return now if onset is None else now + timedelta(seconds=QUIET_SECONDS - onset)


def numbered(scenarios: Sequence[Scenario]) -> list[tuple[int, str]]:
    """Scenarios without spoilers: a number and how hard it is."""
    return [(number, _difficulty(one)) for number, one in enumerate(scenarios, 1)]


def _difficulty(scenario: Scenario) -> str:
    """From what there is to tell apart: several faults, noise beside them, or nothing wrong at all."""
    hard = (
        (scenario.truth.subject is None)
        + bool(scenario.noise)
        + (len({getattr(one, "target", getattr(one, "object", "")) for one in scenario.faults}) > 1)
    )
    return ("easy", "medium", "hard")[min(hard, 2)]


def by_number(scenarios: Sequence[Scenario], text: str) -> Scenario | str:
    """The scenario of a number from `numbered`; other texts are names or paths. Raises UsageError."""
    if not text.isdigit():
        return text
    if not 1 <= int(text) <= len(scenarios):
        raise UsageError(f"There is no scenario {text}.", f"Choose 1 to {len(scenarios)}; `--list` shows them.")
    return scenarios[int(text) - 1]


def _ago(seconds: float) -> str:
    minutes = round(seconds / 60)
    return "a minute" if minutes <= 1 else f"{minutes} minutes"
