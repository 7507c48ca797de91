"""Bars from the left, one row each, named at the left: a ranking, or a trace's spans."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from autodevops.kernel.picture import LETTER, cut, text, value_ticks
from autodevops.runbooks.still.figure import (
    RIGHT,
    WIDTH,
    amount,
    box,
    colour_of,
    document,
    number_of,
    rule,
    stroke,
    title_parts,
    values_of,
    words_of,
)

_NAMES = 330  # room for the names of rows
_BARS = 1_000


def rows(traces: Sequence[Mapping[str, Any]], layout: Mapping[str, Any]) -> str:
    axis, across = layout.get("yaxis", {}), layout.get("xaxis", {})
    names = dict(zip(axis.get("tickvals", ()), axis.get("ticktext", ()), strict=False))
    names.update({one["y"]: one["text"] for one in layout.get("annotations", ()) if one.get("xref") == "paper"})
    order = list(dict.fromkeys(value for one in traces for value in values_of(one, "y")))[:_BARS]
    if axis.get("autorange") != "reversed":
        order.reverse()
    bars: list[tuple[int, float, float, str, str]] = []
    for number, one in enumerate(traces):
        values = [number_of(value) for value in values_of(one, "x")]
        bases = one.get("base") if isinstance(one.get("base"), list) else [one.get("base", 0)] * len(values)
        said = one.get("text") if isinstance(one.get("text"), list) else [""] * len(values)
        for at, (row, base, value, words) in enumerate(
            zip(values_of(one, "y"), bases or (), values, said or (), strict=False)
        ):
            if row in order and math.isfinite(value):
                start = float(base or 0)
                bars.append((order.index(row), start, start + value, words_of(words), colour_of(one, number, at)))
    limits = [one for one in layout.get("shapes", ()) if one.get("x0") == one.get("x1")]
    ends = [end for bar in bars for end in bar[1:3]] + [float(one["x0"]) for one in limits]
    ticks = value_ticks(min([0.0, *ends]), max([0.0, *ends]))
    height = 24 if any(values_of(one, "base") for one in traces if "base" in one) else 28
    top, bottom = 44.0, 44.0 + height * len(order)

    def x_of(value: float) -> float:
        return _NAMES + (value - ticks[0]) / (ticks[-1] - ticks[0]) * (WIDTH - _NAMES - 2 * RIGHT)

    parts = title_parts(layout)
    for tick in ticks:
        parts.append(rule(x_of(tick), top, x_of(tick), bottom, 'class="g"'))
        parts.append(text(x_of(tick), bottom + 17, amount(tick, across), anchor="middle"))
    for place, row in enumerate(order):
        name = words_of(names.get(row, row))
        x = 16.0 + 4 * (len(name) - len(name.lstrip()))  # a trace's spans are indented by their depth
        name = cut(name.strip(), int((_NAMES - 12 - x) / LETTER))
        parts.append(text(x, top + height * (place + 0.5) + 4, name, "n"))
    for place, start, end, words, colour in bars:
        y = top + height * (place + 0.15)
        left, right = sorted((x_of(start), x_of(end)))
        parts.append(box(left, y, max(right - left, 1.5), height * 0.7, colour))
        room = len(words) * LETTER + 12
        inside = right + room > WIDTH
        parts.append(
            text(right + (-6 if inside else 6), y + height * 0.35 + 4, words, "" if inside else "n",
                  "end" if inside else "start", "#fff" if inside else "")
        )  # fmt: skip
    for one in limits:
        x = x_of(float(one["x0"]))
        parts.append(rule(x, top, x, bottom, stroke(one.get("line", {}))))
    return document(parts, bottom + 30, layout)
