"""A pie, or a ring: shares of a whole, each told beside it in words."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from autodevops.kernel.picture import cut, element, px, text
from autodevops.runbooks.render import PALETTE
from autodevops.runbooks.still.figure import amount, box, document, number_of, safe, title_parts, values_of, words_of

_RADIUS, _ROW = 110, 20
_SLICES = 60


def pie(trace: Mapping[str, Any], layout: Mapping[str, Any]) -> str:
    whole: dict[str, float] = defaultdict(float)
    sizes = [number_of(value) for value in values_of(trace, "values")]
    labels = values_of(trace, "labels") or range(len(sizes))
    for label, size in zip(labels, sizes, strict=False):
        if size > 0 and math.isfinite(size):
            whole[words_of(label)] += size
    total = sum(whole.values())
    if not total or len(whole) > _SLICES:
        return ""
    given = dict(zip(map(words_of, labels), trace.get("marker", {}).get("colors") or (), strict=False))
    order = sorted(whole, key=lambda label: -whole[label]) if trace.get("sort", True) else list(whole)
    height = 64 + max(2 * _RADIUS, _ROW * len(order))
    x, y = 24.0 + _RADIUS, 44 + (height - 64) / 2
    parts, done = title_parts(layout), 0.0
    for place, label in enumerate(order):
        share = whole[label] / total
        colour = safe(given.get(label)) or PALETTE[place % len(PALETTE)]
        parts.append(_slice(x, y, done, share, colour))
        done += share
        row = y + _ROW * (place - len(order) / 2) + 14
        said = f"{cut(label, 70)}  {share * 100:.3g} %  ({amount(whole[label], {})})"
        parts += [box(x + _RADIUS + 40, row - 9, 10, 10, colour), text(x + _RADIUS + 58, row, said, "n")]
    if hole := float(trace.get("hole") or 0):
        inner = {"cx": px(x), "cy": px(y), "r": px(_RADIUS * hole), "style": "fill:var(--card)"}
        parts.append(element("circle", inner))
    return document(parts, height, layout)


def _slice(x: float, y: float, start: float, share: float, colour: str) -> str:
    """From twelve o'clock against the clock, as Plotly's script draws it."""
    edge = {"fill": colour, "style": "stroke:var(--card)"}
    if share > 0.9999:
        return element("circle", {"cx": px(x), "cy": px(y), "r": _RADIUS, **edge})
    ends = [2 * math.pi * at for at in (start, start + share)]
    (x0, y0), (x1, y1) = ((x - _RADIUS * math.sin(at), y - _RADIUS * math.cos(at)) for at in ends)
    arc = f"A{_RADIUS} {_RADIUS} 0 {int(share > 0.5)} 0 {x1:.2f} {y1:.2f}"
    return element("path", {"d": f"M{px(x)} {px(y)}L{x0:.2f} {y0:.2f}{arc}Z", **edge})
