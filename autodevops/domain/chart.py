"""What a surface can draw: data with its units and marks. How it is drawn is the surface's business."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from autodevops.domain.base import Noun, UtcDatetime
from autodevops.domain.evidence import EvidenceId
from autodevops.domain.logs import LogRecord
from autodevops.domain.series import Series
from autodevops.domain.trace import Trace


class Mark(Noun):
    """A moment worth a vertical line."""

    at: UtcDatetime
    kind: Literal["onset", "change", "alert"]
    label: str


class MetricChart(Noun):
    type: Literal["metric"] = "metric"
    title: str
    unit: str  # UCUM-like: "1" (a ratio), "s", "By", "{request}/s"
    series: tuple[Series, ...]
    legend: str = ""  # the label whose value names a series; empty: all differing labels
    marks: tuple[Mark, ...] = ()
    evidence: tuple[EvidenceId, ...]


class TraceChart(Noun):
    type: Literal["trace"] = "trace"
    title: str
    trace: Trace
    critical_path: tuple[str, ...] = ()  # span ids that the trace's duration depends on
    evidence: tuple[EvidenceId, ...]


class LogPattern(Noun):
    """Records that were written by one statement; `template` has `<*>` for what differs between them."""

    template: str
    records: tuple[int, ...]  # their places in the table


class LogTable(Noun):
    type: Literal["logs"] = "logs"
    title: str
    records: tuple[LogRecord, ...]
    patterns: tuple[LogPattern, ...] = ()  # the most frequent first
    evidence: tuple[EvidenceId, ...]


class MapService(Noun):
    """One service, database or outside API of a map. None where nothing was measured."""

    id: str  # names it within its map
    name: str
    kind: str = ""
    role: Literal["", "suspect", "suffers"] = ""
    rate: float | None = None  # requests a second
    error_ratio: float | None = None
    latency_s: float | None = None  # 95th percentile


class MapCall(Noun):
    """Calls of one service to another. `count` is how many were seen in traces: 0 where only configuration says so."""

    caller: str
    callee: str
    count: int = 0
    failed: int = 0
    rate: float | None = None  # calls a second
    latency_s: float | None = None  # the median as seen by the caller
    on_path: bool = False  # what is suspected reaches who suffers along this call


class ServiceMap(Noun):
    type: Literal["service_map"] = "service_map"
    title: str
    services: tuple[MapService, ...]
    calls: tuple[MapCall, ...]
    left_out: int = 0  # services that the map has no room for
    evidence: tuple[EvidenceId, ...]


Chart = Annotated[MetricChart | TraceChart | LogTable | ServiceMap, Field(discriminator="type")]
