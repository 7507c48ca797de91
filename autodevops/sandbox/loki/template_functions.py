"""The functions that Loki's templates know: Go's own, the deprecated spellings, and those it takes from sprig."""

from __future__ import annotations

import base64
import json
import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote_plus, unquote_plus
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from autodevops.sandbox.wire.go import compile_regex, expand, format_float, parse_bytes, parse_duration

_MANY = 64  # operands that a variadic function takes at most


def shown(value: Any) -> str:
    """A value as Go's `%v` prints it."""
    match value:
        case str():
            return value
        case None:
            return "<no value>"
        case bool():
            return "true" if value else "false"
        case float():
            return _float(value)
        case datetime():
            zone = value.tzname() or "UTC"
            return f"{value:%Y-%m-%d %H:%M:%S}{_fraction(value)} {value:%z} {zone}"
        case list():
            return "[" + " ".join(shown(item) for item in value) + "]"
        case Mapping():
            return "map[" + " ".join(f"{key}:{shown(item)}" for key, item in sorted(value.items())) + "]"
    return str(value)


def _float(value: float) -> str:
    if value and not 1e-4 <= abs(value) < 1e21 and math.isfinite(value):
        return re.sub(r"e([+-])(\d)$", r"e\g<1>0\g<2>", repr(value))
    return format_float(value)


def _fraction(value: datetime) -> str:
    return f".{value.microsecond:06d}".rstrip("0") if value.microsecond else ""


# --- numbers ---


def _int(value: Any) -> int:
    try:
        return int(value) if not isinstance(value, str) else int(value or "0", 10)
    except (ValueError, OverflowError):
        return 0  # as sprig's cast does


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return 0.0


def _fold(convert: Callable[[Any], Any], step: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    def run(first: Any, *others: Any) -> Any:
        total = convert(first)
        for other in others:
            total = step(total, convert(other))
        return total

    return run


def _quotient(left: int, right: int) -> int:
    if right == 0:
        raise ValueError("error calling div: runtime error: integer divide by zero")
    return abs(left) // abs(right) * (1 if left * right >= 0 else -1)


def _remainder(left: int, right: int) -> int:
    if right == 0:
        raise ValueError("error calling mod: runtime error: integer divide by zero")
    return int(math.fmod(left, right))


def _ratio(left: float, right: float) -> float:
    return left / right if right else math.copysign(math.inf, left) if left else math.nan


def _round(value: Any, places: Any, on: Any = 0.5) -> float:
    scale = 10.0 ** _int(places)
    scaled = _number(value) * scale
    whole = math.floor(abs(scaled))
    if abs(scaled) - whole >= _number(on):
        whole += 1
    return math.copysign(whole, scaled) / scale


# --- text ---


def _trunc(size: Any, text: Any) -> str:
    count = _int(size)
    string = shown(text)
    if count >= 0:
        return string[:count]
    return string[count:] if len(string) + count > 0 else string


def _substr(start: Any, end: Any, text: Any) -> str:
    first, last, string = _int(start), _int(end), shown(text)
    if first < 0:
        return string[:last] if last >= 0 else ""
    return string[first:] if last < 0 else string[first:last]


def _title(text: Any) -> str:
    return re.sub(r"(^|\s)(\S)", lambda found: found.group(1) + found.group(2).upper(), shown(text))


def _indent(spaces: Any, text: Any) -> str:
    pad = " " * _int(spaces)
    return pad + shown(text).replace("\n", "\n" + pad)


def _replace_go(text: Any, old: Any, new: Any, count: Any) -> str:
    return shown(text).replace(shown(old), shown(new), _int(count))


def _replace_regex(regex: Any, text: Any, replacement: Any) -> str:
    return compile_regex(regex).sub(lambda found: expand(replacement, found), shown(text))


def _decode(text: Any) -> str:
    try:
        return base64.b64decode(shown(text), validate=True).decode("utf-8", "replace")
    except ValueError as error:
        return str(error)


def _align(left: bool) -> Callable[[Any, Any], str]:
    def run(size: Any, text: Any) -> str:
        count, string = _int(size), shown(text)
        if left:
            return string[:count].ljust(count)
        return string[-count:].rjust(count) if count else ""

    return run


def _from_json(text: Any) -> Any:
    try:
        return json.loads(shown(text))
    except ValueError:
        return None


def _printf(form: Any, *values: Any) -> str:
    remaining = list(values)

    def one(found: re.Match[str]) -> str:
        flags, verb = found.group(1), found.group(2)
        if verb == "%":
            return "%"
        if not remaining:
            return f"%!{verb}(MISSING)"
        value = remaining.pop(0)
        match verb:
            case "d" | "x" | "X" | "o":
                return f"%{flags}{verb}" % _int(value)
            case "f" | "e" | "g":
                return f"%{flags}{verb}" % _number(value)
            case "q":
                return json.dumps(shown(value), ensure_ascii=False)
        return f"%{flags}s" % shown(value)

    return re.sub(r"%([-+ 0#]*\d*(?:\.\d+)?)([a-zA-Z%])", one, shown(form))


# --- comparisons, as Go's templates have them ---


def _compare(test: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def run(left: Any, right: Any) -> bool:
        if isinstance(left, str) != isinstance(right, str):
            raise ValueError("error calling eq: incompatible types for comparison")
        return test(left, right)

    return run


def _equal(left: Any, *others: Any) -> bool:
    return any(_compare(lambda one, other: bool(one == other))(left, other) for other in others)


# --- time ---

_LAYOUT = re.compile(
    r"2006|06|January|Jan|01|Monday|Mon|02|_2|15|03|04|05|PM|pm|MST|Z07:00|-07:00|-0700|Z0700|\.0+|\.9+|,0+|[1-5](?!\d)"
)
_DIRECTIVES = {
    "2006": "%Y", "06": "%y", "January": "%B", "Jan": "%b", "01": "%m", "1": "%m", "Monday": "%A", "Mon": "%a",
    "02": "%d", "_2": "%d", "2": "%d", "15": "%H", "03": "%I", "3": "%I", "04": "%M", "4": "%M", "05": "%S",
    "5": "%S", "PM": "%p", "pm": "%p", "MST": "%Z", "Z07:00": "%z", "-07:00": "%z", "-0700": "%z", "Z0700": "%z",
}  # fmt: skip


def moment_of(timestamp: int) -> datetime:
    """A timestamp in ns as a moment in UTC, to the microsecond."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=timestamp // 1000)


def _date(layout: Any, moment: Any) -> str:
    if not isinstance(moment, datetime):
        raise ValueError("error calling date: the value is not a time")

    def one(found: re.Match[str]) -> str:
        part = found.group()
        if part[0] in ".,":
            digits = f"{moment.microsecond:06d}000"[: len(part) - 1]
            return part[0] + digits if part[1] == "0" else ("." + digits.rstrip("0")).rstrip(".")
        if part in ("Z07:00", "Z0700") and not moment.utcoffset():
            return "Z"
        text = moment.strftime(_DIRECTIVES[part])
        if part in ("Z07:00", "-07:00"):
            return f"{text[:3]}:{text[3:]}"
        if part in ("1", "2", "3", "4", "5", "_2"):
            return text.lstrip("0").rjust(2 if part == "_2" else 1)
        return text.lower() if part == "pm" else text

    return _LAYOUT.sub(one, shown(layout))


def _to_date_in_zone(layout: Any, zone: Any, text: Any) -> datetime:
    def directive(found: re.Match[str]) -> str:
        part = found.group()
        return f"{part[0]}%f" if part[0] in ".," else _DIRECTIVES[part]

    try:
        where = ZoneInfo(shown(zone))
    except (ZoneInfoNotFoundError, ValueError):
        where = ZoneInfo("UTC")
    try:
        moment = datetime.strptime(shown(text), _LAYOUT.sub(directive, shown(layout)))  # noqa: DTZ007 - zone set below
    except ValueError:
        return datetime(1, 1, 1, tzinfo=UTC)  # Go's zero time
    return moment if moment.tzinfo else moment.replace(tzinfo=where)


def _micros(moment: datetime) -> int:
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def _text(function: Callable[[str], Any]) -> tuple[int, int, Callable[..., Any]]:
    return 1, 1, lambda text: function(shown(text))


def _pair(function: Callable[[str, str], Any]) -> tuple[int, int, Callable[..., Any]]:
    return 2, 2, lambda one, other: function(shown(one), shown(other))


FUNCTIONS: dict[str, tuple[int, int, Callable[..., Any]]] = {
    # Go's own
    "eq": (2, _MANY, _equal),
    "ne": (2, 2, lambda left, right: not _equal(left, right)),
    "lt": (2, 2, _compare(lambda left, right: left < right)),
    "le": (2, 2, _compare(lambda left, right: left <= right)),
    "gt": (2, 2, _compare(lambda left, right: left > right)),
    "ge": (2, 2, _compare(lambda left, right: left >= right)),
    "not": (1, 1, lambda value: not value),
    "len": (1, 1, lambda value: len(value.encode() if isinstance(value, str) else value)),
    "index": (2, 2, lambda value, key: value.get(key, "") if isinstance(value, Mapping) else value[_int(key)]),
    "print": (0, _MANY, lambda *values: "".join(shown(value) for value in values)),
    "printf": (1, _MANY, _printf),
    # deprecated spellings, arguments in Go's order
    "ToLower": _text(str.lower),
    "ToUpper": _text(str.upper),
    "Replace": (4, 4, _replace_go),
    "Trim": _pair(lambda text, cut: text.strip(cut)),
    "TrimLeft": _pair(lambda text, cut: text.lstrip(cut)),
    "TrimRight": _pair(lambda text, cut: text.rstrip(cut)),
    "TrimPrefix": _pair(lambda text, prefix: text.removeprefix(prefix)),
    "TrimSuffix": _pair(lambda text, suffix: text.removesuffix(suffix)),
    "TrimSpace": _text(str.strip),
    # Loki's own
    "regexReplaceAll": (3, 3, _replace_regex),
    "regexReplaceAllLiteral": (3, 3, lambda regex, text, new: compile_regex(regex).sub(lambda _: new, shown(text))),
    "count": _pair(lambda regex, text: sum(1 for _ in compile_regex(regex).finditer(text))),
    "urldecode": _text(unquote_plus),
    "urlencode": _text(quote_plus),
    "bytes": _text(lambda text: float(parse_bytes(text))),
    "duration": _text(lambda text: parse_duration(text) / 1e9),
    "duration_seconds": _text(lambda text: parse_duration(text) / 1e9),
    "unixEpoch": (1, 1, lambda moment: str(_micros(moment) // 1_000_000)),
    "unixEpochMillis": (1, 1, lambda moment: str(_micros(moment) // 1000)),
    "unixEpochNanos": (1, 1, lambda moment: str(_micros(moment) * 1000)),
    "toDateInZone": (3, 3, _to_date_in_zone),
    "unixToTime": _text(lambda text: moment_of(int(text) * 10 ** max(0, 19 - len(text)))),
    "alignLeft": (2, 2, _align(left=True)),
    "alignRight": (2, 2, _align(left=False)),
    # sprig's
    "b64enc": _text(lambda text: base64.b64encode(text.encode()).decode()),
    "b64dec": (1, 1, _decode),
    "lower": _text(str.lower),
    "upper": _text(str.upper),
    "title": (1, 1, _title),
    "trunc": (2, 2, _trunc),
    "substr": (3, 3, _substr),
    "contains": _pair(lambda part, text: part in text),
    "hasPrefix": _pair(lambda prefix, text: text.startswith(prefix)),
    "hasSuffix": _pair(lambda suffix, text: text.endswith(suffix)),
    "indent": (2, 2, _indent),
    "nindent": (2, 2, lambda spaces, text: "\n" + _indent(spaces, text)),
    "replace": (3, 3, lambda old, new, text: shown(text).replace(shown(old), shown(new))),
    "repeat": (2, 2, lambda count, text: shown(text) * _int(count)),
    "trim": _text(str.strip),
    "trimAll": _pair(lambda cut, text: text.strip(cut)),
    "trimPrefix": _pair(lambda prefix, text: text.removeprefix(prefix)),
    "trimSuffix": _pair(lambda suffix, text: text.removesuffix(suffix)),
    "default": (2, 2, lambda fallback, value: value or fallback),
    "fromJson": (1, 1, _from_json),
    "int": (1, 1, _int),
    "float64": (1, 1, _number),
    "add": (1, _MANY, _fold(_int, lambda left, right: left + right)),
    "sub": (2, 2, _fold(_int, lambda left, right: left - right)),
    "mul": (1, _MANY, _fold(_int, lambda left, right: left * right)),
    "div": (2, 2, _fold(_int, _quotient)),
    "mod": (2, 2, _fold(_int, _remainder)),
    "max": (1, _MANY, _fold(_int, max)),
    "min": (1, _MANY, _fold(_int, min)),
    "addf": (1, _MANY, _fold(_number, lambda left, right: left + right)),
    "subf": (1, _MANY, _fold(_number, lambda left, right: left - right)),
    "mulf": (1, _MANY, _fold(_number, lambda left, right: left * right)),
    "divf": (1, _MANY, _fold(_number, _ratio)),
    "maxf": (1, _MANY, _fold(_number, max)),
    "minf": (1, _MANY, _fold(_number, min)),
    "ceil": (1, 1, lambda value: float(math.ceil(_number(value)))),
    "floor": (1, 1, lambda value: float(math.floor(_number(value)))),
    "round": (2, 3, _round),
    "date": (2, 2, _date),
    "toDate": (2, 2, lambda layout, text: _to_date_in_zone(layout, "UTC", text)),
}
