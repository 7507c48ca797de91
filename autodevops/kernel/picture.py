"""What every picture that we draw needs: markup that holds any text, round ticks, lines thinned to what can be seen.

SVG as text, for readers where no script runs. What a picture shows and how it looks is its maker's.
"""

from __future__ import annotations

import html
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime

LETTER = 6.4  # px of a 12 px letter, on average
Point = tuple[float, float]

_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # what XML 1.0 cannot hold
_TURNING = re.compile("[\u202a-\u202e\u2066-\u2069\u200e\u200f]")  # marks that make text read otherwise than written
_STEPS = (
    1, 2, 5, 10, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800, 2592000,
)  # fmt: skip


def plain(text: object) -> str:
    """Text that XML can hold and that reads as it is written, not yet escaped."""
    return _TURNING.sub("\ufffd", _FORBIDDEN.sub("\ufffd", str(text)))


def esc(text: object) -> str:
    """Text for an element or an attribute in double quotes."""
    return html.escape(plain(text), quote=True)


def cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"


def px(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def element(name: str, attributes: Mapping[str, object], *children: str) -> str:
    """An element; `children` are markup, attribute values are text. None leaves an attribute out."""
    shown = "".join(f' {key}="{esc(value)}"' for key, value in attributes.items() if value is not None)
    return f"<{name}{shown}>{''.join(children)}</{name}>"


def text(x: float, y: float, words: object, kind: str = "", anchor: str = "", colour: str = "") -> str:
    given = {"x": px(x), "y": px(y), "class": kind or None, "text-anchor": anchor or None}
    return element("text", given | {"style": f"fill:{colour}" if colour else None}, esc(words))


def value_ticks(low: float, high: float, *, binary: bool = False) -> list[float]:
    """Round values that reach from at most `low` to at least `high`."""
    if not high > low:
        high = low + 1
    raw, base = (high - low) / 4, 2.0 if binary else 10.0
    power = base ** math.floor(math.log(raw, base))
    step = power * next(factor for factor in (1, 2, 2.5, 5, 10, 20) if power * factor >= raw * 0.999)
    return [number * step for number in range(math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9) + 1)]


def time_ticks(start: float, end: float) -> list[tuple[float, str]]:
    """At most nine round moments of a window, with their words in UTC."""
    step = next((one for one in _STEPS if (end - start) / one <= 8), _STEPS[-1])
    form = "%m-%d" if step >= 86400 else "%H:%M" if step >= 60 else "%H:%M:%S"
    found = range(math.ceil(start / step) * step, math.floor(end) + 1, step)
    return [(float(at), datetime.fromtimestamp(at, UTC).strftime(form)) for at in found]


def thinned(runs: Sequence[Sequence[Point]], most: int) -> list[list[Point]]:
    """Of a line with more than about `most` points the lowest and the highest of each few."""
    size = 2 * math.ceil(sum(map(len, runs)) / most)
    return [
        list(run) if size <= 2 else [p for n in range(0, len(run), size) for p in _extremes(run[n : n + size])]
        for run in runs
    ]


def path(runs: Iterable[Sequence[Point]], x_of: Callable[[float], float], y_of: Callable[[float], float]) -> str:
    """What a path draws: each run a line, nothing between them."""
    return "".join("M" + "L".join(f"{px(x_of(at))} {px(y_of(value))}" for at, value in run) for run in runs)


def flow(sizes: Iterable[float], left: float, right: float, y: float, row: float) -> list[Point]:
    """Where things of these widths stand one after the other, in as many rows as they need."""
    x, spots = left, []
    for size in sizes:
        if x > left and x + size > right:
            x, y = left, y + row
        spots.append((x, y))
        x += size
    return spots


def _extremes(part: Sequence[Point]) -> list[Point]:
    return sorted({min(part, key=lambda point: point[1]), max(part, key=lambda point: point[1])})
