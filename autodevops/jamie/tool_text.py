"""A tool's answer as the lines a model reads: nothing that steers, nothing that repeats, most telling first.

A long series becomes its first, last, least and greatest value with their times; a list one line for each item;
empty fields go. What is cut is said.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from autodevops.domain.base import Json
from autodevops.jamie.digest import inert

LINE_CHARACTERS = 400
SAMPLES_SHOWN = 6


def told(data: Json, characters: int, *, truncated: bool = False) -> str:
    """At most about `characters`; at least one line."""
    kept: list[str] = []
    left = characters
    lines = list(_lines(data))
    for line in lines:
        text = inert(line, LINE_CHARACTERS)
        left -= len(text) + 1
        if left < 0 and kept:
            kept.append(f"(Cut: {len(lines) - len(kept)} more lines.)")
            break
        kept.append(text)
    if truncated:
        kept.append("(The system had more and was not asked for it.)")
    return "\n".join(kept) or "(Nothing.)"


def _lines(data: Json) -> Iterator[str]:
    if not isinstance(data, dict):
        yield from (_compact(item) for item in data) if isinstance(data, list) else (str(data),)
        return
    plain = {key: value for key, value in data.items() if not isinstance(value, dict | list) and not _empty(value)}
    if plain:
        yield ", ".join(f"{key}: {value}" for key, value in plain.items())
    for key, value in data.items():
        if isinstance(value, list):
            yield f"{key}: {len(value)}" if value else f"{key}: none"
            yield from (_compact(item) for item in value)
        elif isinstance(value, dict) and value:
            yield f"{key}: {_compact(value)}"


def _compact(item: Json) -> str:
    if isinstance(item, dict) and isinstance(samples := item.get("samples"), list):
        rest = {key: value for key, value in item.items() if key != "samples"}
        return f"{_compact(rest)} {_series(samples)}"
    return item if isinstance(item, str) else json.dumps(_without_empty(item), ensure_ascii=False)


def _series(samples: list[Json]) -> str:
    points = [(at, value) for sample in samples if (point := _point(sample)) for at, value in [point]]
    if not points:
        return "no samples"
    if len(points) <= SAMPLES_SHOWN:
        return " ".join(_said(point) for point in points)
    low, high = min(points, key=lambda point: point[1]), max(points, key=lambda point: point[1])
    return (
        f"{len(points)} samples: first {_said(points[0])}, last {_said(points[-1])}, "
        f"least {_said(low)}, greatest {_said(high)}"
    )


def _point(sample: Json) -> tuple[float, float] | None:
    if not isinstance(sample, list) or len(sample) != 2:
        return None
    at, value = sample
    if isinstance(at, bool) or isinstance(value, bool) or not isinstance(at, int | float):
        return None
    return (float(at), float(value)) if isinstance(value, int | float) else None


def _said(point: tuple[float, float]) -> str:
    return f"{point[1]:.6g} at {datetime.fromtimestamp(point[0], UTC):%H:%M}"


def _without_empty(value: Json) -> Json:
    if isinstance(value, Mapping):
        return {key: _without_empty(item) for key, item in value.items() if not _empty(item)}
    return [_without_empty(item) for item in value] if isinstance(value, list) else value


def _empty(value: Json) -> bool:
    return value is None or value is False or value in ("", [], {})
