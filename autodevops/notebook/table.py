"""A DataFrame that knows which evidence it is: every result of `metrics`, `logs`, `traces`, `kube` and `tools`.

`attrs` has the evidence in plain words (tool, exact arguments, window, digest), whether the answer was cut, and units;
`evidence` is the same as a noun, with the whole answer in `evidence.data`. Both stay with slices and copies.
It shows as a table that says how much of it is shown; series, lines and spans as a view of them (`drawing`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from html import escape
from typing import TYPE_CHECKING, Any

import pandas as pd

from autodevops.domain.base import Json
from autodevops.domain.chart import Mark, MetricChart
from autodevops.domain.evidence import Evidence
from autodevops.domain.series import Series
from autodevops.notebook import drawing

if TYPE_CHECKING:
    import plotly.graph_objects as go

SHOWN_ROWS = 20
SHOWN_COLUMNS = 12
CELL_CHARACTERS = 400


class Table(pd.DataFrame):
    _metadata = ["evidence"]
    evidence: Evidence | None = None

    @property
    def _constructor(self) -> type[Table]:
        return Table

    def chart(
        self, title: str = "", *, unit: str | None = None, marks: Sequence[Mapping[str, Any] | Mark] = ()
    ) -> Chart:
        """The columns as lines over time; `marks` are moments: `{"at": ..., "kind": "change", "label": ...}`."""
        labels = self.attrs.get("labels", {})
        evidence = self.attrs.get("evidence", {})
        moments = [mark if isinstance(mark, Mark) else Mark.model_validate(mark) for mark in marks]
        numbers = self.select_dtypes("number")
        times = [moment.timestamp() for moment in self.index]
        lines = tuple(
            Series(
                labels={"series": str(name), **labels.get(name, {})},
                samples=tuple(
                    (at, None if pd.isna(value) else float(value))
                    for at, value in zip(times, numbers[name].tolist(), strict=True)
                ),
            )
            for name in numbers.columns
        )
        return Chart(
            MetricChart(
                title=title or str(evidence.get("query", "")),
                unit=self.attrs.get("unit", "") if unit is None else unit,
                series=lines,
                legend="series",
                marks=tuple(moments),
                evidence=(evidence["id"],) if evidence else (),
            )
        )

    def _repr_html_(self) -> str:
        shown = pd.DataFrame(self.iloc[:SHOWN_ROWS, :SHOWN_COLUMNS])
        plain = shown.map(_cell)
        table = plain.to_html(border=0, escape=True, max_cols=None, na_rep="")
        return f"{table}<p style='opacity:.75;font-size:.9em'>{escape(self.caption)}</p>"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None, **_: Any) -> dict[str, Any]:
        plain, page = f"{pd.DataFrame(self)!r}\n{self.caption}", drawing.has_page()
        noun = drawing.noun_of(self) if page or self.attrs.get("draws") == "series" else None
        drawn = {"text/plain": plain} if noun is None else drawing.shown(noun, plain)
        return drawn if noun and page else {**drawn, "text/html": self._repr_html_()}

    @property
    def caption(self) -> str:
        """How much there is, how much of it is shown, and which evidence it is."""
        rows, columns = self.shape
        said = f"{rows} rows, {columns} columns"
        if rows > SHOWN_ROWS or columns > SHOWN_COLUMNS:
            said += f"; the first {min(rows, SHOWN_ROWS)} rows and {min(columns, SHOWN_COLUMNS)} columns are shown"
        facts = self.attrs.get("evidence", {})
        if facts.get("truncated"):
            said += f". The answer was cut: {facts.get('note') or 'there is more'}"
        if facts.get("id"):
            said += f" [{facts['id']}]"
        return said


class Chart:
    """A drawn chart. `figure` is the Plotly figure; the chart shows without a button that uploads it."""

    def __init__(self, chart: MetricChart) -> None:
        self.chart = chart

    @cached_property
    def figure(self) -> go.Figure:
        from autodevops.runbooks.render import metric_figure

        return metric_figure(self.chart)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None, **_: Any) -> dict[str, Any]:
        return drawing.shown(self.chart, f"Chart: {self.chart.title} ({len(self.chart.series)} series)")


def table(frame: pd.DataFrame, evidence: Evidence, **attrs: Any) -> Table:
    """`frame` as the table of `evidence`; further `attrs` are units and the like."""
    made = Table(frame)
    made.evidence = evidence
    note = evidence.data.get("note", "") if isinstance(evidence.data, dict) else ""
    window = evidence.window
    facts = {
        "id": str(evidence.id),
        "tool": evidence.tool,
        "query": evidence.query,
        "arguments": dict(evidence.arguments),
        "window": (window.start.isoformat(), window.end.isoformat()) if window else None,
        "digest": evidence.digest,
        "truncated": evidence.truncated,
        "note": note,
        "collected_at": evidence.collected_at.isoformat(),
    }
    made.attrs.update({"evidence": facts, **attrs})
    return made


def utc_index(seconds: Iterable[float], name: str) -> pd.DatetimeIndex:
    """Unix seconds as times in UTC; Prometheus counts in milliseconds."""
    return pd.DatetimeIndex(pd.to_datetime([round(at * 1000) for at in seconds], unit="ms", utc=True), name=name)


def flat(value: Json) -> pd.DataFrame:
    """A row for each field: `spec.template.spec.containers[0].image` and what stands there."""
    rows = dict(_fields(value, ""))
    return pd.DataFrame({"value": list(rows.values())}, index=pd.Index(list(rows), name="field"), dtype="object")


def _fields(value: Json, path: str) -> list[tuple[str, Json]]:
    if isinstance(value, dict) and value:
        return [row for key, item in value.items() for row in _fields(item, f"{path}.{key}" if path else key)]
    if isinstance(value, list) and value:
        return [row for at, item in enumerate(value) for row in _fields(item, f"{path}[{at}]")]
    return [(path, value)]


def _cell(value: Any) -> Any:
    if isinstance(value, str) and len(value) > CELL_CHARACTERS:
        return value[: CELL_CHARACTERS - 1] + "…"
    if isinstance(value, dict | list):
        return _cell(json.dumps(value, ensure_ascii=False, default=str))
    return value
