"""An investigation as what a notebook shows: a verdict, DataFrames, Plotly figures.

Plain `go.Figure`s with transparent backgrounds and one grey for text, so that they read on light and dark pages alike.
Times are UTC and say so.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from html import escape
from typing import TYPE_CHECKING, Any

from autodevops.domain.chart import LogTable, Mark, MetricChart, ServiceMap, TraceChart
from autodevops.domain.investigation import Investigation, by_reason
from autodevops.domain.series import Series
from autodevops.runbooks.texts import cut, literal

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

# Muted, told apart by people who do not see red and green alike, readable on white and on near-black.
PALETTE = ("#4c7fb8", "#d98032", "#3f9c86", "#b5589a", "#8b7bc8", "#a68a2c")
BAD = "#c8453c"
_REST = "rgba(128,138,152,0.55)"
_TEXT = "#7a8698"
_GRID = "rgba(128,138,152,0.18)"
_MARKS = {"onset": (BAD, "solid"), "change": ("#8b7bc8", "dash"), "alert": ("#c98a1b", "dot")}
_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
_LABEL_ROWS = 5  # more would leave no room for the plot
_LABEL_LENGTH = 44  # characters
_LINES = 8
_LINE_LENGTH = 260  # characters
_INDENT = "\u00a0" * 3

_BYTE_STEPS = ((2**40, "TiB"), (2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB"))


def verdict(investigation: Investigation) -> str:
    """Markdown: the answer in one line, then what was looked at."""
    window = investigation.window
    word = {"explained": "Explained", "healthy": "Healthy", "undetermined": "Undetermined"}[investigation.verdict]
    asked = f"{window.start:%Y-%m-%d %H:%M} to {window.end:%H:%M} UTC"
    answered = sum(1 for item in investigation.evidence if item.ok)
    where = f"Namespace `{investigation.namespace}`" if investigation.namespace else "Beside Kubernetes"
    return (
        f"> **{word}.** {literal(' '.join(investigation.summary.split()))}\n\n"
        f"{where}, {asked}; {answered} of {len(investigation.evidence)} queries answered."
    )


def hypotheses(investigation: Investigation) -> pd.DataFrame:
    """One row for each candidate cause, most likely first."""
    return table(
        ("confidence", "reason", "subject", "summary"),
        ((f"{item.confidence:.0%}", item.reason, str(item.subject), item.summary) for item in investigation.hypotheses),
    )


def claims(investigation: Investigation) -> pd.DataFrame:
    """What speaks for and against each candidate cause, with the ids of the queries it rests on."""
    return table(
        ("cause", "speaks", "claim", "evidence"),
        (
            (item.reason, side, claim.text, ", ".join(claim.evidence))
            for item in investigation.hypotheses
            for side, said in (("for", item.supports), ("against", item.contradicts))
            for claim in said
        ),
    )


def actions(investigation: Investigation) -> pd.DataFrame:
    """What a person may want to do next, by candidate cause. Proposals; nothing here runs them."""
    return table(
        ("for", "kind", "what", "command"),
        (
            (item.reason, action.kind, action.summary, action.command)
            for item in investigation.hypotheses
            for action in item.suggested_actions
        ),
    )


def timeline(investigation: Investigation) -> pd.DataFrame:
    rows = ((_moment(entry.at), entry.kind, str(entry.subject), entry.text) for entry in investigation.timeline)
    return table(("time (UTC)", "kind", "subject", "what"), rows)


def evidence(investigation: Investigation) -> pd.DataFrame:
    """Every query with its answer's digest, so that each claim can be checked again."""
    return table(
        ("id", "tool", "query", "window (UTC)", "digest", "took"),
        (
            (
                item.id,
                item.tool,
                item.query,
                f"{item.window.start:%H:%M:%S} to {item.window.end:%H:%M:%S}" if item.window else "",
                item.digest.removeprefix("sha256:")[:12],
                f"{item.duration_ms:.0f} ms",
            )
            for item in investigation.evidence
            if item.ok
        ),
    )


def missing(investigation: Investigation) -> pd.DataFrame:
    """What was asked for and could not be had: one row for each system and error, with the queries it cost."""
    return table(
        ("system", "error", "queries without an answer"),
        (
            (
                gaps[0].tool.partition(".")[0],
                gaps[0].error,
                cut(f"{len(gaps)}: {'; '.join(f'{gap.tool} {gap.query}' for gap in gaps)}", 400),
            )
            for gaps in by_reason(investigation.missing)
        ),
    )


def charts(investigation: Investigation) -> list[go.Figure | pd.DataFrame]:
    """What the investigation wants seen, in its order: figures for metrics and traces, a table for logs."""
    drawn: list[go.Figure | pd.DataFrame] = []
    for chart in investigation.charts:
        if isinstance(chart, MetricChart):
            drawn.append(metric_figure(chart))
        elif isinstance(chart, TraceChart):
            drawn.append(trace_figure(chart))
        elif isinstance(chart, LogTable):
            drawn.append(log_table(chart))
        else:
            drawn.append(call_table(chart))
    return drawn


def show(items: pd.DataFrame | Iterable[Any], *, empty: str = "Nothing.") -> None:
    """Display a table, or several things; `empty`, if it says something, when there is nothing."""
    import pandas as pd
    from IPython.display import HTML, Markdown, display

    things: Sequence[Any] = [items] if isinstance(items, pd.DataFrame) else list(items)
    shown = False
    for thing in things:
        if not isinstance(thing, pd.DataFrame):
            display(thing)
        elif not thing.empty:
            if thing.attrs.get("title"):
                display(Markdown(f"**{literal(thing.attrs['title'])}**"))
            with pd.option_context("display.max_colwidth", None):
                display(HTML(thing.to_html(index=False, border=0, escape=True)))
        else:
            continue
        shown = True
    if not shown and empty:
        display(Markdown(f"*{empty}*"))


def metric_figure(chart: MetricChart) -> go.Figure:
    """Lines over UTC time. The six series with the highest peaks have colours, the others stay in the background."""
    import plotly.graph_objects as go

    scale, unit, number = _scale(chart)
    ranked = sorted(chart.series, key=_peak, reverse=True)
    names = _names(chart)
    figure = go.Figure()
    for place in reversed(range(len(ranked))):
        series = ranked[place]
        coloured = place < len(PALETTE)
        figure.add_scatter(
            x=[datetime.fromtimestamp(at, UTC) for at, _ in series.samples],
            y=[None if value is None else value * scale for _, value in series.samples],
            name=names[chart.series.index(series)],
            mode="lines",
            line={"color": PALETTE[place] if coloured else _REST, "width": 2 if coloured else 1.2},
            showlegend=coloured and len(ranked) > 1,
            legendrank=place,
            hovertemplate="%{y:" + number + "}" + unit + "<extra>%{fullData.name}</extra>",
        )
    times = [at for series in chart.series for at, _ in series.samples]
    span = (min(times, default=0.0), max(times, default=1.0))
    rows = _add_marks(figure, chart.marks, span)
    legend = len(ranked) > 1
    figure.update_layout(**layout(chart.title, aside="time in UTC", top=42 + 17 * rows, bottom=76 if legend else 44))
    figure.update_yaxes(tickformat=number, ticksuffix=unit, rangemode="tozero", nticks=6)
    figure.update_xaxes(type="date", hoverformat="%Y-%m-%d %H:%M:%S UTC", nticks=9)
    return figure


def trace_figure(chart: TraceChart) -> go.Figure:
    """A waterfall: one bar a span, indented by depth, errors in red."""
    import plotly.graph_objects as go

    spans = chart.trace.spans
    start = min((span.start for span in spans), default=datetime.fromtimestamp(0, UTC))
    depth = _depths(chart)
    colour = {name: PALETTE[i % len(PALETTE)] for i, name in enumerate(dict.fromkeys(span.service for span in spans))}
    labels = [f"{_INDENT * depth[span.span_id]}{cut(f'{span.service} {span.name}', 48)}" for span in spans]
    figure = go.Figure(
        go.Bar(
            orientation="h",
            y=list(range(len(spans))),
            base=[(span.start - start).total_seconds() * 1000 for span in spans],
            x=[max(span.duration_ms, 0.05) for span in spans],
            marker={"color": [BAD if span.status == "error" else colour[span.service] for span in spans]},
            customdata=[
                [plain(label.strip()), span.duration_ms, plain(cut(span.status_message, 160))]
                for label, span in zip(labels, spans, strict=True)
            ],
            hovertemplate="%{customdata[0]}<br>%{customdata[1]:.1f} ms %{customdata[2]}<extra></extra>",
        )
    )
    aside = f"starts {start:%Y-%m-%d %H:%M:%S} UTC, trace {cut(chart.trace.trace_id, 40)}"
    figure.update_layout(**layout(chart.title, aside=aside, top=44, bottom=36))
    figure.update_layout(bargap=0.35, height=84 + 24 * max(len(spans), 3), hovermode="closest")
    figure.update_layout(
        annotations=[
            {
                "x": 0,
                "xref": "paper",
                "xanchor": "left",
                "y": place,
                "yref": "y",
                "text": plain(label),
                "showarrow": False,
                "font": {"size": 11},
            }
            for place, label in enumerate(labels)
        ]
    )
    figure.update_yaxes(autorange="reversed", showticklabels=False, showgrid=False)
    figure.update_xaxes(domain=[0.36, 1], ticksuffix=" ms", rangemode="tozero", nticks=8)
    return figure


def log_table(chart: LogTable) -> pd.DataFrame:
    """The first lines, each cut: the query is in the evidence for whoever wants all of it."""
    frame = table(
        ("time (UTC)", "severity", "from", "line", "trace"),
        (
            (
                _moment(record.timestamp),
                record.severity,
                record.attributes.get("pod") or record.attributes.get("service_name", ""),
                cut(record.body, _LINE_LENGTH),
                record.trace_id,
            )
            for record in chart.records[:_LINES]
        ),
    )
    rest = len(chart.records) - _LINES
    frame.attrs["title"] = chart.title + (f" ({rest} more not shown)" if rest > 0 else "")
    return frame


def call_table(chart: ServiceMap) -> pd.DataFrame:
    """The map as its calls: a printed run cannot be panned."""
    names = {service.id: service.name for service in chart.services}
    frame = table(
        ("caller", "callee", "calls seen", "failed", "median latency"),
        (
            (
                names.get(call.caller, call.caller),
                names.get(call.callee, call.callee),
                str(call.count) if call.count else "configured only",
                str(call.failed) if call.count else "",
                "" if call.latency_s is None else f"{call.latency_s * 1000:.0f} ms",
            )
            for call in chart.calls
        ),
    )
    frame.attrs["title"] = chart.title
    return frame


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(list(rows), columns=list(columns))


def layout(title: str, *, aside: str, top: int, bottom: int) -> dict[str, Any]:
    axis = {
        "gridcolor": _GRID,
        "linecolor": _GRID,
        "zerolinecolor": _GRID,
        "automargin": True,
        "ticks": "",
        "ticklabelstandoff": 6,
    }
    return {
        "title": {
            "text": f"<b>{plain(title)}</b><span style='font-size:11px'>  {plain(aside)}</span>",
            "font": {"size": 14},
            "x": 0.012,
            "xanchor": "left",
            "y": 0.985,
            "yanchor": "top",
        },
        "template": "none",
        "height": 320 + top,
        "margin": {"l": 16, "r": 20, "t": top, "b": bottom},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": _FONT, "size": 12, "color": _TEXT},
        "hovermode": "x unified",
        "legend": {
            "orientation": "h",
            "x": 0,
            "yref": "container",
            "y": 0.02,
            "yanchor": "bottom",
            "font": {"size": 11},
        },
        "xaxis": axis,
        "yaxis": axis,
    }


def _add_marks(figure: go.Figure, marks: Sequence[Mark], span: tuple[float, float]) -> int:
    """Vertical lines with their labels above the plot, in as many rows as they need; returns the rows used.

    They are set together: plotly copies all there are for each that is added.
    """
    labelled = _label_rows(marks, span)
    figure.update_layout(
        shapes=[
            {
                "type": "line",
                "xref": "x",
                "yref": "paper",
                "x0": mark.at,
                "x1": mark.at,
                "y0": 0,
                "y1": 1,
                "line": {"color": _MARKS[mark.kind][0], "width": 1.5, "dash": _MARKS[mark.kind][1]},
            }
            for mark in marks
        ],
        annotations=[
            {
                "x": mark.at,
                "xref": "x",
                "y": 1,
                "yref": "paper",
                "yshift": 4 + 17 * row,
                "yanchor": "bottom",
                "xanchor": "auto",
                "showarrow": False,
                "text": plain(cut(mark.label, _LABEL_LENGTH)),
                "hovertext": f"{plain(mark.label)}<br>{mark.at:%Y-%m-%d %H:%M:%S} UTC",
                "font": {"color": _MARKS[mark.kind][0], "size": 11},
            }
            for mark, row in labelled
        ],
    )
    return 1 + max((row for _, row in labelled), default=-1)


def _label_rows(marks: Sequence[Mark], span: tuple[float, float]) -> list[tuple[Mark, int]]:
    """Which label goes into which row, so that none covers another; a label that is there already is not repeated."""
    second = (span[1] - span[0]) / 900  # how long one pixel of an ordinary page is
    rows: list[float] = []
    placed: list[tuple[Mark, int]] = []
    seen: set[tuple[str, str]] = set()
    for mark in sorted(marks, key=lambda mark: mark.at):
        if (mark.kind, mark.label) in seen:
            continue
        half = 3.4 * len(cut(mark.label, _LABEL_LENGTH)) * second + 6 * second
        at = mark.at.timestamp()
        # A label near an edge hangs to one side of its line, so it needs twice the room there.
        start, end = at - 2 * half, at + 2 * half
        row = next((row for row, taken in enumerate(rows) if taken <= start), len(rows))
        if row >= _LABEL_ROWS:
            continue
        rows[row : row + 1] = [end]
        seen.add((mark.kind, mark.label))
        placed.append((mark, row))
    return placed


def _scale(chart: MetricChart) -> tuple[float, str, str]:
    """Factor, suffix and d3 number format that make the chart's largest value easy to read."""
    peak = max((_peak(series) for series in chart.series), default=0.0)
    if chart.unit in {"1", "%"}:
        factor = 100.0 if chart.unit == "1" else 1.0
        return factor, " %", ".2~f" if 0 < peak * factor < 5 else ".1~f"
    if chart.unit == "s":
        return (1000.0, " ms", ".4~r") if peak < 1 else (1.0, " s", ".3~r")
    if chart.unit == "By":
        for size, name in _BYTE_STEPS:
            if peak >= size:
                return 1 / size, f" {name}", ".4~r"
        return 1.0, " B", ".4~r"
    unit = chart.unit.replace("{", "").replace("}", "")
    return 1.0, f" {unit}" if unit else "", ".3~s"


def _peak(series: Series) -> float:
    return max((value for _, value in series.samples if value is not None), default=0.0)


def _names(chart: MetricChart) -> list[str]:
    """What tells the series apart: the legend label's value, or the labels whose values differ."""
    if chart.legend:
        return [plain(series.labels.get(chart.legend) or "(none)") for series in chart.series]
    keys = {key for series in chart.series for key in series.labels}
    differing = sorted(key for key in keys if len({series.labels.get(key) for series in chart.series}) > 1)
    names = [", ".join(series.labels[key] for key in differing if key in series.labels) for series in chart.series]
    return [plain(cut(name or chart.title, 60)) for name in names]


def _depths(chart: TraceChart) -> dict[str, int]:
    parents = {span.span_id: span.parent_span_id for span in chart.trace.spans}
    depths: dict[str, int] = {}
    for span_id in parents:
        depth, at, seen = 0, parents[span_id], {span_id}
        while at in parents and at not in seen:
            seen.add(at)
            depth, at = depth + 1, parents[at]
        depths[span_id] = depth
    return depths


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}"


def plain(text: str) -> str:
    """Plotly reads a little HTML in labels; other people's text is not to be read so."""
    return escape(text, quote=False)
