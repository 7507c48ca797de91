"""`metrics.range(promql)` and its like: PromQL in, tables with a time index out.

Every call takes its window as `window="last 30 min"` or `start` and `end`; without any it is the configured length up
to now. Raises ToolError when Prometheus has no answer (a PromQL error shows the place), UsageError for a wrong time.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from autodevops.domain.base import Json
from autodevops.domain.chart import Mark
from autodevops.domain.tool_results import AlertList, MetadataList, NameList, SeriesResult
from autodevops.notebook import desk
from autodevops.notebook.query_errors import showing_the_place

if TYPE_CHECKING:
    from autodevops.notebook.table import Chart, Table
    from autodevops.notebook.times import Moment, When

__all__ = ["alerts", "chart", "instant", "metadata", "names", "range"]

_UNITS = {"_seconds": "s", "_bytes": "By", "_ratio": "1", "_celsius": "Cel", "_cores": "{core}"}


def range(
    promql: str,
    window: When | None = None,
    *,
    start: Moment = None,
    end: Moment = None,
    step: float | None = None,
) -> Table:
    """Evaluate PromQL over a window: one column a series, named by the labels that differ; index in UTC.

    `step` in seconds, by default chosen for about 200 points.
    """
    arguments = desk.windowed(window, start, end, query=promql, step_seconds=step)
    return series_table("prometheus.query_range", arguments, "PromQL")


def instant(promql: str, at: Moment = None) -> Table:
    """Evaluate PromQL at one moment: one row a series, its labels and its value."""
    import pandas as pd

    from autodevops.notebook.table import table, utc_index

    with showing_the_place(promql, "PromQL"):
        evidence = desk.ask("prometheus.query_instant", {"query": promql, "time": desk.moment(at)})
    found = SeriesResult.model_validate(evidence.data)
    rows = [{**_labels(one.labels), "value": value} for one in found.series for _, value in one.samples]
    times = [moment for one in found.series for moment, _ in one.samples]
    index = utc_index(times, "time")
    columns = [*dict.fromkeys(name for row in rows for name in row if name != "value"), "value"]
    return table(pd.DataFrame(rows, index=index, columns=columns), evidence, unit=_unit(promql))


def alerts() -> Table:
    """The alerts that are pending or firing now, by when they began."""
    import pandas as pd

    from autodevops.notebook.table import table

    evidence = desk.ask("prometheus.list_alerts", {})
    found = AlertList.model_validate(evidence.data).alerts
    index = pd.DatetimeIndex(pd.to_datetime([one.starts_at for one in found], utc=True), name="since")
    rows = [
        {"alert": one.name, "state": one.state, **_labels(one.labels, "alertname"), **_texts(one.annotations)}
        for one in found
    ]
    return table(pd.DataFrame(rows, index=index).sort_index(), evidence)


def names(containing: str = "") -> list[str]:
    """The names of all metrics, or of those that contain a text."""
    evidence = desk.ask("prometheus.list_metrics", {})
    return [name for name in NameList.model_validate(evidence.data).names if containing.lower() in name.lower()]


def metadata(metric: str = "") -> Table:
    """Type, unit and help of metrics."""
    import pandas as pd

    from autodevops.notebook.table import table

    evidence = desk.ask("prometheus.get_metadata", {"metric": metric} if metric else {})
    rows = [one.model_dump() for one in MetadataList.model_validate(evidence.data).metrics]
    return table(pd.DataFrame(rows, columns=["name", "type", "unit", "help"]).set_index("name"), evidence)


def chart(
    data: Table, *, title: str = "", unit: str | None = None, marks: Sequence[Mapping[str, Any] | Mark] = ()
) -> Chart:
    """Draw a table of time series; `marks` are moments: `{"at": ..., "kind": "change", "label": ...}`."""
    return data.chart(title, unit=unit, marks=marks)


def series_table(tool: str, arguments: Mapping[str, Json], language: str) -> Table:
    """What a range query answers, as columns over one time index."""
    import pandas as pd

    from autodevops.notebook.table import table, utc_index

    query = str(arguments["query"])
    with showing_the_place(query, language):
        evidence = desk.ask(tool, arguments)
    found = SeriesResult.model_validate(evidence.data)
    named = _column_names([one.labels for one in found.series])
    columns = {
        name: pd.Series([value for _, value in one.samples], index=[at for at, _ in one.samples], dtype="float64")
        for name, one in zip(named, found.series, strict=True)
    }
    frame = pd.DataFrame(columns).sort_index()
    frame.index = utc_index(frame.index, "time")
    labels = {name: dict(one.labels) for name, one in zip(named, found.series, strict=True)}
    return table(frame, evidence, unit=_unit(query), labels=labels, draws="series")


def _column_names(every: Sequence[Mapping[str, str]]) -> list[str]:
    """One label that differs gives its value alone, several are written out; never twice the same."""
    keys = list(dict.fromkeys(key for labels in every for key in labels))
    differing = [key for key in keys if len({labels.get(key) for labels in every}) > 1] or keys[:1]
    made: list[str] = []
    for labels in every:
        if len(differing) == 1:
            name = labels.get(differing[0], "") or "value"
        else:
            name = ", ".join(f"{_key(key)}={labels[key]}" for key in differing if key in labels) or "value"
        made.append(name if name not in made else f"{name} ({len(made)})")
    return made


def _key(name: str) -> str:
    return "metric" if name == "__name__" else name


def _labels(labels: Mapping[str, str], *without: str) -> dict[str, str]:
    """Labels as columns beside ours."""
    taken = {"value", "state", "alert"}
    return {
        (f"label_{key}" if key in taken else _key(key)): value for key, value in labels.items() if key not in without
    }


def _texts(annotations: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in annotations.items() if key in ("summary", "description")}


def _unit(promql: str) -> str:
    """The unit that the name of a bare metric states, as Prometheus' naming conventions have it; else nothing."""
    name = re.match(r"[A-Za-z_:][\w:]*(?=\s*(?:\{[^{}]*\})?\s*$)", promql.strip())
    if name is None:
        return ""
    bare = name[0].removesuffix("_total")
    return next((unit for end, unit in _UNITS.items() if bare.endswith(end)), "")
