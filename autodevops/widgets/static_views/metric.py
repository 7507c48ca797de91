"""A metric chart as a picture: lines with gaps as gaps, marks without overlap, last values in the legend."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from autodevops.domain.chart import Mark, MetricChart
from autodevops.domain.series import Series
from autodevops.kernel.picture import (
    LETTER,
    cut,
    element,
    esc,
    flow,
    path,
    plain,
    px,
    text,
    thinned,
    time_ticks,
    value_ticks,
)
from autodevops.widgets.static_views.markup import COLOURS, moment, quantity, svg

_WIDTH, _PLOT = 760, 170
_LEFT, _RIGHT = 64, 16
_ROW, _ROWS = 16, 6
_LINES = COLOURS  # more cannot be told apart; the rest is counted
_POINTS = 700  # of one line: about one a pixel
_STYLE = (
    ".adt .l{fill:none;stroke:var(--c);stroke-width:1.7;stroke-linejoin:round}.adt .d{fill:var(--c)}"
    ".adt .g{stroke:var(--line)}.adt .t{font-weight:600;font-size:13px}"
    ".adt .m line{stroke:var(--c);stroke-dasharray:3 3}.adt .m text,.adt .m path{fill:var(--c)}"
    ".adt .onset{--c:var(--bad)}.adt .change{--c:var(--accent)}.adt .alert{--c:var(--warn)}"
)


def chart_svg(chart: MetricChart) -> str:
    """An SVG document of at most about 100 kB, whatever the number of samples."""
    times = [sample[0] for series in chart.series for sample in (series.samples[:1] + series.samples[-1:])]
    if not times:
        body = [text(16, 24, chart.title, "t"), text(16, 46, "No samples in this window.", "soft")]
        return svg(_WIDTH, 60, "chart", _STYLE, f"{chart.title}. No samples.", body)
    shown = chart.series[:_LINES]
    start, end = min(times), max(times)
    values = [value for series in shown for _, value in series.samples if value is not None and math.isfinite(value)]
    ticks = value_ticks(min(0.0, *values) if values else 0.0, max(values, default=1.0), binary=chart.unit == "By")

    def x_of(at: float) -> float:
        return _LEFT + (at - start) / ((end - start) or 1.0) * (_WIDTH - _LEFT - _RIGHT)

    marks, rows = _marks(chart.marks, x_of)
    top = 40 + rows * _ROW
    bottom = top + _PLOT

    def y_of(value: float) -> float:
        return bottom - (value - ticks[0]) / (ticks[-1] - ticks[0]) * _PLOT

    parts = [
        text(16, 24, cut(plain(chart.title), 100), "t"),
        text(_WIDTH - _RIGHT, 24, _span(start, end), "soft", "end"),
    ]
    for tick in ticks:
        y = px(y_of(tick))
        parts.append(element("line", {"class": "g", "x1": _LEFT, "x2": _WIDTH - _RIGHT, "y1": y, "y2": y}))
        parts.append(text(_LEFT - 8, y_of(tick) + 4, quantity(tick, chart.unit), "soft", "end"))
    for at, label in time_ticks(start, end):
        if x_of(at) < _WIDTH - 40:
            parts.append(text(x_of(at), bottom + 17, label, "soft", "middle"))
    for place in reversed(range(len(shown))):
        parts.append(_line(shown[place], place, x_of, y_of))
    parts += [_mark(mark, x, row, words, anchor, top, bottom) for mark, x, row, words, anchor in marks]
    names = [series_name(series, chart.legend, chart.series) for series in chart.series]
    legend, height = _legend(chart, names, bottom + 40)
    return svg(_WIDTH, height, "chart", _STYLE, _summary(chart, names), [*parts, *legend])


def series_name(series: Series, legend: str, among: Sequence[Series]) -> str:
    """What sets a series apart: its legend label, else the labels in which the series differ."""
    if series.labels.get(legend):
        return series.labels[legend]
    differing = [key for key in series.labels if any(o.labels.get(key) != series.labels[key] for o in among)]
    named = " ".join(f"{key}={series.labels[key]}" for key in differing)
    return named or series.labels.get("__name__", "value")


def _span(start: float, end: float) -> str:
    same = moment(start)[:10] == moment(end)[:10]
    return f"{moment(start)} to {moment(end, day=not same)} UTC"


def _line(series: Series, place: int, x_of: Callable[[float], float], y_of: Callable[[float], float]) -> str:
    runs = thinned(_runs(series), _POINTS)
    dots = [
        element("circle", {"class": "d", "cx": px(x_of(at)), "cy": px(y_of(value)), "r": "1.7"})
        for run in runs
        if len(run) == 1
        for at, value in run
    ]
    return element("g", {"class": f"k{place}"}, element("path", {"class": "l", "d": path(runs, x_of, y_of)}), *dots)


def _runs(series: Series) -> list[list[tuple[float, float]]]:
    """Samples without a gap between them: neither a missing value nor more than twice the usual time."""
    steps = sorted(b[0] - a[0] for a, b in zip(series.samples, series.samples[1:], strict=False))
    limit = steps[len(steps) // 2] * 2.5 if steps else 0.0
    runs: list[list[tuple[float, float]]] = [[]]
    for at, value in series.samples:
        if value is None or not math.isfinite(value) or (runs[-1] and at - runs[-1][-1][0] > limit):
            runs.append([])
        if value is not None and math.isfinite(value):
            runs[-1].append((at, value))
    return [run for run in runs if run]


_Placed = tuple[Mark, float, int, str, str]


def _marks(marks: Sequence[Mark], x_of: Callable[[float], float]) -> tuple[list[_Placed], int]:
    """Each mark with its row; -1 and no words where no label finds room. Onsets come first, alerts yield."""
    rank = {"onset": 0, "change": 1, "alert": 2}
    taken: list[list[tuple[float, float]]] = [[] for _ in range(_ROWS)]
    placed: list[_Placed] = []
    for mark in sorted(marks, key=lambda m: (rank[m.kind], m.at)):
        x = x_of(mark.at.timestamp())
        if not _LEFT <= x <= _WIDTH - _RIGHT:
            continue
        words = cut(plain(mark.label), 30)
        size = len(words) * LETTER + 8
        sides = [("start", x - 4, x + size), ("end", x - size, x + 4)]
        fitting = [side for side in sides if side[1] >= 8 and side[2] <= _WIDTH]
        choice = next(
            (
                (row, side)
                for row in range(_ROWS)
                for side in fitting
                if all(side[2] + 6 < a or side[1] - 6 > b for a, b in taken[row])
            ),
            None,
        )
        if choice is None:
            placed.append((mark, x, -1, "", "start"))
            continue
        row, (anchor, left, right) = choice
        taken[row].append((left, right))
        placed.append((mark, x, row, words, anchor))
    return placed, 1 + max((row for _, _, row, _, _ in placed), default=-1)


def _mark(mark: Mark, x: float, row: int, words: str, anchor: str, top: float, bottom: float) -> str:
    y = 40 + row * _ROW if row >= 0 else top
    return element(
        "g",
        {"class": f"m {mark.kind}"},
        element("title", {}, esc(f"{mark.kind}: {mark.label}, {moment(mark.at)} UTC")),
        element("line", {"x1": px(x), "x2": px(x), "y1": px(y), "y2": px(bottom)}),
        element("path", {"d": f"M{px(x - 3.5)} {px(y)}h7l-3.5 5z"}),
        text(x + (7 if anchor == "start" else -7), y + 8, words, "", anchor) if words else "",
    )


def _legend(chart: MetricChart, names: Sequence[str], y: float) -> tuple[list[str], float]:
    parts, said = [], []
    for series, name in zip(chart.series[:_LINES], names, strict=False):
        last = next((value for _, value in reversed(series.samples) if value is not None), None)
        said.append(cut(plain(name), 40) + ("" if last is None else f"  {quantity(last, chart.unit)}"))
    sizes = [16 + len(words) * 6.8 + 14 for words in said]
    spots = flow(sizes, _LEFT, _WIDTH - _RIGHT, y, 19)
    for place, (x, y) in enumerate(spots):
        swatch = {"class": "d", "x": px(x), "y": px(y - 8), "width": 9, "height": 9, "rx": 2}
        parts.append(element("g", {"class": f"k{place}"}, element("rect", swatch), text(x + 15, y, said[place])))
    rest = len(chart.series) - _LINES
    if rest > 0:
        y += 19
        parts.append(text(_LEFT, y, f"and {rest} more series", "soft"))
    return parts, y + 14


def _summary(chart: MetricChart, names: Sequence[str]) -> str:
    said = []
    for name, series in zip(names[:5], chart.series, strict=False):
        last = next((value for _, value in reversed(series.samples) if value is not None), None)
        said.append(f"{name} {'no value' if last is None else quantity(last, chart.unit)}")
    marks = "".join(f" {m.kind} {m.label} at {moment(m.at)} UTC." for m in chart.marks[:6])
    return f"{chart.title}. Last values: {', '.join(said)}.{marks}"
