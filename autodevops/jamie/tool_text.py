"""A tool's answer as the lines a model reads: nothing that steers, nothing that repeats, most telling first.

A long series becomes its first, last, least and greatest value with their times; a list has one line for
each item without empty fields, and items that say the same become one with their number. What is cut is said.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from autodevops.analysis.log_lines import read_text
from autodevops.domain.base import Json
from autodevops.jamie.markdown import inert

LINE_CHARACTERS = 400
SAMPLES_SHOWN = 6
ONE_LINE = 120  # characters of a list of words that stands on one line


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
    if truncated and not (isinstance(data, dict) and data.get("truncated")):
        kept.append("(The system had more and was not asked for it.)")
    return "\n".join(kept) or "(Nothing.)"


def _lines(data: Json) -> Iterator[str]:
    if not isinstance(data, dict):
        yield from _items(data) if isinstance(data, list) else (str(data),)
        return
    plain = {key: value for key, value in data.items() if not isinstance(value, dict | list) and not _empty(value)}
    if plain:
        yield ", ".join(f"{key}: {value}" for key, value in plain.items())
    lists = {key: value for key, value in data.items() if isinstance(value, list)}
    for key, value in data.items():
        if isinstance(value, list) and (value or not any(lists.values())):
            words = ", ".join(map(str, value))
            if not any(isinstance(item, dict | list) for item in value) and len(words) <= ONE_LINE:
                yield f"{key}: {words or 'none'}"
                continue
            yield f"{key}: {len(value)}"
            yield from _items(value)
        elif isinstance(value, dict) and value:
            yield f"{key}: {_compact(value)}"


def _items(items: list[Json]) -> Iterator[str]:
    """In their order; what says the same, log records above all, once with its number."""
    times: dict[str, list[str]] = {}
    for item in items:
        at, text = _record(item) or ("", _compact(item))
        times.setdefault(text, []).append(at)
    for text, ats in times.items():
        first, last = min(ats), max(ats)
        when = f" from {first} to {last}" if first else ""
        yield f"{len(ats)} times{when}: {text}" if len(ats) > 1 else f"{first} {text}".strip()


def _record(item: Json) -> tuple[str, str] | None:
    """A log record's time of day, and what it says with who said it."""
    if not isinstance(item, dict) or not isinstance(body := item.get("body"), str):
        return None
    at, attributes = str(item.get("timestamp") or ""), item.get("attributes")
    who = attributes.get("pod") or attributes.get("container") if isinstance(attributes, dict) else ""
    return at[11:19], " ".join(str(part) for part in (item.get("severity"), who, message_of(body)) if part)


def message_of(body: str) -> str:
    """What a structured line says, without its other fields, which are new on every line."""
    return (read_text(body).message if body.startswith("{") else "") or body


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
