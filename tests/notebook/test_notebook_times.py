"""Windows as people write them in a call."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from autodevops.domain.window import TimeWindow
from autodevops.kernel.errors import UsageError
from autodevops.notebook.query_errors import place_in
from autodevops.notebook.times import window_of

NOW = datetime(2026, 11, 24, 4, 45, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")


def window(**given: Any) -> tuple[str, str]:
    chosen = {"window": None, "start": None, "end": None, **given}
    return window_of(**chosen, now=NOW, zone=BERLIN, minutes=60)


@pytest.mark.parametrize(
    ("given", "first", "last"),
    [
        ({}, "2026-11-24T03:45:00Z", "2026-11-24T04:45:00Z"),
        ({"window": "last 30 min"}, "2026-11-24T04:15:00Z", "2026-11-24T04:45:00Z"),
        ({"window": "2h"}, "2026-11-24T02:45:00Z", "2026-11-24T04:45:00Z"),
        ({"window": "-1h30m"}, "2026-11-24T03:15:00Z", "2026-11-24T04:45:00Z"),
        ({"window": timedelta(minutes=5)}, "2026-11-24T04:40:00Z", "2026-11-24T04:45:00Z"),
        ({"window": NOW - timedelta(minutes=5)}, "2026-11-24T04:40:00Z", "2026-11-24T04:45:00Z"),
        ({"window": "yesterday 3pm to 4pm"}, "2026-11-23T14:00:00Z", "2026-11-23T15:00:00Z"),
        ({"window": TimeWindow.ending(NOW, timedelta(hours=1))}, "2026-11-24T03:45:00Z", "2026-11-24T04:45:00Z"),
        ({"start": "-2h", "end": "-1h"}, "2026-11-24T02:45:00Z", "2026-11-24T03:45:00Z"),
        ({"start": "03:30"}, "2026-11-24T02:30:00Z", "2026-11-24T04:45:00Z"),
        ({"start": "yesterday", "end": "yesterday"}, "2026-11-22T23:00:00Z", "2026-11-23T23:00:00Z"),
        ({"start": NOW - timedelta(hours=2), "end": NOW.timestamp()}, "2026-11-24T02:45:00Z", "2026-11-24T04:45:00Z"),
        ({"start": "2026-11-24T04:00:00+01:00", "end": NOW}, "2026-11-24T04:00:00+01:00", "2026-11-24T04:45:00Z"),
    ],
)
def test_a_window_has_two_exact_ends(given: dict[str, Any], first: str, last: str) -> None:
    assert window(**given) == (first, last)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"window": "last fortnight"}, "'last fortnight' is no time that can be read"),
        ({"window": "since the last deploy"}, "hangs on an event"),
        ({"window": "last 30 min please"}, "no time that can be read"),
        ({"window": "last 30 days"}, "longer than the 7 days"),
        ({"window": "1h", "start": "-2h"}, "Both a window and start or end"),
        ({"start": datetime(2026, 11, 24)}, "has no time zone"),  # noqa: DTZ001 - the error it makes
        ({"start": "-1h", "end": "-2h"}, "starts at 2026-11-24 03:45:00 UTC but ends at 2026-11-24 02:45:00 UTC"),
        ({"start": "soon"}, "start='soon' is no time"),
        ({"start": 1e30}, "no time in Unix seconds"),
        ({"start": "-99999999999999w"}, "longer than thirty years"),
        ({"window": "-99999999999999w"}, "longer than thirty years"),
        ({"window": NOW + timedelta(hours=1)}, "starts at 2026-11-24 05:45:00 UTC but ends at"),
    ],
)
def test_a_time_that_cannot_be_read_is_named(given: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        window(**given)


def test_the_place_of_an_error_is_shown_in_its_line() -> None:
    query = "sum(\n  rate(up[5m]\n)"
    assert place_in(query, "2:14: parse error: x") == "      rate(up[5m]\n                 ^"
    assert place_in(query, "9:1: parse error: x") == ""
    assert place_in(query, "no place") == ""
