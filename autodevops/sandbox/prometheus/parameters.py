"""Times, durations and limits of a request, refused in Prometheus' words."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime

from starlette.datastructures import ImmutableMultiDict

from autodevops.sandbox.wire.go import parse_duration

Params = ImmutableMultiDict[str, str]

_MAX_POINTS = 11_000
_MAX_SECONDS = 2**63 / 1000
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")
_DURATION = re.compile(r"(?:\d+(?:ms|[smhdwy]))+")


class BadParameter(Exception):
    """A parameter that Prometheus answers with 400 and `bad_data`."""

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(f'invalid parameter "{name}": {problem}' if name else problem)


def time_of(params: Params, name: str, default_ms: int | None) -> int:
    """Milliseconds of a time parameter: unix seconds or RFC 3339. Raises BadParameter."""
    text = params.get(name, "")
    if not text and default_ms is not None:
        return default_ms
    try:
        seconds = float(text)
    except ValueError:
        if _RFC3339.fullmatch(text):
            try:
                return round(datetime.fromisoformat(text.upper()).astimezone(UTC).timestamp() * 1000)
            except ValueError:
                pass
        raise BadParameter(name, f'cannot parse "{text}" to a valid timestamp') from None
    if not math.isfinite(seconds) or abs(seconds) >= _MAX_SECONDS:
        raise BadParameter(name, f'cannot parse "{text}" to a valid timestamp')
    return round(seconds * 1000)


def duration_of(params: Params, name: str) -> int:
    """Milliseconds of a duration parameter: seconds or `1m30s`. Raises BadParameter."""
    text = params.get(name, "")
    try:
        seconds = float(text)
        if not math.isfinite(seconds) or abs(seconds) >= _MAX_SECONDS:
            raise BadParameter(name, f'cannot parse "{text}" to a valid duration. It overflows int64')
        return round(seconds * 1000)
    except ValueError:
        if not _DURATION.fullmatch(text):
            raise BadParameter(name, f'cannot parse "{text}" to a valid duration') from None
        return parse_duration(text) // 1_000_000


def limit_of(params: Params) -> int:
    """The `limit` parameter, 0 for none. Raises BadParameter."""
    text = params.get("limit", "")
    if not text:
        return 0
    if not text.isdigit():
        raise BadParameter("limit", f'cannot parse "{text}" to a non-negative integer')
    return int(text)


def range_of(params: Params) -> tuple[int, int, int]:
    """Start, end and step of a range query in milliseconds. Raises BadParameter."""
    start, end = time_of(params, "start", None), time_of(params, "end", None)
    if end < start:
        raise BadParameter("end", "end timestamp must not be before start time")
    step = duration_of(params, "step")
    if step <= 0:
        raise BadParameter(
            "step", "zero or negative query resolution step widths are not accepted. Try a positive integer"
        )
    if (end - start) // step > _MAX_POINTS:
        limit = "exceeded maximum resolution of 11,000 points per timeseries."
        raise BadParameter("", f"{limit} Try decreasing the query resolution (?step=XX)")
    return start, end, step
