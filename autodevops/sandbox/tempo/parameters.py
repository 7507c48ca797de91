"""What Tempo's requests carry: numbers, durations and windows, with its sentences for what is wrong."""

from __future__ import annotations

from starlette.datastructures import ImmutableMultiDict

from autodevops.sandbox.tempo.metrics import Intervals, range_intervals
from autodevops.sandbox.wire.go import parse_duration

Params = ImmutableMultiDict[str, str]

SECOND = 1_000_000_000
_HOUR_SECONDS = 3600  # searched when a request names no window, standing for what ingesters still hold
_MAX_SEARCH_SECONDS = 168 * 3600  # query_frontend.search.max_duration
_MOST_INTERVALS = 11_000


def search_window(params: Params, now: int) -> tuple[int, int]:
    """[start, end) in ns of whole seconds; `now` in seconds. Raises ValueError."""
    start, end = integer(params, "start", 0), integer(params, "end", 0)
    if bool(start) != bool(end):
        raise ValueError(f"invalid {'end' if start else 'start'}: start and end must be given together")
    if not end:
        start, end = now - _HOUR_SECONDS, now + 1
    if start >= end:
        raise ValueError(f"http parameter start must be before end. received start={start} end={end}")
    if end - start > _MAX_SEARCH_SECONDS:
        raise ValueError(
            f"range specified by start and end exceeds {_MAX_SEARCH_SECONDS // 3600}h0m0s. "
            f"received start={start} end={end}"
        )
    return start * SECOND, end * SECOND


def metrics_intervals(params: Params, now: int, *, instant: bool) -> Intervals:
    """The window of a metrics query, in steps or whole; `now` in seconds. Raises ValueError."""
    since = duration(params, "since") or _HOUR_SECONDS * SECOND
    end = _moment(params, "end") or now * SECOND
    start = _moment(params, "start") or end - since
    if end <= start:
        raise ValueError("end must be greater than start")
    if instant:
        return Intervals(start, end, end - start)
    step = _step(params, start, end)
    if (end - start) // step > _MOST_INTERVALS:
        raise ValueError(
            "exceeded maximum resolution of 11,000 points per time series. "
            "Try increasing the value of the step parameter"
        )
    return range_intervals(start, end, step)


def _moment(params: Params, name: str) -> int:
    """Seconds or ns since the epoch, as ns; 0 when absent."""
    text = params.get(name, "")
    if not text:
        return 0
    try:
        value = float(text)
    except ValueError as error:
        raise ValueError(f'invalid {name}: strconv.ParseInt: parsing "{text}": invalid syntax') from error
    return int(text) if value > 1e12 and text.isdigit() else round(value * SECOND)


def _step(params: Params, start: int, end: int) -> int:
    text = params.get("step", "")
    if not text:
        rough = (end - start) // 240
        step = rough // (5 * SECOND) * 5 * SECOND or rough // SECOND * SECOND
        return max(step, SECOND)
    try:
        step = round(float(text) * SECOND)
    except ValueError:
        step = duration(params, "step")
    if step <= 0:
        raise ValueError("step required")
    return step


def duration(params: Params, name: str) -> int:
    text = params.get(name, "")
    if not text:
        return 0
    try:
        return parse_duration(text)
    except ValueError as error:
        raise ValueError(f"invalid {name}: time: {error}") from error


def integer(params: Params, name: str, default: int, minimum: int | None = None) -> int:
    text = params.get(name, "")
    if not text:
        return default
    try:
        value = int(text)
    except ValueError as error:
        raise ValueError(f'invalid {name}: strconv.ParseInt: parsing "{text}": invalid syntax') from error
    if minimum is not None and value < minimum:
        raise ValueError(f"invalid {name}: must be {'a positive' if minimum else 'a non-negative'} number")
    return value
