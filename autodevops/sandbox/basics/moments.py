"""Time in the world: seconds since the epoch as floats inside, RFC 3339 and durations at the borders."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated

from pydantic import BeforeValidator

_DURATION = re.compile(r"(?P<sign>[-+]?)(?P<parts>(?:\d+(?:\.\d+)?(?:ms|[smhd]))+)")
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|[smhd])")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def parse_duration(value: object) -> object:
    """Seconds of `-20m`, `1h30m`, `250ms`; numbers pass as seconds. Raises ValueError naming the text."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, str):
        return value
    if value == "0":
        return 0.0
    match = _DURATION.fullmatch(value.strip())
    if match is None:
        raise ValueError(f"{value!r} is not a duration such as 90s, -20m or 1h30m")
    total = sum(float(amount) * _SECONDS[unit] for amount, unit in _PART.findall(match["parts"]))
    return -total if match["sign"] == "-" else total


Seconds = Annotated[float, BeforeValidator(parse_duration)]
"""A length of time in seconds, written in YAML as `90s`, `-20m` or `1h30m`."""


def to_datetime(at: float) -> datetime:
    """The aware UTC datetime of epoch seconds."""
    return datetime.fromtimestamp(at, UTC)


@lru_cache(maxsize=4096)
def _second(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def rfc3339(at: float) -> str:
    """`2026-11-24T04:05:06Z`, whole seconds, as Kubernetes' metav1.Time."""
    return _second(int(at))


def rfc3339_micro(at: float) -> str:
    """`2026-11-24T04:05:06.123456Z`, as Kubernetes' metav1.MicroTime."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@lru_cache(maxsize=4096)
def parse_rfc3339(text: str) -> float:
    """Epoch seconds of an RFC 3339 time. Raises ValueError."""
    return datetime.fromisoformat(text).timestamp()
