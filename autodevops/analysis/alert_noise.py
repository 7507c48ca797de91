"""Alerts that tell people nothing: those that flap, that never end, that end by themselves and lead to nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

CONSTANT = 0.9  # of the window, without a break


@dataclass(frozen=True)
class Episode:
    """One stretch of an alert's firing. `over`: it has ended."""

    alert: str
    severity: str
    namespace: str
    since: datetime
    lasted: timedelta
    over: bool


@dataclass(frozen=True)
class AlertRecord:
    """`short`: episodes that were over sooner than `short` of `records`."""

    alert: str
    severity: str
    episodes: tuple[Episode, ...]
    short: int

    @property
    def times(self) -> int:
        return len(self.episodes)

    @property
    def lasted(self) -> timedelta:
        return sum((one.lasted for one in self.episodes), timedelta())

    @property
    def longest(self) -> timedelta:
        return max(one.lasted for one in self.episodes)

    @property
    def firing(self) -> int:
        return sum(not one.over for one in self.episodes)


def episodes(labels: dict[str, str], seen: Sequence[float], step: float, end: datetime) -> list[Episode]:
    """From the moments, in seconds, at which a series of `ALERTS` had a sample, asked every `step` seconds up to `end`.

    A single sample that is missing is no end.
    """
    if not len(seen):
        return []
    starts = [0, *(place for place in range(1, len(seen)) if seen[place] - seen[place - 1] > 2 * step)]
    return [
        Episode(
            alert=labels.get("alertname", ""),
            severity=labels.get("severity", ""),
            namespace=labels.get("namespace", ""),
            since=datetime.fromtimestamp(seen[first], UTC),
            lasted=timedelta(seconds=seen[after - 1] - seen[first] + step),
            over=end.timestamp() - seen[after - 1] > 3 * step,
        )
        for first, after in zip(starts, [*starts[1:], len(seen)], strict=True)
    ]


def records(found: Iterable[Episode], *, short: timedelta) -> list[AlertRecord]:
    """By alert and severity, the most frequent first."""
    by_alert: dict[tuple[str, str], list[Episode]] = defaultdict(list)
    for one in found:
        by_alert[one.alert, one.severity].append(one)
    rows = [
        AlertRecord(alert, severity, tuple(same), sum(one.over and one.lasted < short for one in same))
        for (alert, severity), same in by_alert.items()
    ]
    return sorted(rows, key=lambda row: (-row.times, -row.lasted, row.alert))


def flapping(rows: Iterable[AlertRecord], least: int) -> list[AlertRecord]:
    return [row for row in rows if row.short >= least]


def constant(rows: Iterable[AlertRecord], window: timedelta) -> list[AlertRecord]:
    return [row for row in rows if row.longest >= CONSTANT * window]
