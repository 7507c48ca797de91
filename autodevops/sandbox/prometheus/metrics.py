"""What this Prometheus needs of the world it watches: samples, what the metrics are, and where they are scraped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from autodevops.sandbox.promql.labels import Labels, Selector
from autodevops.sandbox.promql.values import SampleBlock

SCRAPE_INTERVAL_MS = 15_000


@dataclass(frozen=True)
class Metadata:
    """What an exporter says of a metric family in its TYPE and HELP lines."""

    kind: Literal["counter", "gauge", "histogram", "summary", "info", "unknown"]
    help: str
    unit: str = ""


@dataclass(frozen=True)
class Target:
    """One scraped address. `labels` are those its series carry; `discovered` what service discovery said."""

    job: str
    url: str
    labels: dict[str, str]
    discovered: dict[str, str]
    up: bool
    last_scrape_ms: int
    last_error: str = ""
    duration_seconds: float = 0.004


class Metrics(Protocol):
    """A `SeriesSource` that also knows its metric families and targets."""

    def select(self, selector: Selector, start_ms: int, end_ms: int) -> Iterable[SampleBlock]: ...

    def series(self, selector: Selector, start_ms: int, end_ms: int) -> set[Labels]: ...

    def metadata(self) -> dict[str, Metadata]: ...

    def targets(self, at_ms: int) -> Sequence[Target]: ...
