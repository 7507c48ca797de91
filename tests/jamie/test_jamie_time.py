"""Time phrases: a table of what people write, and what holds of any text."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from autodevops.domain.window import TimeWindow
from autodevops.jamie.timephrase import LONGEST, describe, read_window

NOW = datetime(2026, 11, 24, 15, 30, tzinfo=UTC)
GROUPS = yaml.safe_load(Path(__file__).with_name("time_phrases.yaml").read_text("utf-8"))["groups"]
ROWS = [(group["now"], group["zone"], row) for group in GROUPS for row in group["rows"]]


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text.strip()).replace(tzinfo=UTC)


@pytest.mark.parametrize(("now", "zone", "row"), ROWS, ids=[f"{zone}: {row['say']}" for _, zone, row in ROWS])
def test_a_time_phrase_means_its_window(now: str, zone: str, row: dict[str, Any]) -> None:
    timed = read_window(row["say"], utc(now), ZoneInfo(zone))
    if "window" in row:
        assert timed.doubt is None, timed.doubt
        assert timed.window is not None
        assert f"{timed.window.start:%Y-%m-%d %H:%M} .. {timed.window.end:%Y-%m-%d %H:%M}" == row["window"]
    elif "ask" in row:
        assert timed.doubt is not None, timed
        assert row["ask"] in timed.doubt.text
    elif "anchor" in row:
        assert timed.anchor is not None
        assert timed.anchor.event == row["anchor"]
    else:
        assert timed.rest == row["say"]
        assert (timed.window, timed.anchor, timed.doubt) == (None, None, None)
    if "rest" in row:
        assert timed.rest == row["rest"]


def test_the_table_is_long_enough_to_mean_something() -> None:
    assert len(ROWS) >= 120
    assert len({(now, zone, row["say"]) for now, zone, row in ROWS}) == len(ROWS)


PIECES = st.sampled_from(
    [
        "last",
        "past",
        "since",
        "between",
        "and",
        "from",
        "to",
        "at",
        "around",
        "yesterday",
        "today",
        "3pm",
        "4",
        "14:05",
        "2026-11-20",
        "2026-11-20T09:00:00Z",
        "friday",
        "an",
        "hour",
        "30",
        "minutes",
        "before",
        "after",
        "the",
        "incident",
        "deploy",
        "Berlin",
        "time",
        "CET",
        "nov",
        "31",
        "february",
        "-",
        "/",
        ":",
        "now",
        "ago",
        "half",
    ]
)


@given(
    st.one_of(st.lists(PIECES, max_size=9).map(" ".join), st.text(max_size=40)),
    st.sampled_from(["UTC", "Asia/Kolkata"]),
)
def test_any_text_has_a_window_in_the_past_or_a_question(text: str, zone: str) -> None:
    timed = read_window(text, NOW, ZoneInfo(zone))
    if timed.window is not None:
        assert timed.window.start < timed.window.end <= NOW
        assert timed.window.length <= LONGEST
    if timed.doubt is not None:
        assert timed.doubt.text


@pytest.mark.parametrize("piece", ["in the last ", "3pm to ", "1h ", "nov 20 ", "since ", "a half and ", "2026-"])
def test_a_long_text_is_read_at_once(piece: str) -> None:
    read_window(piece * (8000 // len(piece)), NOW)


BERLIN = ZoneInfo("Europe/Berlin")
TOLD = [
    (60, 0, UTC, "last 60 min to 2026-11-24 15:30 UTC"),
    (90, 0, UTC, "last 90 min to 2026-11-24 15:30 UTC"),
    (120, 0, UTC, "last 2 h to 2026-11-24 15:30 UTC"),
    (930, 0, UTC, "last 15 h 30 min to 2026-11-24 15:30 UTC"),
    (60, 90, UTC, "2026-11-24 13:00 to 14:00 UTC"),
    (60, 0, BERLIN, "last 60 min to 2026-11-24 16:30 CET (15:30 UTC)"),
    (60, 90, BERLIN, "2026-11-24 14:00 to 15:00 CET (13:00 to 14:00 UTC)"),
    (24 * 60, 90, BERLIN, "2026-11-23 15:00 to 2026-11-24 15:00 CET (14:00 to 14:00 UTC)"),
    (60, 90, ZoneInfo("Asia/Dubai"), "2026-11-24 17:00 to 18:00 UTC+04:00 (13:00 to 14:00 UTC)"),
]


@pytest.mark.parametrize(("minutes", "ago", "zone", "said"), TOLD, ids=[row[3] for row in TOLD])
def test_a_window_is_told_with_its_zone(minutes: int, ago: int, zone: ZoneInfo, said: str) -> None:
    end = NOW - timedelta(minutes=ago)
    assert describe(TimeWindow.ending(end, timedelta(minutes=minutes)), zone, NOW) == said
