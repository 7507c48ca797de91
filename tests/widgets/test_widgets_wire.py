"""What is kept of a conversation stays small, whatever was asked."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from autodevops.domain.stream import TextDelta, TurnFailed
from autodevops.widgets.wire import condensed, fitted, wire_event
from widgets import recorded_turn


def record(number: int, charts: int, size: int) -> dict[str, Any]:
    events = [{"type": "chart_ready", "chart": "c" * size} for _ in range(charts)]
    return {"id": str(number), "question": "q", "events": [*events, {"type": "answer_completed", "text": "a" * 50}]}


def test_a_stopped_turn_keeps_what_was_written_in_one_piece() -> None:
    events = [wire_event(TextDelta(text=text)) for text in ("one ", "two ", "three")]
    events.append(wire_event(TurnFailed(message="Stopped.", cancelled=True)))
    kept = condensed(events)
    assert [event["type"] for event in kept] == ["text_delta", "turn_failed"]
    assert kept[0]["text"] == "one two three"
    assert events[0]["text"] == "one "


def test_a_whole_recorded_turn_is_small() -> None:
    wire = [wire_event(event) for event in recorded_turn.events()]
    assert len(json.dumps(condensed(wire))) < 80_000


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3_000)), min_size=1, max_size=12))
def test_the_transcript_fits_and_keeps_the_newest_turn_whole(shapes: list[tuple[int, int]]) -> None:
    turns = [record(number, charts, size) for number, (charts, size) in enumerate(shapes)]
    limit = 20_000
    kept = fitted(turns, limit)
    assert kept[-1] == turns[-1]
    assert len(kept) == 1 or sum(len(json.dumps(turn)) for turn in kept) <= limit
    assert [turn["id"] for turn in kept] == [turn["id"] for turn in turns][-len(kept) :]
