"""What Loki's requests carry: times, limits, steps; and the limits that Loki itself sets by default."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from starlette.datastructures import ImmutableMultiDict

from autodevops.sandbox.loki.syntax import LogQLError
from autodevops.sandbox.wire.go import model_duration, parse_duration

Params = ImmutableMultiDict[str, str]

NANOS = 1_000_000_000
_HOUR = 3600 * NANOS
_MAX_ENTRIES = 5000  # max_entries_limit_per_query
_MAX_LENGTH = 721 * _HOUR  # max_query_length
_MAX_POINTS = 11_000  # as in Prometheus
_MAX_DELAY = 5  # s that a tail may wait


def window(params: Params, now: int) -> tuple[int, int]:
    """[start, end) in ns: given, or `since` before the end, or the hour before now. Raises LogQLError."""
    end = moment(params.get("end", ""), now)
    since = parse_duration(params["since"]) if params.get("since") else _HOUR
    start = moment(params.get("start", ""), min(end, now) - since)
    if end < start:
        raise LogQLError("end timestamp must not be before or equal to start time")
    return start, end


def check_length(start: int, end: int) -> None:
    """Raises LogQLError when one query would read more time than Loki allows."""
    if end - start > _MAX_LENGTH:
        raise LogQLError(
            "the query time range exceeds the limit "
            f"(query length: {model_duration(end - start)}, limit: {model_duration(_MAX_LENGTH)})"
        )


def resolution(params: Params, start: int, end: int) -> int:
    """The step of a range query in ns. Raises LogQLError."""
    text = params.get("step", "")
    step = _span(text) if text else max(NANOS, (end - start) // 250 // NANOS * NANOS)
    if step <= 0:
        raise LogQLError("zero or negative query resolution step widths are not accepted. Try a positive integer")
    if (end - start) // step > _MAX_POINTS:
        raise LogQLError(
            "exceeded maximum resolution of 11,000 points per time series. "
            "Try increasing the value of the step parameter"
        )
    return step


def interval(params: Params) -> int:
    """The distance in ns that log lines should keep; 0 for none. Raises LogQLError."""
    text = params.get("interval", "")
    value = _span(text) if text else 0
    if value < 0:
        raise LogQLError("interval must be >= 0")
    return value


def _span(text: str) -> int:
    try:
        return round(float(text) * NANOS)
    except (ValueError, OverflowError):
        pass
    try:
        return parse_duration(text)
    except ValueError as error:
        raise LogQLError(f'cannot parse "{text}" to a valid duration') from error


def direction(params: Params) -> str:
    value = params.get("direction", "backward").lower()
    if value not in ("forward", "backward"):
        raise LogQLError(f"invalid direction '{params['direction']}'")
    return value


def limit(params: Params, default: str = "100") -> int:
    """At most as many entries as Loki gives by default. Raises LogQLError."""
    value = natural(params, "limit", default)
    if value > _MAX_ENTRIES:
        raise LogQLError(
            f"max entries limit per query exceeded, limit > max_entries_limit_per_query ({value} > {_MAX_ENTRIES})"
        )
    return value


def natural(params: Params, name: str, default: str) -> int:
    """A positive number. Raises LogQLError."""
    text = params.get(name, "") or default
    try:
        value = int(text)
    except ValueError as error:
        raise LogQLError(f'strconv.Atoi: parsing "{text}": invalid syntax') from error
    if value <= 0:
        raise LogQLError(f"{name} must be a positive value")
    return value


def tail_delay(params: Params) -> int:
    """Seconds that a tail waits for late lines. Raises LogQLError."""
    text = params.get("delay_for", "") or "0"
    try:
        value = int(text)
    except ValueError as error:
        raise LogQLError(f'strconv.Atoi: parsing "{text}": invalid syntax') from error
    if value > _MAX_DELAY:
        raise LogQLError(f"delay_for can't be greater than {_MAX_DELAY}")
    return max(0, value)


def required(params: Mapping[str, str], name: str) -> str:
    value = params.get(name, "")
    if not value:
        raise LogQLError("parse error : syntax error: unexpected $end" if name == "query" else f"{name} is required")
    return value


def moment(text: str, default: int) -> int:
    """ns since the epoch of: ns, whole seconds (up to 10 digits), fractional seconds, RFC 3339."""
    if not text:
        return default
    digits = text.removeprefix("-")
    if digits.isdigit():
        return int(text) * (NANOS if len(digits) <= 10 else 1)
    try:
        if digits.replace(".", "", 1).isdigit():
            whole, _, fraction = digits.partition(".")
            return int(whole or "0") * NANOS + int((fraction + "000000000")[:9])
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise LogQLError(
            f'could not parse "{text}" as a time: use ns or seconds since the epoch, or RFC3339'
        ) from error
    return nanos(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def nanos(moment: datetime) -> int:
    delta = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (delta.days * 86_400 + delta.seconds) * NANOS + delta.microseconds * 1000
