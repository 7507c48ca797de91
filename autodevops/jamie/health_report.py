"""Jamie's health over all processes: what the ledger says of turns, summed up.

A report is a sum, so that one can be carried on from where it was read to (`known`): whoever serves `/metrics` reads
each event once. Durations are kept as counts between bounds; quantiles are read between two bounds, as Prometheus
does.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, TypeAlias, get_args

from autodevops.domain.base import Noun, UtcDatetime
from autodevops.domain.ledger import EventKind, LedgerEvent
from autodevops.domain.turn_health import Feedback, TurnHealth, TurnOutcome
from autodevops.jamie.health_events import feedback_of, turn_of
from autodevops.stores.ledger import Ledger

# In ms: fine where a person notices, and where the promises are (100 ms to the first event, 150 ms of our own).
# fmt: off
BOUNDS = (
    1, 2.5, 5, 10, 25, 50, 75, 100, 150, 200, 300, 500, 750, 1_000, 1_500, 2_000, 3_000, 5_000, 7_500, 10_000, 15_000,
    20_000, 30_000, 60_000, 120_000,
)
# fmt: on
LATEST = 20  # turns and comments shown one by one
Measure: TypeAlias = Literal[
    "first_event", "understood", "first_token", "total", "context", "tools", "engine", "narration", "model", "own"
]
MEASURES: tuple[Measure, ...] = get_args(Measure)


class Spread(Noun):
    """How long something took: how often at most each of `BOUNDS` and more than the one before, and beyond the last."""

    counts: tuple[int, ...]
    sum_ms: float

    @property
    def count(self) -> int:
        return sum(self.counts)

    def quantile(self, share: float) -> float | None:
        """In ms, evenly between two bounds; the last bound for what lies beyond. None when there is nothing."""
        wanted, below = share * self.count, 0
        for number, count in enumerate(self.counts):
            if count and below + count >= wanted:
                if number == len(BOUNDS):
                    return float(BOUNDS[-1])
                low = BOUNDS[number - 1] if number else 0.0
                return round(low + (BOUNDS[number] - low) * (wanted - below) / count, 1)
            below += count
        return None


class TurnCount(Noun):
    intent: str
    outcome: TurnOutcome
    narrator: str
    turns: int


class HealthReport(Noun):
    """`took` has no turns that were given up: how long somebody waited before that is no response time."""

    since: UtcDatetime | None = None
    read_to: int = 0  # number of the last event of the ledger that was looked at
    turns: tuple[TurnCount, ...] = ()
    took: dict[Measure, Spread] = {}
    answered_in: dict[str, Spread] = {}  # from question to answer, by intent
    tool_calls: int = 0
    tool_errors: int = 0
    feedback: tuple[Feedback, ...] = ()  # the last word of each person on each turn, oldest first
    latest: tuple[TurnHealth, ...] = ()  # newest last
    unreadable: int = 0  # events that say less than a turn or a thumb

    @property
    def count(self) -> int:
        return sum(one.turns for one in self.turns)

    def by(self, what: Literal["intent", "outcome", "narrator"]) -> dict[str, int]:
        """Turns by one of the three, most first."""
        found: Counter[str] = Counter()
        for one in self.turns:
            found[getattr(one, what)] += one.turns
        return dict(found.most_common())

    @property
    def abstained(self) -> float | None:
        """Share of the answers that say the cause is not known."""
        outcomes = self.by("outcome")
        answers = outcomes.get("answered", 0) + outcomes.get("abstained", 0)
        return outcomes.get("abstained", 0) / answers if answers else None

    @property
    def failed_calls(self) -> float | None:
        return self.tool_errors / self.tool_calls if self.tool_calls else None

    @property
    def thumbs(self) -> tuple[int, int]:
        """Up and down."""
        up = sum(one.thumb > 0 for one in self.feedback)
        return up, len(self.feedback) - up

    @property
    def score(self) -> float | None:
        """Share of the judged turns that helped."""
        return self.thumbs[0] / len(self.feedback) if self.feedback else None


def read_health(ledger: Ledger, since: datetime | None = None, *, known: HealthReport | None = None) -> HealthReport:
    """All turns since then. With `known` only what was entered after it is read, and its `since` holds."""
    known = known or HealthReport(since=since)
    end, sums = ledger.head()[0], _Sums.of(known)
    for event in _entered(ledger, known, "turn", end):
        turn = turn_of(event)
        sums.unreadable += turn is None
        if turn is not None:
            sums.add(turn)
    for event in _entered(ledger, known, "feedback", end):
        said = feedback_of(event)
        sums.unreadable += said is None
        if said is not None:
            sums.feedback.pop((said.turn_id, said.by), None)
            sums.feedback[said.turn_id, said.by] = said
    return sums.report(known.since, end)


def _entered(ledger: Ledger, known: HealthReport, kind: EventKind, end: int) -> Iterator[LedgerEvent]:
    for event in ledger.events(after=known.read_to, kind=kind):
        if event.seq <= end and (known.since is None or event.at >= known.since):
            yield event


@dataclass
class _Sums:
    """A report while it is added to."""

    turns: Counter[tuple[str, TurnOutcome, str]]
    took: dict[Measure, _Times]
    answered_in: dict[str, _Times]
    tool_calls: int
    tool_errors: int
    feedback: dict[tuple[str, str], Feedback]
    latest: deque[TurnHealth]
    unreadable: int

    @classmethod
    def of(cls, report: HealthReport) -> _Sums:
        return cls(
            turns=Counter({(one.intent, one.outcome, one.narrator): one.turns for one in report.turns}),
            took={name: _Times.of(spread) for name, spread in report.took.items()},
            answered_in={name: _Times.of(spread) for name, spread in report.answered_in.items()},
            tool_calls=report.tool_calls,
            tool_errors=report.tool_errors,
            feedback={(one.turn_id, one.by): one for one in report.feedback},
            latest=deque(report.latest, maxlen=LATEST),
            unreadable=report.unreadable,
        )

    def add(self, turn: TurnHealth) -> None:
        intent = turn.intent or "unknown"
        self.turns[intent, turn.outcome, turn.narrator or "none"] += 1
        self.tool_calls += turn.tool_calls
        self.tool_errors += turn.tool_errors
        self.latest.append(turn)
        if turn.outcome == "cancelled":
            return
        self.answered_in.setdefault(intent, _Times()).add(turn.total_ms)
        for name in MEASURES:
            took: float | None = getattr(turn, f"{name}_ms")
            if took is not None:
                self.took.setdefault(name, _Times()).add(took)

    def report(self, since: datetime | None, read_to: int) -> HealthReport:
        return HealthReport(
            since=since,
            read_to=read_to,
            turns=tuple(
                TurnCount(intent=intent, outcome=outcome, narrator=narrator, turns=turns)
                for (intent, outcome, narrator), turns in sorted(self.turns.items())
            ),
            took={name: self.took[name].spread() for name in MEASURES if name in self.took},
            answered_in={intent: times.spread() for intent, times in sorted(self.answered_in.items())},
            tool_calls=self.tool_calls,
            tool_errors=self.tool_errors,
            feedback=tuple(self.feedback.values()),
            latest=tuple(self.latest),
            unreadable=self.unreadable,
        )


@dataclass
class _Times:
    """A spread while it is added to."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS) + 1))
    sum_ms: float = 0.0

    @classmethod
    def of(cls, spread: Spread) -> _Times:
        return cls(list(spread.counts), spread.sum_ms)

    def add(self, ms: float) -> None:
        self.counts[bisect_left(BOUNDS, ms)] += 1
        self.sum_ms += ms

    def spread(self) -> Spread:
        return Spread(counts=tuple(self.counts), sum_ms=round(self.sum_ms, 1))
