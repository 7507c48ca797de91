"""How a call and its answer are told in one line, from arguments and data alone: tools may be anybody's."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from autodevops.domain.base import Json
from autodevops.domain.window import TimeWindow
from autodevops.toolbox.protocol import ToolAnswer

_LANGUAGES = ("query", "match", "expr", "trace_id")  # arguments that are a query by themselves
_FRAME = {"start", "end", "since", "until", "time", "limit", "step_seconds", "direction"}  # how much, not what
_NAMES = ("name", "title", "message", "trace_id", "sha")
PREVIEW_CHARACTERS = 120


def query_of(tool: str, arguments: Mapping[str, Json]) -> str:
    """The exact query, or a reference to the object asked for; for a person to copy."""
    for language in _LANGUAGES:
        value = arguments.get(language)
        if isinstance(value, str) and value:
            return value
    rest = {key: value for key, value in arguments.items() if key not in _FRAME and value not in ("", None, False)}
    parts: list[str] = []
    if isinstance(kind := rest.pop("kind", None), str):
        parts.append(kind)
    name, namespace = rest.pop("name", ""), rest.pop("namespace", "")
    if name:
        parts.append(f"{namespace}/{name}" if namespace else str(name))
    elif namespace:
        parts.append(f"namespace={namespace}")
    parts += [f"{key}={value}" for key, value in rest.items()]
    return " ".join(parts) or tool.partition(".")[2]


def window_of(arguments: Mapping[str, Json], now: datetime) -> TimeWindow | None:
    """The span the arguments name, if they name one: start and end, since and until, since_seconds."""
    start, end = moment_of(arguments.get("start")), moment_of(arguments.get("end"))
    start, end = start or moment_of(arguments.get("since")), end or moment_of(arguments.get("until"))
    ago = arguments.get("since_seconds")
    if start is None and isinstance(ago, int | float) and not isinstance(ago, bool) and ago > 0:
        start = now - timedelta(seconds=ago)
    if start is None:
        return None
    end = end or now
    return TimeWindow(start=start, end=end) if start < end else None


def preview_of(answer: ToolAnswer, now: datetime | None = None) -> str:
    """What came back, in one line; at `now`, to say how old it is when it was kept."""
    data = answer.data
    text = _told(data) if isinstance(data, dict) else _cut(str(data))
    if answer.truncated:
        text += " (cut; there is more)"
    if answer.cached_at and now:
        text += f" (asked {max(0, (now - answer.cached_at).total_seconds()):.0f} s ago, kept)"
    return text


def _told(data: Mapping[str, Json]) -> str:
    for key, value in data.items():
        if isinstance(value, list):
            return _counted(key, value)
        if isinstance(value, dict) and value:
            return _object(key, value)
    return _cut(", ".join(f"{key} {value}" for key, value in data.items() if value not in ("", False, None))) or "empty"


def _counted(key: str, items: list[Json]) -> str:
    first = items[0] if items else None
    if key == "items" and isinstance(first, dict) and isinstance(first.get("kind"), str):
        key = str(first["kind"])
    if len(items) == 1 and isinstance(first, dict) and isinstance(samples := first.get("samples"), list):
        if len(samples) == 1 and isinstance(sample := samples[0], list) and len(sample) == 2:
            return f"1 series: {sample[1]}"
        return f"1 series, {len(samples)} samples"
    if len(items) == 1 and isinstance(first, str):
        return f"1: {_cut(first)}"
    return f"{len(items)} {key}" if items else f"no {key}"


def _object(key: str, value: Mapping[str, Json]) -> str:
    metadata = value.get("metadata")
    if isinstance(metadata, dict) and "name" in metadata:
        return f"{value.get('kind', key)} {metadata['name']}"
    title = next((str(value[name]) for name in _NAMES if value.get(name)), "")
    counts = [f"{len(items)} {name}" for name, items in value.items() if isinstance(items, list)]
    return ", ".join([f"{key} {_cut(title)}".strip(), *counts])


def _cut(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= PREVIEW_CHARACTERS else line[: PREVIEW_CHARACTERS - 1] + "…"


def moment_of(value: Json) -> datetime | None:
    """A time as tools take it, ISO 8601 or seconds since 1970; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, str | int | float) or value == "":
        return None
    try:
        return datetime.fromtimestamp(float(value), UTC)
    except (ValueError, OverflowError, OSError):
        pass
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return moment.astimezone(UTC) if moment.tzinfo else None
