"""How results show themselves: the interactive view in a cell of a person's kernel, the static twin anywhere else.

A run of a runbook has a kernel and no page: there a chart is Plotly's, with its twin for readers without scripts.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from autodevops.analysis.chart_data import log_table, trace_chart
from autodevops.domain.chart import LogTable, MetricChart, TraceChart
from autodevops.domain.logs import LogRecord
from autodevops.domain.trace import Span, Trace
from autodevops.runbooks.keeper import keeper_of_this_run
from autodevops.widgets.shell import in_kernel, shell

if TYPE_CHECKING:
    from autodevops.notebook.table import Table
    from autodevops.widgets.views import Drawable

PLOTLY_MIME = "application/vnd.plotly.v1+json"
PLOTLY_CONFIG = {"displaylogo": False, "responsive": True, "modeBarButtonsToRemove": ["sendChartToCloud"]}
DRAWN_POINTS = 60_000  # of all series of a chart: beyond that a page gets slow
DRAWN_LINES = 5_000
DRAWN_SPANS = 5_000
_NOUNS = ("MetricChart", "TraceChart", "LogTable", "ServiceMap")
_SPAN = ("span_id", "parent_span_id", "service", "name", "kind", "duration_ms", "status", "status_message")


def has_page() -> bool:
    """Whether a widget may find a page: this is a kernel, and not one of a run."""
    return keeper_of_this_run() is None and in_kernel()


def noun_of(table: Table) -> MetricChart | LogTable | TraceChart | None:
    """What draws this table; None for one that is shown as rows. `attrs` outlive what makes another table of this one,
    so its index and columns are looked at."""
    import pandas as pd

    if not isinstance(table.index, pd.DatetimeIndex) or table.empty:
        return None
    facts = table.attrs.get("evidence", {})
    title = str(facts.get("query", ""))
    if facts.get("truncated"):
        title += f" (cut: {facts.get('note') or 'there is more'})"
    ids = (facts["id"],) if facts.get("id") else ()
    match table.attrs.get("draws"):
        case "series" if len(table) > 1 and 0 < table.select_dtypes("number").size <= DRAWN_POINTS:
            return table.chart(title).chart
        case "logs" if len(table) <= DRAWN_LINES and {"body", "severity", "trace_id"} <= set(table.columns):
            return log_table(title, [_record(at, row) for at, row in _rows(table)], ids)
        case "spans" if len(table) <= DRAWN_SPANS and {*_SPAN, "attributes", "resource"} <= set(table.columns):
            trace = str(facts.get("arguments", {}).get("trace_id", ""))
            spans = tuple(Span.model_validate({**row, "start": at}) for at, row in _rows(table))
            return trace_chart(f"Trace {trace}", Trace(trace_id=trace, spans=spans), ids)
    return None


def shown(noun: Drawable, words: str) -> dict[str, Any]:
    """A MIME bundle; `words` are for readers of plain text."""
    if has_page():
        from autodevops.widgets.views import view_of

        bundle = view_of(noun)._repr_mimebundle_()  # with its twin
        return {**(bundle[0] if isinstance(bundle, tuple) else bundle), "text/plain": words}
    from autodevops.widgets.static_views import static_twin

    mime, twin = static_twin(noun)
    data: dict[str, Any] = {mime: twin, "text/plain": words}
    if isinstance(noun, MetricChart):
        from autodevops.runbooks.render import metric_figure

        data[PLOTLY_MIME] = {**json.loads(metric_figure(noun).to_json()), "config": PLOTLY_CONFIG}
    return data


def show_nouns() -> None:
    """Let the notebook around us show charts and investigations as what they are; without one nothing happens."""
    formatter = getattr(getattr(shell(), "display_formatter", None), "mimebundle_formatter", None)
    if formatter is None:
        return
    for name in _NOUNS:
        formatter.for_type_by_name("autodevops.domain.chart", name, _chart_bundle)
    formatter.for_type_by_name("autodevops.domain.investigation", "Investigation", _investigation_bundle)


def _chart_bundle(noun: Any, include: Any = None, exclude: Any = None) -> dict[str, Any]:
    return shown(noun, f"{type(noun).__name__}: {noun.title}")


def _investigation_bundle(noun: Any, include: Any = None, exclude: Any = None) -> dict[str, Any]:
    return shown(noun, f"{noun.verdict}: {noun.summary}")


def _rows(table: Table) -> list[tuple[datetime, dict[str, Any]]]:
    import pandas as pd

    times = [moment.to_pydatetime() for moment in table.index]
    rows: list[dict[str, Any]] = pd.DataFrame(table).to_dict("records")  # type: ignore[assignment]  # columns are texts
    return list(zip(times, rows, strict=True))


def _record(at: datetime, row: Mapping[str, Any]) -> LogRecord:
    labels = {name: str(value) for name, value in row.items() if isinstance(value, str) and value}
    ours = {name: labels.pop(name, "") for name in ("body", "severity", "trace_id")}
    return LogRecord(timestamp=at, attributes=labels, **ours)
