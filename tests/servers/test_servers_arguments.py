"""Times as people give them, steps as people choose them, answers no larger than they may be."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from autodevops.kernel.errors import ToolRejected
from autodevops.servers._arguments import Times, cut, step_for
from autodevops.servers._tools import MAX_TEXT, bounded

NOW = datetime(2026, 11, 24, 4, tzinfo=UTC)
TIMES = Times(lambda: NOW)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("now", "2026-11-24T04:00:00Z"),
        (" now ", "2026-11-24T04:00:00Z"),
        ("-1h", "2026-11-24T03:00:00Z"),
        ("now-1h30m", "2026-11-24T02:30:00Z"),
        ("now - 1.5h", "2026-11-24T02:30:00Z"),
        ("-2d", "2026-11-22T04:00:00Z"),
        ("+5m", "2026-11-24T04:05:00Z"),
        ("-1w", "2026-11-17T04:00:00Z"),
        ("1795492800", "2026-11-24T04:00:00Z"),
        ("1795492800.0", "2026-11-24T04:00:00Z"),
        ("2026-11-24T05:00:00+01:00", "2026-11-24T04:00:00Z"),
    ],
)
def test_a_time_is_read_in_every_form(text: str, moment: str) -> None:
    assert TIMES.seconds(text, "start") == datetime.fromisoformat(moment).timestamp()


@pytest.mark.parametrize("text", ["1h", "-1", "-1y", "now1h", "- h", "yesterday", "-1h ago", "2026-11-24", ""])
def test_what_names_no_moment_is_rejected_with_the_forms(text: str) -> None:
    with pytest.raises(ToolRejected, match="Argument start=") as caught:
        TIMES.seconds(text, "start")
    assert "-1h" in caught.value.next_step


@pytest.mark.parametrize(
    ("hours", "step"), [(0.01, 1), (1, 30), (3, 60), (6, 120), (24, 600), (24 * 7, 3600), (24 * 365, 172_800)]
)
def test_a_step_nobody_chose_gives_about_two_hundred_points(hours: float, step: float) -> None:
    assert step_for(0, hours * 3600, 0) == step
    assert step_for(0, hours * 3600, 7.5) == 7.5


def test_too_heavy_items_are_cut_but_one_is_always_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autodevops.servers._arguments.MAX_BYTES", 10)
    assert cut(["aaaa", "bbbb", "cccc"], 9, "lines", "Filter.", len) == (
        ("aaaa", "bbbb"),
        True,
        "Showing 2 of 3 lines. Filter.",
    )
    assert cut(["a" * 50], 9, "lines", "", len) == (("a" * 50,), False, "")


def test_long_text_ends_after_a_whole_line_and_keeps_the_note() -> None:
    text = bounded("\n".join(["x" * 99] * 1000), "Only some.")
    assert len(text) < MAX_TEXT + 200
    body, rest = text.split("\n… ")
    assert set(body.split("\n")) == {"x" * 99}
    assert rest.endswith("\nOnly some.")
