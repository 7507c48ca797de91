"""Lines, points and upright bars over times, numbers or names."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

from autodevops.kernel.picture import LETTER, Point, path, px, text, thinned, value_ticks
from autodevops.runbooks.still.figure import (
    RIGHT,
    WIDTH,
    amount,
    box,
    colour_of,
    document,
    legend_parts,
    number_of,
    rule,
    safe,
    scale_of,
    stroke,
    title_parts,
    values_of,
    words_of,
)

_LEFT, _PLOT = 72, 230
_ROW = 17  # of labels above the plot, as `render` shifts them
_POINTS = 800  # of one line: about one a pixel
_BARS = 1_000


def plane(traces: Sequence[Mapping[str, Any]], layout: Mapping[str, Any]) -> str:
    across = [values_of(one, "x") for one in traces]
    place, label = scale_of([value for values in across for value in values])
    xs = [[place(value) for value in values] for values in across]
    ys = [[number_of(value) for value in values_of(one, "y")] for one in traces]
    bars = [number for number, one in enumerate(traces) if one.get("type") == "bar"]
    stacks = _stacked(xs, ys, bars) if layout.get("barmode") in {"stack", "relative"} else {}
    low, high = min(x for one in xs for x in one), max(x for one in xs for x in one)
    width = _bar_width([x for number in bars for x in xs[number]]) if bars else 0.0
    low, high = (low - width / 2, high + width / 2) if width else (low, high if high > low else low + 1)
    tops = [top for pairs in stacks.values() for _, top in pairs if math.isfinite(top)]
    seen = tops + [value for values in ys for value in values if math.isfinite(value)]
    ticks = value_ticks(min([0.0, *seen]), max([0.0, *seen]))
    notes = [one for one in layout.get("annotations", ()) if one.get("xref") == "x" and "yshift" in one]
    axis = layout.get("yaxis", {})
    left = max(_LEFT, 24 + LETTER * max(len(amount(tick, axis)) for tick in ticks))
    top = 44 + _ROW * max((1 + int(one["yshift"]) // _ROW for one in notes), default=0)
    bottom = top + _PLOT

    def x_of(value: float) -> float:
        return left + (value - low) / (high - low) * (WIDTH - left - RIGHT)

    def y_of(value: float) -> float:
        return bottom - (value - ticks[0]) / (ticks[-1] - ticks[0]) * _PLOT

    parts = title_parts(layout)
    for tick in ticks:
        parts.append(rule(left, y_of(tick), WIDTH - RIGHT, y_of(tick), 'class="g"'))
        parts.append(text(left - 8, y_of(tick) + 4, amount(tick, axis), anchor="end"))
    for at, words in label(low, high):
        parts.append(text(x_of(at), bottom + 18, words, anchor="middle"))
    for number, one in enumerate(traces):
        colour = colour_of(one, number)
        if number in bars:
            slot = width / (1 if stacks else len(bars))
            shift = -width / 2 + (0 if stacks else bars.index(number) * slot)
            pairs = stacks.get(number) or [(0.0, value) for value in ys[number]]
            for x, (start, end) in list(zip(xs[number], pairs, strict=False))[:_BARS]:
                if math.isfinite(end):
                    at, to = x_of(x + shift), x_of(x + shift + slot)
                    parts.append(box(at, y_of(max(start, end)), to - at - 1, abs(y_of(start) - y_of(end)), colour))
        else:
            points = list(zip(xs[number], ys[number], strict=False))
            parts.append(_drawn(points, one, colour, x_of, y_of))
    parts += [_mark(shape, place, x_of, y_of, (left, top, bottom)) for shape in layout.get("shapes", ())]
    for one in notes:
        x = x_of(place(one["x"]))
        third = 3 * (x - left) / (WIDTH - left - RIGHT)  # where the page's script anchors it
        anchor = "start" if third < 1 else "middle" if third < 2 else "end"
        colour = safe(one.get("font", {}).get("color"))
        parts.append(text(x, top - 6 - _ROW * (int(one["yshift"]) // _ROW), words_of(one["text"]), "", anchor, colour))
    legend, height = legend_parts(traces, left, bottom + 44)
    return document([*parts, *legend], height, layout)


def _drawn(
    points: Sequence[Point],
    trace: Mapping[str, Any],
    colour: str,
    x_of: Callable[[float], float],
    y_of: Callable[[float], float],
) -> str:
    """A line with its gaps as gaps; single points as dots."""
    runs: list[list[Point]] = [[]]
    for x, y in points:
        if math.isfinite(y):
            runs[-1].append((x, y))
        elif runs[-1]:
            runs.append([])
    dotted = trace.get("mode") == "markers"
    kept = thinned(runs, _POINTS)
    dots = [
        f'<circle cx="{px(x_of(x))}" cy="{px(y_of(y))}" r="2.5" fill="{colour}"/>'
        for run in kept
        if dotted or len(run) == 1
        for x, y in run
    ]
    lines = path([run for run in kept if len(run) > 1 and not dotted], x_of, y_of)
    width = float(trace.get("line", {}).get("width", 2))
    drawn = f'<path class="l" d="{lines}" stroke="{colour}" stroke-width="{width:g}"/>' if lines else ""
    return drawn + "".join(dots)


def _mark(
    shape: Mapping[str, Any],
    place: Callable[[Any], float],
    x_of: Callable[[float], float],
    y_of: Callable[[float], float],
    edges: tuple[float, float, float],
) -> str:
    left, top, bottom = edges
    if shape.get("type") != "line":
        return ""
    if shape["x0"] == shape["x1"]:
        x = x_of(place(shape["x0"]))
        return rule(x, top, x, bottom, stroke(shape.get("line", {})))
    if shape["y0"] == shape["y1"] and shape.get("yref") == "y":
        y = y_of(float(shape["y0"]))
        return rule(left, y, WIDTH - RIGHT, y, stroke(shape.get("line", {})))
    return ""


def _stacked(
    xs: Sequence[Sequence[float]], ys: Sequence[Sequence[float]], bars: Sequence[int]
) -> dict[int, list[tuple[float, float]]]:
    """For each trace of bars where each of them starts and ends."""
    sums: dict[tuple[float, bool], float] = {}
    found: dict[int, list[tuple[float, float]]] = {}
    for number in bars:
        found[number] = []
        for x, y in zip(xs[number], ys[number], strict=False):
            start = sums.get((x, y < 0), 0.0)
            found[number].append((start, start + y))
            if math.isfinite(y):
                sums[x, y < 0] = start + y
    return found


def _bar_width(xs: Sequence[float]) -> float:
    """Of one place, in units of the axis: what lies between neighbours, a fifth left free."""
    places = sorted(set(xs))
    return 0.8 * min((b - a for a, b in pairwise(places)), default=1.0)
