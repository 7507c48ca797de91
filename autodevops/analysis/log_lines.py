"""Reading one log line: its message, severity, exception and stack, whatever it is written in.

JSON, logfmt, klog and plain text, with or without severity. A line is data: nothing here interprets its content.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, TypeAlias

from autodevops.domain.logs import LogRecord

Level: TypeAlias = Literal["fatal", "error", "warn", "info", "debug", ""]

_LEVELS: Final[dict[str, Level]] = {
    "fatal": "fatal", "critical": "fatal", "crit": "fatal", "alert": "fatal", "emerg": "fatal", "panic": "fatal",
    "error": "error", "err": "error", "severe": "error", "fail": "error", "eror": "error", "e": "error", "f": "fatal",
    "warn": "warn", "warning": "warn", "w": "warn",
    "info": "info", "information": "info", "notice": "info", "log": "info", "i": "info",
    "debug": "debug", "dbug": "debug", "trace": "debug", "trce": "debug", "verbose": "debug", "d": "debug",
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
    "exc_info", "exception", "err", "error", "err.stack",
)  # fmt: skip
_DETAIL_KEYS = ("exception.message", "error.message", "err.message")  # OpenTelemetry, ECS, pino
_TYPE_KEYS = ("exception.type", "error.type", "exception_type", "exc_type", "error_type", "error.kind", "class", "type")

_KLOG = re.compile(r"^([IWEF])\d{4} \d{2}:\d{2}:\d{2}\.\d+\s+\d+ (?P<place>[^\]]+)\] (?P<text>.*)", re.DOTALL)
# Keys have a limit, else a line of one word as long as a page is read once for each of its letters.
_LOGFMT = re.compile(r'(?<![A-Za-z_])([A-Za-z_@][\w.@-]{0,99})=("(?:[^"\\]|\\.)*"|\S*)')
_WORDS = "FATAL|CRITICAL|CRIT|EMERG|ALERT|PANIC|SEVERE|ERROR|ERR|WARNING|WARN|NOTICE|INFO|DEBUG|TRACE"
_PLAIN_LEVEL = re.compile(rf"(?:^|[\s\[(|<:-])({_WORDS})(?:$|[\s\]):|>!/-])")
_LOWER_LEVEL = re.compile(
    rf"(?i:\[ *({_WORDS}|eror) *\]|^(?:[\w./-]+: )?({_WORDS}|fail|dbug|trce)(?:[:!]|\[\d+\]:)(?!:))"
    rf"|\t({_WORDS.lower()})\t"
)
_PRIORITY = re.compile(r"^<(\d{1,3})>")  # syslog: facility times eight plus severity
_PRIORITIES: Final[tuple[Level, ...]] = ("fatal", "fatal", "fatal", "error", "warn", "info", "info", "debug")
_REDIS = re.compile(r"^\d+:[MSCX] \d\d \w{3} (?:\d{4} )?[\d:.]+ ([.*#-]) ")
_REDIS_LEVELS: Final[dict[str, Level]] = {"#": "warn", "*": "info", "-": "debug", ".": "debug"}
_FAILURE_START = re.compile(
    r"^(?:panic: |fatal error: |Traceback \(most recent call last\)|Exception in thread|Unhandled exception|Uncaught "
    r"|thread '[^']*' panicked at|Unhandled Rejection|terminate called after throwing|Segmentation fault)"
)
_FATAL_START = ("panic", "fatal", "thread '", "terminate", "Segmentation")
_NO_ERROR = re.compile(
    r"""\b(?:0|no|zero|without(?:\ any)?)\ (?:errors?|failures?|exceptions?|failed)\b
      | \b(?:errors?|errs?|failures?|failed|exceptions?)(?:[_.-]?(?:count|total|rate|num))?["']?\ ?
        (?:[=:]\ ?["']?(?:0(?:\.0+)?|none|null|nil|false|no|<nil>)["']?|=["']{0,2})(?=$|[\s,;)}\]])
      | \b(?:error|num_|err)[_-]?(?:count|errors|rate)["']?\ ?[=:]\ ?["']?0\b
    """,
    re.IGNORECASE | re.VERBOSE,
)
_FAILING = re.compile(r"(?i)error|exception|fatal|panic|fail|critical|refused|denied|timed out|unable|cannot|exhausted")

_TIME = r"""(?:
      \[?\d{4}[-/.]\d\d[-/.]\d\d[T\ ,]+\d\d:\d\d:\d\d(?:[.,:]\d+)?(?:\ ?(?:Z|UTC|GMT|C?ES?T|[+-]\d\d:?\d\d)\b)?\]?
    | [A-Z][a-z]{2}\ +\d{1,2}\ \d\d:\d\d:\d\d(?:\.\d+)?\ [\w.-]+(?=\ [\w./()-]+(?:\[\d+\])?:)
    | \[?(?:[A-Z][a-z]{2}\ )?[A-Z][a-z]{2}\ +\d{1,2}\ \d\d:\d\d:\d\d(?:\.\d+)?(?:\ \d{4})?\]?
    | \d{1,2}[/-](?:\w{3}|\d\d)[/-]\d{2,4}[\ T:]\d\d:\d\d:\d\d(?:[.,]\d+)?
    | \d{6}\ \d{1,2}:?\d\d(?::?\d\d)?(?=\ )
    | \d\d-\d\d\ \d\d:\d\d:\d\d\.\d+
    | \d\d:\d\d:\d\d(?:[.,]\d+)?
)"""
_PART = rf"""(?:
      \[[^\[\]]{{0,80}}\]                                  # a thread, a process, a level
    | (?:{_WORDS}|LOG|DETAIL|HINT|STATEMENT)\b[:!]?          # a level
    | (?i:{_WORDS})(?::|(?=\t))
    | \d+\#\d+:                                           # nginx: process and thread
    | \d+(?=\ +(?:{_WORDS}|\[|---|\d+\ ))                  # a process
    | ---? | \|
    | [\w$./()-]+\[\d+\]:                                  # program[12]:
    | [A-Za-z_$][\w$]*(?:[./][\w$-]+)+(?::\d+)?\]?\ *(?:[:]|-(?=\ )|(?=\t))  # a logger or a place
    | [\w-]+\.(?:go|py|js|ts|rs|java|cc|cpp|c|rb):\d+\]?:?
    | \ -\ | -(?=\ )
)"""
_HEADER = re.compile(
    rf"(?!panic: )(?:<\d{{1,3}}>)?"
    rf"(?:{_TIME}|(?:{_WORDS}):[\w.]+:|(?:{_WORDS})\b[:!]?(?=[\s\[|])|(?i:{_WORDS}):(?=\s))[\s|,]*"
    rf"(?:{_PART}[\s|]*){{0,8}}",
    re.VERBOSE,
)


@dataclass(frozen=True)
class LogLine:
    """`message` is the line's own sentence; `exception` a type name such as `java.lang.NullPointerException`.

    `detail` is what a field for the error says that is no stack trace: `dial tcp 10.0.0.5:5432: connection refused`;
    `others` what else was raised on the way to `exception`, the innermost first.
    """

    level: Level
    message: str
    exception: str = ""
    exception_message: str = ""
    top_frame: str = ""
    detail: str = ""
    others: tuple[str, ...] = ()

    @property
    def is_error(self) -> bool:
        return self.level in {"error", "fatal"}

    @property
    def words(self) -> str:
        """All that it says about an error."""
        return " ".join(part for part in (self.message, self.detail, self.raised) if part)

    @property
    def raised(self) -> str:
        """The exception as its language prints it, or nothing."""
        return ": ".join(part for part in (self.exception, self.exception_message) if part)


def read(record: LogRecord) -> LogLine:
    """One record as a line: its body first, its severity and attributes where the body does not say."""
    line = read_text(record.body)
    level = line.level
    if not level:
        # What collects logs guesses a severity from words in the line, and takes "0 errors" for an error.
        told = [record.severity, *(record.attributes.get(key, "") for key in _LEVEL_KEYS)]
        level = next((found for word in told if (found := level_of(word))), "")
        if level in {"error", "fatal"} and denies_errors(record.body):
            level = "info"
    exception = line.exception or record.attributes.get("exception_type", record.attributes.get("exception.type", ""))
    return replace(line, level=level, exception=exception)


def denies_errors(text: str) -> bool:
    """Whether a line speaks of errors only to say that there are none."""
    rest = _NO_ERROR.sub(" ", text)
    return rest != text and not _FAILING.search(rest)


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
    heading = _LOGFMT.findall(stripped.split("\n", 1)[0])
    if len(heading) >= 2 and any(key.lower() in (*_LEVEL_KEYS, *_MESSAGE_KEYS) for key, _ in heading):
        return _structured({key: value.strip('"').replace('\\"', '"') for key, value in pairs})
    stack = read_stack(stripped)
    level = _plain_level(stripped)
    if not level and stack.exception and stack.top_frame:
        level = "error"
    first = stripped.split("\n", 1)[0]
    return LogLine(level, sentence(first), stack.exception, stack.message, stack.top_frame, others=stack.others)


def sentence(line: str) -> str:
    """A plain line without its header: moment, host, program, thread, severity, logger."""
    header = _HEADER.match(line)
    return line[header.end() :].strip() or line if header else line


def _plain_level(text: str) -> Level:
    start = _NO_ERROR.sub(" ", text[:200])
    priority = _PRIORITY.match(start)
    if priority:
        return _PRIORITIES[int(priority.group(1)) % 8]
    redis = _REDIS.match(start)
    if redis:
        return _REDIS_LEVELS[redis.group(1)]
    for pattern in (_PLAIN_LEVEL, _LOWER_LEVEL):
        found = pattern.search(start.split("\n", 1)[0])
        if found:
            return level_of(next(word for word in found.groups() if word))
    if _FAILURE_START.match(sentence(start)):
        return "fatal" if start.startswith(_FATAL_START) else "error"
    return ""


def _flatten(fields: dict[str, Any], prefix: str = "") -> dict[str, str]:
    flat: dict[str, str] = {}
    for key, value in fields.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict):
            flat.update(_flatten(value, f"{name}."))
        elif isinstance(value, list):
            flat[name] = "\n".join(_item(item) for item in value)
        elif value is not None:
            flat[name] = str(value)
    return flat


def _item(value: Any) -> str:
    """One of a list; structlog writes what was raised as a list of such objects, the innermost last."""
    if isinstance(value, dict) and "exc_type" in value:
        return f"{value['exc_type']}: {value.get('exc_value', '')}"
    return str(value)


def _structured(fields: dict[str, str]) -> LogLine:
    from autodevops.analysis.stack_traces import read_stack

    lower = {key.lower(): value for key, value in fields.items()}
    level: Level = ""
    for key in _LEVEL_KEYS:
        level = level or level_of(lower.get(key, ""))
    if not level and lower.get("level", "").isdigit():  # pino and bunyan: 50 is error, 60 fatal
        number = int(lower["level"])
        level = "fatal" if number >= 60 else "error" if number >= 50 else "warn" if number >= 40 else "info"
    if not level and lower.get("s") in {"F", "E", "W", "I"}:  # MongoDB
        level = level_of(lower["s"])
    message = next((lower[key] for key in _MESSAGE_KEYS if lower.get(key)), "")
    level = level or _plain_level(message)  # plain text in an envelope
    exception = next((lower[key] for key in _TYPE_KEYS if _is_exception_name(lower.get(key, ""))), "")
    detail, frame, said = next((lower[key] for key in _DETAIL_KEYS if lower.get(key)), ""), "", ""
    others: tuple[str, ...] = ()
    for key in (*_STACK_KEYS, *_MESSAGE_KEYS):
        value = lower.get(key, "")
        if not value:
            continue
        stack = read_stack(value)
        if key in _STACK_KEYS and not stack.top_frame and value != exception and not said:
            said = value.split("\n", 1)[0]
        exception, detail, frame = exception or stack.exception, detail or stack.message, frame or stack.top_frame
        others = others or stack.others
    said = "" if said in (message, detail) or denies_errors(f"error={said}") else said
    return LogLine(level, message or detail or said or exception, exception, detail, frame, said, others)


def _is_exception_name(word: str) -> bool:
    return bool(re.fullmatch(r"[\w.$:]+", word)) and (
        word.endswith(("Error", "Exception", "Fault", "Panic")) or word.rsplit(".", 1)[-1].endswith("Exit")
    )
