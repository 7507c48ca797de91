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
    evidence: tuple[EvidenceId, ...]


class LogTable(Noun):
    type: Literal["logs"] = "logs"
    title: str
    records: tuple[LogRecord, ...]
    evidence: tuple[EvidenceId, ...]


Chart = Annotated[MetricChart | TraceChart | LogTable, Field(discriminator="type")]
