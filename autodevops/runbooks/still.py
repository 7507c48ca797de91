"""A Plotly figure as a picture: what a reader sees where no script may run.

GitHub, nbconvert, a mail and the portal show it instead of an empty frame. It draws what runbooks draw: lines and
points over time or numbers, upright bars, rows of bars, with the figure's marks and legend. Other kinds have none.
"""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape, unescape
from itertools import pairwise
from typing import Any

from autodevops.runbooks.render import PALETTE
from autodevops.runbooks.texts import cut

WIDTH = 960  # px, about what a page has for it
_LEFT, _RIGHT, _PLOT = 72, 34, 230
_ROW = 17  # of labels above the plot, as `render` shifts them
_NAMES = 330  # room for the names of rows
_POINTS = 800  # of one line: about one a pixel
_BARS = 1_000
_LETTER = 6.3  # px of a 12 px letter, on average
_STEPS = (
    1, 2, 5, 10, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800, 2592000,
)  # fmt: skip
_COLOUR = re.compile(r"#[0-9a-fA-F]{3,8}|rgba?\([\d., %]+\)|[a-zA-Z]+")
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # what XML 1.0 cannot hold
_DASHES = {"dash": "6 4", "dot": "2 3", "dashdot": "6 3 2 3"}
_STYLE = (
    "svg{--card:#fff;--ink:#1c2430;--soft:#586374;--grid:#e6e9ee}"
    "@media(prefers-color-scheme:dark){svg{--card:#1a202a;--ink:#e4e8ee;--soft:#9ba6b6;--grid:#2c3442}}"
    'text{font:12px system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif;fill:var(--soft)}'
    ".t{font-size:14px;font-weight:600;fill:var(--ink)}.n{fill:var(--ink)}.g{stroke:var(--grid)}"
    ".l{fill:none;stroke-linejoin:round}"
)


def still(figure: Mapping[str, Any]) -> str:
    """An SVG document, or nothing for a figure that we cannot draw: people's own may hold anything."""
    try:
        return _still([one for one in figure.get("data", ()) if one.get("visible", True) is True], figure["layout"])
    except (AttributeError, TypeError, ValueError, KeyError, IndexError, OverflowError):
        return ""


def _still(traces: Sequence[Mapping[str, Any]], layout: Mapping[str, Any]) -> str:
    kinds = {str(one.get("type", "scatter")).removesuffix("gl") for one in traces}
    if not kinds or not kinds <= {"scatter", "bar"}:
        return ""
    if kinds == {"bar"} and traces[0].get("orientation") == "h":
        return _rows(traces, layout)
    return _plane(traces, layout)


def _plane(traces: Sequence[Mapping[str, Any]], layout: Mapping[str, Any]) -> str:
    across = [_values(one, "x") for one in traces]
    place, label = _scale_of([value for values in across for value in values])
    xs = [[place(value) for value in values] for values in across]
    ys = [[_number(value) for value in _values(one, "y")] for one in traces]
    bars = [number for number, one in enumerate(traces) if one.get("type") == "bar"]
    stacks = _stacked(xs, ys, bars) if layout.get("barmode") in {"stack", "relative"} else {}
    low, high = min(x for one in xs for x in one), max(x for one in xs for x in one)
    width = _bar_width([x for number in bars for x in xs[number]]) if bars else 0.0
    low, high = (low - width / 2, high + width / 2) if width else (low, high if high > low else low + 1)
    tops = [top for pairs in stacks.values() for _, top in pairs if math.isfinite(top)]
    seen = tops + [value for values in ys for value in values if math.isfinite(value)]
    ticks = _ticks(min(seen, default=0.0), max(seen, default=1.0))
    notes = [one for one in layout.get("annotations", ()) if one.get("xref") == "x" and "yshift" in one]
    axis = layout.get("yaxis", {})
    left = max(_LEFT, 24 + _LETTER * max(len(_amount(tick, axis)) for tick in ticks))
    top = 44 + _ROW * max((1 + int(one["yshift"]) // _ROW for one in notes), default=0)
    bottom = top + _PLOT

    def x_of(value: float) -> float:
        return left + (value - low) / (high - low) * (WIDTH - left - _RIGHT)

    def y_of(value: float) -> float:
        return bottom - (value - ticks[0]) / (ticks[-1] - ticks[0]) * _PLOT

    parts = _title(layout)
    for tick in ticks:
        parts.append(_line(left, y_of(tick), WIDTH - _RIGHT, y_of(tick), 'class="g"'))
        parts.append(_text(left - 8, y_of(tick) + 4, _amount(tick, axis), anchor="end"))
    for at, words in label(low, high):
        parts.append(_text(x_of(at), bottom + 18, words, anchor="middle"))
    for number, one in enumerate(traces):
        colour = _colour(one, number)
        if number in bars:
            slot = width / (1 if stacks else len(bars))
            shift = -width / 2 + (0 if stacks else bars.index(number) * slot)
            pairs = stacks.get(number) or [(0.0, value) for value in ys[number]]
            for x, (start, end) in list(zip(xs[number], pairs, strict=False))[:_BARS]:
                if math.isfinite(end):
                    left, right = x_of(x + shift), x_of(x + shift + slot)
                    parts.append(_box(left, y_of(max(start, end)), right - left - 1, y_of(start) - y_of(end), colour))
        else:
            points = list(zip(xs[number], ys[number], strict=False))
            parts.append(_drawn(points, one, colour, x_of, y_of))
    parts += [_mark(shape, place, x_of, y_of, (left, top, bottom)) for shape in layout.get("shapes", ())]
    for one in notes:
        x = x_of(place(one["x"]))
        third = 3 * (x - left) / (WIDTH - left - _RIGHT)  # where the page's script anchors it
        anchor = "start" if third < 1 else "middle" if third < 2 else "end"
        colour = _safe(one.get("font", {}).get("color"))
        parts.append(_text(x, top - 6 - _ROW * (int(one["yshift"]) // _ROW), _words(one["text"]), "", anchor, colour))
    legend, height = _legend(traces, left, bottom + 44)
    return _document([*parts, *legend], height, layout)


def _rows(traces: Sequence[Mapping[str, Any]], layout: Mapping[str, Any]) -> str:
    """Bars from the left, one row each, named at the left."""
    axis, across = layout.get("yaxis", {}), layout.get("xaxis", {})
    names = dict(zip(axis.get("tickvals", ()), axis.get("ticktext", ()), strict=False))
    names.update({one["y"]: one["text"] for one in layout.get("annotations", ()) if one.get("xref") == "paper"})
    order = list(dict.fromkeys(value for one in traces for value in _values(one, "y")))[:_BARS]
    if axis.get("autorange") != "reversed":
        order.reverse()
    bars: list[tuple[int, float, float, str, str]] = []
    for number, one in enumerate(traces):
        values = [_number(value) for value in _values(one, "x")]
        bases = one.get("base") if isinstance(one.get("base"), list) else [one.get("base", 0)] * len(values)
        said = one.get("text") if isinstance(one.get("text"), list) else [""] * len(values)
        for at, (row, base, value, words) in enumerate(
            zip(_values(one, "y"), bases or (), values, said or (), strict=False)
        ):
            if row in order and math.isfinite(value):
                start = float(base or 0)
                bars.append((order.index(row), start, start + value, _words(words), _colour(one, number, at)))
    limits = [one for one in layout.get("shapes", ()) if one.get("x0") == one.get("x1")]
    ends = [end for bar in bars for end in bar[1:3]] + [float(one["x0"]) for one in limits]
    ticks = _ticks(min(ends, default=0.0), max(ends, default=1.0))
    height = 24 if any(_values(one, "base") for one in traces if "base" in one) else 28
    top, bottom = 44.0, 44.0 + height * len(order)

    def x_of(value: float) -> float:
        return _NAMES + (value - ticks[0]) / (ticks[-1] - ticks[0]) * (WIDTH - _NAMES - 2 * _RIGHT)

    parts = _title(layout)
    for tick in ticks:
        parts.append(_line(x_of(tick), top, x_of(tick), bottom, 'class="g"'))
        parts.append(_text(x_of(tick), bottom + 17, _amount(tick, across), anchor="middle"))
    for place, row in enumerate(order):
        name = _words(names.get(row, row))
        x = 16.0 + 4 * (len(name) - len(name.lstrip()))  # a trace's spans are indented by their depth
        name = cut(name.strip(), int((_NAMES - 12 - x) / _LETTER))
        parts.append(_text(x, top + height * (place + 0.5) + 4, name, "n"))
    for place, start, end, words, colour in bars:
        y = top + height * (place + 0.15)
        left, right = sorted((x_of(start), x_of(end)))
        parts.append(_box(left, y, max(right - left, 1.5), height * 0.7, colour))
        room = len(words) * _LETTER + 12
        inside = right + room > WIDTH
        parts.append(
            _text(right + (-6 if inside else 6), y + height * 0.35 + 4, words, "" if inside else "n",
                  "end" if inside else "start", "#fff" if inside else "")
        )  # fmt: skip
    for one in limits:
        x = x_of(float(one["x0"]))
        parts.append(_line(x, top, x, bottom, _stroke(one.get("line", {}))))
    return _document(parts, bottom + 30, layout)


def _document(parts: Iterable[str], height: float, layout: Mapping[str, Any]) -> str:
    size = f'viewBox="0 0 {WIDTH} {height:.0f}" width="{WIDTH}" height="{height:.0f}"'
    label = escape(" ".join(_heading(layout)))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} style="max-width:100%;height:auto" role="img"'
        f' aria-label="{label}"><style>{_STYLE}</style>'
        f'<rect width="{WIDTH}" height="{height:.0f}" style="fill:var(--card)"/>{"".join(parts)}</svg>'
    )


def _heading(layout: Mapping[str, Any]) -> tuple[str, str]:
    """The title and what stands small beside it."""
    title = layout.get("title") or {}
    text = str(title.get("text", "") if isinstance(title, Mapping) else title)
    head, _, aside = text.partition("<span")
    return _words(head), _words(aside.partition(">")[2])


def _title(layout: Mapping[str, Any]) -> list[str]:
    head, aside = _heading(layout)
    head = cut(head, 90)
    found = [_text(14, 24, head, "t")] if head else []
    return found + ([_text(WIDTH - _RIGHT, 24, cut(aside, 60), anchor="end")] if aside else [])


def _legend(traces: Sequence[Mapping[str, Any]], left: float, y: float) -> tuple[list[str], float]:
    named = [
        (number, one)
        for number, one in sorted(enumerate(traces), key=lambda item: item[1].get("legendrank", 1000))
        if one.get("name") and one.get("showlegend", len(traces) > 1)
    ]
    parts, x = [], left
    for number, one in named:
        words = cut(_words(one["name"]), 60)
        room = len(words) * _LETTER + 34
        if x > left and x + room > WIDTH - _RIGHT:
            x, y = left, y + 20
        parts += [_box(x, y - 9, 10, 10, _colour(one, number)), _text(x + 16, y, words, "n")]
        x += room
    return parts, y + 14 if named else y - 16


@dataclass
class _Categories:
    names: list[str]

    def place(self, value: Any) -> float:
        return float(self.names.index(str(value)))

    def labels(self, low: float, high: float) -> list[tuple[float, str]]:
        every = math.ceil(len(self.names) / 12)
        return [(float(at), cut(_words(name), 18)) for at, name in enumerate(self.names) if at % every == 0]


_Labels = Callable[[float, float], list[tuple[float, str]]]


def _scale_of(values: Sequence[Any]) -> tuple[Callable[[Any], float], _Labels]:
    """How a value across becomes a number, and what is written below: times, numbers or names."""
    first = next((value for value in values if value is not None), None)
    if not isinstance(first, str):
        return _number, lambda low, high: [(t, _amount(t, {})) for t in _ticks(low, high) if low <= t <= high]
    if re.match(r"\d{4}-\d\d-\d\d", first):
        return _moment, _times
    categories = _Categories(list(dict.fromkeys(str(value) for value in values)))
    return categories.place, categories.labels


def _moment(value: Any) -> float:
    at = datetime.fromisoformat(str(value))
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


def _times(low: float, high: float) -> list[tuple[float, str]]:
    step = next((one for one in _STEPS if (high - low) / one <= 9), _STEPS[-1])
    form = "%m-%d" if step >= 86400 else "%H:%M" if step >= 60 else "%H:%M:%S"
    found = range(math.ceil(low / step) * step, math.floor(high) + 1, step)
    return [(float(at), datetime.fromtimestamp(at, UTC).strftime(form)) for at in found]


def _ticks(low: float, high: float) -> list[float]:
    """Round values that hold both, and nothing."""
    low, high = min(low, 0.0), max(high, 0.0)
    raw = ((high - low) or 1.0) / 4
    power = 10.0 ** math.floor(math.log10(raw))
    step = power * next(factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= raw * 0.999)
    return [at * step for at in range(math.floor(low / step + 1e-9), math.ceil((high or step) / step - 1e-9) + 1)]


def _amount(value: float, axis: Mapping[str, Any]) -> str:
    suffix = str(axis.get("ticksuffix") or "")
    if str(axis.get("tickformat", "")).endswith("%"):
        value, suffix = value * 100, "%"
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= size:
            return f"{value / min(size, 1e3 if letter == 'k' else size):.4g}{letter}{suffix}"
    return f"{value:.4g}{suffix}"


def _drawn(
    points: Sequence[tuple[float, float]],
    trace: Mapping[str, Any],
    colour: str,
    x_of: Callable[[float], float],
    y_of: Callable[[float], float],
) -> str:
    """A line with its gaps as gaps; single points as dots."""
    runs: list[list[tuple[float, float]]] = [[]]
    for x, y in points:
        if math.isfinite(y):
            runs[-1].append((x, y))
        elif runs[-1]:
            runs.append([])
    size = max(1, math.ceil(len(points) / _POINTS)) * 2
    dotted = trace.get("mode") == "markers"
    lines, dots = [], []
    for run in runs:
        kept = run if size == 2 else [p for at in range(0, len(run), size) for p in _extremes(run[at : at + size])]
        if dotted or len(kept) == 1:
            dots += [f'<circle cx="{x_of(x):.1f}" cy="{y_of(y):.1f}" r="2.5" fill="{colour}"/>' for x, y in kept]
        elif kept:
            lines.append("M" + "L".join(f"{x_of(x):.1f} {y_of(y):.1f}" for x, y in kept))
    width = float(trace.get("line", {}).get("width", 2))
    path = f'<path class="l" d="{"".join(lines)}" stroke="{colour}" stroke-width="{width:g}"/>' if lines else ""
    return path + "".join(dots)


def _extremes(part: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    return sorted({min(part, key=lambda point: point[1]), max(part, key=lambda point: point[1])})


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
        return _line(x, top, x, bottom, _stroke(shape.get("line", {})))
    if shape["y0"] == shape["y1"] and shape.get("yref") == "y":
        y = y_of(float(shape["y0"]))
        return _line(left, y, WIDTH - _RIGHT, y, _stroke(shape.get("line", {})))
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


def _values(trace: Mapping[str, Any], key: str) -> list[Any]:
    """A list, or an array as Plotly packs it: its type and its bytes in base64."""
    found = trace.get(key)
    if isinstance(found, Mapping):
        import numpy as np

        return [float(value) for value in np.frombuffer(base64.b64decode(found["bdata"]), dtype=found["dtype"])]
    return list(found) if isinstance(found, list | tuple) else []


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)


def _colour(trace: Mapping[str, Any], number: int, at: int = 0) -> str:
    marker, line = trace.get("marker", {}), trace.get("line", {})
    given = (marker if trace.get("type") == "bar" else {**marker, **line}).get("color")
    if isinstance(given, list):
        given = given[at % len(given)]
    return _safe(given) or PALETTE[number % len(PALETTE)]


def _safe(colour: Any) -> str:
    return colour if isinstance(colour, str) and _COLOUR.fullmatch(colour) else ""


def _stroke(line: Mapping[str, Any]) -> str:
    dash = _DASHES.get(str(line.get("dash")))
    return f'stroke="{_safe(line.get("color")) or PALETTE[0]}" stroke-width="{float(line.get("width", 2)):g}"' + (
        f' stroke-dasharray="{dash}"' if dash else ""
    )


def _words(text: Any) -> str:
    """Plotly's labels are a little HTML; a picture has words."""
    return _FORBIDDEN.sub("\ufffd", unescape(re.sub(r"<[^<>]*>", " ", str(text)).rstrip()))


def _text(x: float, y: float, words: str, kind: str = "", anchor: str = "", colour: str = "") -> str:
    given = (f' class="{kind}"' if kind else "") + (f' text-anchor="{anchor}"' if anchor else "")
    given += f' style="fill:{colour}"' if colour else ""
    return f'<text x="{x:.1f}" y="{y:.1f}"{given}>{escape(words)}</text>' if words.strip() else ""


def _line(x0: float, y0: float, x1: float, y1: float, given: str) -> str:
    return f'<line x1="{x0:.1f}" y1="{y0:.1f}" x2="{x1:.1f}" y2="{y1:.1f}" {given}/>'


def _box(x: float, y: float, width: float, height: float, colour: str) -> str:
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(width, 1):.1f}" height="{max(height, 0):.1f}" rx="1.5"'
        f' fill="{colour}"/>'
    )
