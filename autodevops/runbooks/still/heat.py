"""A heat map: rows and columns of cells, coloured by their values, with the scale below."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from autodevops.kernel.picture import LETTER, cut, text
from autodevops.runbooks.still.figure import (
    RIGHT,
    WIDTH,
    amount,
    box,
    document,
    number_of,
    title_parts,
    values_of,
    words_of,
)

_CELLS = 4_000
_TOP, _LOWEST, _HIGHEST = 44, 9, 28  # of the plot; of a row
_STEPS = 40  # of the scale
_PALE = "#eef1f6", "#2f4ea1"  # where the figure names no colours

Rgb = tuple[float, ...]
Stops = Sequence[tuple[float, Rgb]]


def heat(trace: Mapping[str, Any], layout: Mapping[str, Any]) -> str:
    cells = [[number_of(value) for value in row] for row in values_of(trace, "z")]
    across = max(map(len, cells), default=0)
    found = [value for row in cells for value in row if math.isfinite(value)]
    if not found or across * len(cells) > _CELLS:
        return ""
    scale = trace if "coloraxis" not in trace else layout.get(trace["coloraxis"], {})
    low, high = (
        next((float(scale[key]) for key in keys if scale.get(key) is not None), otherwise)
        for keys, otherwise in ((("zmin", "cmin"), min(found)), (("zmax", "cmax"), max(found)))
    )
    stops = _stops(scale)
    below, beside = layout.get("xaxis", {}), layout.get("yaxis", {})
    names = [_name(value, beside) for value in values_of(trace, "y") or range(len(cells))]
    left = min(330.0, max(72, 24 + LETTER * max(map(len, names), default=0)))
    order = list(range(len(cells)))
    if beside.get("autorange") != "reversed":
        order.reverse()
    width, height = (WIDTH - left - RIGHT) / across, min(_HIGHEST, max(_LOWEST, 300 / len(cells)))
    bottom = _TOP + height * len(cells)
    parts = title_parts(layout)
    for place, number in enumerate(order):
        y = _TOP + place * height
        if place % math.ceil(14 / height) == 0 and number < len(names):
            name = cut(names[number], int((left - 20) / LETTER))
            parts.append(text(left - 8, y + height / 2 + 4, name, "n", "end"))
        for at, value in enumerate(cells[number]):
            if math.isfinite(value):
                colour = _between(stops, (value - low) / ((high - low) or 1.0))
                parts.append(box(left + at * width, y, width - 1, height - 1, _css(colour)))
                said = _short(value) if trace.get("texttemplate") else ""
                if said and len(said) * LETTER < width and height > 14:
                    ink = "#fff" if sum(colour) < 384 else "#1c2430"
                    parts.append(text(left + (at + 0.5) * width, y + height / 2 + 4, said, "", "middle", ink))
    heads = [_name(value, below) for value in values_of(trace, "x") or range(across)]
    room = LETTER * max(map(len, heads), default=0) + 10
    for at, head in list(enumerate(heads))[:: math.ceil(min(room, 150) / width)]:
        parts.append(text(left + (at + 0.5) * width, bottom + 17, cut(head, 22), "", "middle"))
    for step in range(_STEPS):
        parts.append(box(left + step * 4, bottom + 34, 5, 10, _css(_between(stops, step / (_STEPS - 1)))))
    parts.append(text(left - 8, bottom + 43, _short(low), "", "end"))
    parts.append(text(left + _STEPS * 4 + 8, bottom + 43, _short(high)))
    return document(parts, bottom + 60, layout)


def _short(value: float) -> str:
    return amount(float(f"{value:.3g}"), {})


def _name(value: Any, axis: Mapping[str, Any]) -> str:
    """A moment without what says nothing: `2026-11-28T09:30:00+00:00` is `11-28 09:30`."""
    if isinstance(value, int | float):
        return amount(value, axis)
    moment = re.fullmatch(r"\d{4}-(\d\d-\d\d)(?:[T ](\d\d:\d\d).*)?", str(value))
    return " ".join(filter(None, moment.groups())) if moment else words_of(value)


def _stops(scale: Mapping[str, Any]) -> Stops:
    given = scale.get("colorscale")
    pairs = given if isinstance(given, list | tuple) else list(enumerate(_PALE))
    stops = [(float(at), _rgb(str(colour))) for at, colour in pairs]
    return [(1 - at, colour) for at, colour in reversed(stops)] if scale.get("reversescale") else stops


def _rgb(colour: str) -> Rgb:
    if match := re.fullmatch(r"#([0-9a-fA-F]{2})([0-9a-fA-F]{2})([0-9a-fA-F]{2})", colour):
        return tuple(float(int(part, 16)) for part in match.groups())
    found = re.fullmatch(r"rgba?\(([\d., ]+)\)", colour)
    if not found:
        raise ValueError(colour)
    return tuple(float(part) for part in found[1].split(",")[:3])


def _between(stops: Stops, share: float) -> Rgb:
    share = min(max(share, stops[0][0]), stops[-1][0])
    at = next(n for n in range(1, len(stops)) if share <= stops[n][0])
    (start, first), (end, last) = stops[at - 1], stops[at]
    part = (share - start) / ((end - start) or 1.0)
    return tuple(a + (b - a) * part for a, b in zip(first, last, strict=True))


def _css(colour: Rgb) -> str:
    return "#" + "".join(f"{round(part):02x}" for part in colour)
