"""What all kinds of figures share: reading what Plotly keeps, title and legend, and the page they stand on."""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import unescape
from typing import Any

from autodevops.kernel.picture import LETTER, cut, esc, flow, plain, text, time_ticks, value_ticks
from autodevops.runbooks.render import PALETTE

WIDTH = 960  # px, about what a page has for it
RIGHT = 34
_COLOUR = re.compile(r"#[0-9a-fA-F]{3,8}|rgba?\([\d., %]+\)|[a-zA-Z]+")
_DASHES = {"dash": "6 4", "dot": "2 3", "dashdot": "6 3 2 3"}
_STYLE = (
    "svg{--card:#fff;--ink:#1c2430;--soft:#586374;--grid:#e6e9ee}"
    "@media(prefers-color-scheme:dark){svg{--card:#1a202a;--ink:#e4e8ee;--soft:#9ba6b6;--grid:#2c3442}}"
    'text{font:12px system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif;fill:var(--soft)}'
    ".t{font-size:14px;font-weight:600;fill:var(--ink)}.n{fill:var(--ink)}.g{stroke:var(--grid)}"
    ".l{fill:none;stroke-linejoin:round}"
)


def document(parts: Iterable[str], height: float, layout: Mapping[str, Any]) -> str:
    size = f'viewBox="0 0 {WIDTH} {height:.0f}" width="{WIDTH}" height="{height:.0f}"'
    label = esc(" ".join(heading(layout)))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} style="max-width:100%;height:auto" role="img"'
        f' aria-label="{label}"><style>{_STYLE}</style>'
        f'<rect width="{WIDTH}" height="{height:.0f}" style="fill:var(--card)"/>{"".join(parts)}</svg>'
    )


def heading(layout: Mapping[str, Any]) -> tuple[str, str]:
    """The title and what stands small beside it."""
    title = layout.get("title") or {}
    text = str(title.get("text", "") if isinstance(title, Mapping) else title)
    head, _, aside = text.partition("<span")
    return words_of(head), words_of(aside.partition(">")[2])


def title_parts(layout: Mapping[str, Any]) -> list[str]:
    head, aside = heading(layout)
    head = cut(head, 90)
    found = [text(14, 24, head, "t")] if head else []
    return found + ([text(WIDTH - RIGHT, 24, cut(aside, 60), anchor="end")] if aside else [])


def legend_parts(traces: Sequence[Mapping[str, Any]], left: float, y: float) -> tuple[list[str], float]:
    named = [
        (number, one)
        for number, one in sorted(enumerate(traces), key=lambda item: item[1].get("legendrank", 1000))
        if one.get("name") and one.get("showlegend", len(traces) > 1)
    ]
    said = [cut(words_of(one["name"]), 60) for _, one in named]
    spots = flow([len(words) * LETTER + 34 for words in said], left, WIDTH - RIGHT, y, 20)
    parts = []
    for (number, one), words, (x, y) in zip(named, said, spots, strict=True):
        parts += [box(x, y - 9, 10, 10, colour_of(one, number)), text(x + 16, y, words, "n")]
    return parts, y + 14 if named else y - 16


@dataclass
class _Categories:
    names: list[str]

    def place(self, value: Any) -> float:
        return float(self.names.index(str(value)))

    def labels(self, low: float, high: float) -> list[tuple[float, str]]:
        every = math.ceil(len(self.names) / 12)
        return [(float(at), cut(words_of(name), 18)) for at, name in enumerate(self.names) if at % every == 0]


_Labels = Callable[[float, float], list[tuple[float, str]]]


def scale_of(values: Sequence[Any]) -> tuple[Callable[[Any], float], _Labels]:
    """How a value across becomes a number, and what is written below: times, numbers or names."""
    first = next((value for value in values if value is not None), None)
    if not isinstance(first, str):
        return number_of, lambda low, high: [(t, amount(t, {})) for t in value_ticks(low, high) if low <= t <= high]
    if re.match(r"\d{4}-\d\d-\d\d", first):
        return moment_of, time_ticks
    categories = _Categories(list(dict.fromkeys(str(value) for value in values)))
    return categories.place, categories.labels


def moment_of(value: Any) -> float:
    at = datetime.fromisoformat(str(value))
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


def amount(value: float, axis: Mapping[str, Any]) -> str:
    suffix = str(axis.get("ticksuffix") or "")
    if str(axis.get("tickformat", "")).endswith("%"):
        value, suffix = value * 100, "%"
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= size:
            return f"{value / min(size, 1e3 if letter == 'k' else size):.5g}{letter}{suffix}"
    return f"{value:.5g}{suffix}"


def values_of(trace: Mapping[str, Any], key: str) -> list[Any]:
    """A list, or an array as Plotly packs it: its type, its bytes in base64, and its shape when it has rows."""
    found = trace.get(key)
    if isinstance(found, Mapping):
        import numpy as np

        packed = np.frombuffer(base64.b64decode(found["bdata"]), dtype=found["dtype"]).astype(float)
        shape = [int(size) for size in str(found.get("shape", -1)).split(",")]
        return list(packed.reshape(shape).tolist())
    return list(found) if isinstance(found, list | tuple) else []


def number_of(value: Any) -> float:
    return math.nan if value is None else float(value)


def colour_of(trace: Mapping[str, Any], number: int, at: int = 0) -> str:
    marker, line = trace.get("marker", {}), trace.get("line", {})
    given = (marker if trace.get("type") == "bar" else {**marker, **line}).get("color")
    if isinstance(given, list):
        given = given[at % len(given)]
    return safe(given) or PALETTE[number % len(PALETTE)]


def safe(colour: Any) -> str:
    return colour if isinstance(colour, str) and _COLOUR.fullmatch(colour) else ""


def stroke(line: Mapping[str, Any]) -> str:
    dash = _DASHES.get(str(line.get("dash")))
    return f'stroke="{safe(line.get("color")) or PALETTE[0]}" stroke-width="{float(line.get("width", 2)):g}"' + (
        f' stroke-dasharray="{dash}"' if dash else ""
    )


def words_of(text: Any) -> str:
    """Plotly's labels are a little HTML; a picture has words."""
    return plain(unescape(re.sub(r"<[^<>]*>", " ", str(text)).rstrip()))


def rule(x0: float, y0: float, x1: float, y1: float, given: str) -> str:
    return f'<line x1="{x0:.1f}" y1="{y0:.1f}" x2="{x1:.1f}" y2="{y1:.1f}" {given}/>'


def box(x: float, y: float, width: float, height: float, colour: str) -> str:
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(width, 1):.1f}" height="{max(height, 0):.1f}" rx="1.5"'
        f' fill="{colour}"/>'
    )
