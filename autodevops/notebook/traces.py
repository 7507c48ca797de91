"""`traces.search(traceql)` and `traces.get(id)`: traces and their spans as tables by time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from autodevops.domain.tool_results import TraceList, TraceResult
from autodevops.notebook import desk
from autodevops.notebook.query_errors import showing_the_place

if TYPE_CHECKING:
    from autodevops.notebook.table import Table
    from autodevops.notebook.times import Moment, When

__all__ = ["get", "search"]

_SUMMARY = ["trace_id", "root_service", "root_name", "duration_ms"]
_SPAN = ["service", "name", "kind", "duration_ms", "status", "status_message", "span_id", "parent_span_id"]
_UNITS = {"duration_ms": "ms"}


def search(
    traceql: str,
    window: When | None = None,
    *,
    start: Moment = None,
    end: Moment = None,
    limit: int | None = None,
) -> Table:
    """The traces that TraceQL finds, by their start; `traces.get(trace_id)` gives the spans of one."""
    import pandas as pd

    from autodevops.notebook.table import table

    arguments = desk.windowed(window, start, end, query=traceql, limit=limit)
    with showing_the_place(traceql, "TraceQL"):
        evidence = desk.ask("tempo.search_traces", arguments)
    found = TraceList.model_validate(evidence.data).traces
    index = pd.DatetimeIndex(pd.to_datetime([one.start for one in found], utc=True), name="start")
    frame = pd.DataFrame([one.model_dump(include=set(_SUMMARY)) for one in found], index=index, columns=_SUMMARY)
    return table(frame.sort_index(kind="stable"), evidence, units=_UNITS)


def get(trace_id: str) -> Table:
    """The spans of one trace by their start, with their attributes and resource as dictionaries."""
    import pandas as pd

    from autodevops.notebook.table import table

    evidence = desk.ask("tempo.get_trace", {"trace_id": trace_id})
    spans = TraceResult.model_validate(evidence.data).trace.spans
    index = pd.DatetimeIndex(pd.to_datetime([span.start for span in spans], utc=True), name="start")
    columns = [*_SPAN, "attributes", "resource"]
    frame = pd.DataFrame([span.model_dump(include=set(columns)) for span in spans], index=index, columns=columns)
    return table(frame, evidence, units=_UNITS, draws="spans")
