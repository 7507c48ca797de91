"""Reading one log line: its message, severity, exception and stack, whatever it is written in.

JSON, logfmt, klog and plain text, with or without severity. A line is data: nothing here interprets its content.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from autodevops.domain.logs import LogRecord

Level: TypeAlias = Literal["fatal", "error", "warn", "info", "debug", ""]

_LEVELS: Final[dict[str, Level]] = {
    "fatal": "fatal", "critical": "fatal", "crit": "fatal", "alert": "fatal", "emerg": "fatal", "panic": "fatal",
    "error": "error", "err": "error", "severe": "error", "e": "error", "f": "fatal",
    "warn": "warn", "warning": "warn", "w": "warn",
    "info": "info", "information": "info", "notice": "info", "i": "info",
    "debug": "debug", "trace": "debug", "verbose": "debug", "d": "debug",
}  # fmt: skip

_LEVEL_KEYS = (
    "level",
    "severity",
    "severity_text",
    "lvl",
    "loglevel",
    "log.level",
    "levelname",
    "detected_level",
    "@l",
)
_MESSAGE_KEYS = ("msg", "message", "body", "event", "log", "@m", "@mt", "text")
_STACK_KEYS = (
    "stack", "stacktrace", "stack_trace", "exception.stacktrace", "error.stack", "error.stack_trace", "traceback",
    "exc_info", "exception", "err", "error",
)  # fmt: skip
_TYPE_KEYS = ("exception.type", "error.type", "exception_type", "exc_type", "error_type", "error.kind", "class", "type")

_KLOG = re.compile(r"^([IWEF])\d{4} \d{2}:\d{2}:\d{2}\.\d+\s+\d+ (?P<place>[^\]]+)\] (?P<text>.*)", re.DOTALL)
_LOGFMT = re.compile(r'([A-Za-z_@][\w.@-]*)=("(?:[^"\\]|\\.)*"|\S*)')
_PLAIN_LEVEL = re.compile(
    r"(?:^|[\s\[(|<:-])(FATAL|CRITICAL|PANIC|SEVERE|ERROR|ERR|WARNING|WARN|NOTICE|INFO|DEBUG|TRACE)(?:$|[\s\]):|>-])"
)
_FAILURE_START = re.compile(
    r"^(?:panic:|fatal error:|Traceback \(most recent call last\)|Exception in thread|Unhandled exception|Uncaught )"
)


@dataclass(frozen=True)
class LogLine:
    """`message` is the line's own sentence; `exception` a type name such as `java.lang.NullPointerException`."""

    level: Level
    message: str
    exception: str = ""
    exception_message: str = ""
    top_frame: str = ""

    @property
    def is_error(self) -> bool:
        return self.level in {"error", "fatal"}


def read(record: LogRecord) -> LogLine:
    """One record as a line: its body first, its severity and attributes where the body does not say."""
    line = read_text(record.body)
    level = line.level or level_of(record.severity)
    for key in _LEVEL_KEYS:
        level = level or level_of(record.attributes.get(key, ""))
    exception = line.exception or record.attributes.get("exception_type", record.attributes.get("exception.type", ""))
    return LogLine(level, line.message, exception, line.exception_message, line.top_frame)


def level_of(word: str) -> Level:
    return _LEVELS.get(word.strip().lower(), "")


def read_text(text: str) -> LogLine:
    """One line (or a folded multi-line record) as written."""
    from autodevops.analysis.stack_traces import read_stack

    stripped = text.strip()
    if stripped.startswith("{"):
        try:
            fields = json.loads(stripped)
        except ValueError:
            fields = None
        if isinstance(fields, dict):
            return _structured(_flatten(fields))
    klog = _KLOG.match(stripped)
    if klog:
        return LogLine(level_of(klog.group(1)), klog.group("text").strip('"'))
    pairs = _LOGFMT.findall(stripped)
    if len(pairs) >= 2 and any(key.lower() in (*_LEVEL_KEYS, *_MESSAGE_KEYS) for key, _ in pairs):
        return _structured({key: value.strip('"').replace('\\"', '"') for key, value in pairs})
    stack = read_stack(stripped)
    found = _PLAIN_LEVEL.search(stripped[:200])
    level = level_of(found.group(1)) if found else ""
    if not level and _FAILURE_START.match(stripped):
        level = "fatal" if stripped.startswith(("panic", "fatal")) else "error"
    if not level and stack.exception and stack.top_frame:
        level = "error"
    return LogLine(level, stripped.split("\n", 1)[0], stack.exception, stack.message, stack.top_frame)


def _flatten(fields: dict[str, Any], prefix: str = "") -> dict[str, str]:
    flat: dict[str, str] = {}
    for key, value in fields.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict):
            flat.update(_flatten(value, f"{name}."))
        elif isinstance(value, list):
            flat[name] = "\n".join(str(item) for item in value)
        elif value is not None:
            flat[name] = str(value)
    return flat


def _structured(fields: dict[str, str]) -> LogLine:
    from autodevops.analysis.stack_traces import read_stack

    lower = {key.lower(): value for key, value in fields.items()}
    level: Level = ""
    for key in _LEVEL_KEYS:
        level = level or level_of(lower.get(key, ""))
    if not level and lower.get("level", "").isdigit():  # pino and bunyan: 50 is error, 60 fatal
        number = int(lower["level"])
        level = "fatal" if number >= 60 else "error" if number >= 50 else "warn" if number >= 40 else "info"
    message = next((lower[key] for key in _MESSAGE_KEYS if lower.get(key)), "")
    exception = next((lower[key] for key in _TYPE_KEYS if _is_exception_name(lower.get(key, ""))), "")
    detail, frame = lower.get("exception.message", lower.get("error.message", "")), ""
    for key in (*_STACK_KEYS, *_MESSAGE_KEYS):
        value = lower.get(key, "")
        if not value:
            continue
        stack = read_stack(value)
        exception, detail, frame = exception or stack.exception, detail or stack.message, frame or stack.top_frame
    return LogLine(level, message or detail or exception, exception, detail, frame)


def _is_exception_name(word: str) -> bool:
    return bool(re.fullmatch(r"[\w.$:]+", word)) and (
        word.endswith(("Error", "Exception", "Fault", "Panic")) or word.rsplit(".", 1)[-1].endswith("Exit")
    )
