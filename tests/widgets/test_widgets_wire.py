"""What is kept of a conversation stays small, whatever was asked."""

from __future__ import annotations

import base64
import json
import random
import zlib
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from autodevops.domain.base import Json
from autodevops.domain.chart import MetricChart
from autodevops.domain.evidence import Evidence
from autodevops.domain.series import Series
from autodevops.domain.stream import ChartReady, TextDelta, TurnFailed
from autodevops.widgets.wire import DATA_CHARACTERS, condensed, data_text, deflated, fitted, packed_record, wire_event
from widgets import recorded_turn


def record(number: int, charts: int, size: int) -> dict[str, Any]:
    noise = random.Random(number)  # what can be deflated no further
    events = [{"type": "chart_ready", "chart": noise.randbytes(size).hex()} for _ in range(charts)]
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
    assert len(deflated(condensed(wire))) < 12_000


def test_a_saved_turn_has_every_event_and_no_character_outside_ascii() -> None:
    turn = {"id": "t", "question": "q", "events": [wire_event(event) for event in recorded_turn.events()]}
    saved = packed_record(turn)
    assert saved.keys() == {"id", "question", "packed"}
    assert json.loads(zlib.decompress(base64.b64decode(saved["packed"]))) == turn["events"]


def test_samples_keep_five_digits_and_gaps() -> None:
    series = Series(labels={}, samples=((0.0, 0.123456789), (30.0, None), (60.0, 123456.0)))
    chart = MetricChart(title="t", unit="1", series=(series,), evidence=())
    [shown] = wire_event(ChartReady(chart=chart))["chart"]["series"]
    assert shown["samples"] == [[0.0, 0.12346], [30.0, None], [60.0, 123460.0]]


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3_000)), min_size=1, max_size=12))
def test_the_transcript_fits_and_keeps_the_newest_turn_whole(shapes: list[tuple[int, int]]) -> None:
    turns = [record(number, charts, size) for number, (charts, size) in enumerate(shapes)]
    limit = 20_000
    kept = fitted(turns, limit)
    assert kept[-1]["events"] == turns[-1]["events"]
    assert len(kept) == 1 or sum(len(packed_record(turn)["packed"]) for turn in kept) <= limit
    assert [turn["id"] for turn in kept] == [turn["id"] for turn in turns][-len(kept) :]


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=30) | st.dictionaries(st.text(max_size=9), inner, max_size=6),
    max_leaves=60,
)


def evidence_of(data: Json) -> Evidence:
    tool, query = "prometheus.query_range", "up"
    return Evidence.record(
        tool=tool,
        arguments={"query": query},
        query=query,
        window=None,
        data=data,
        truncated=False,
        error=None,
        collected_at=recorded_turn.NOW,
        duration_ms=1.0,
    )


@given(JSON_VALUES)
def test_data_is_laid_out_for_reading_and_stays_what_it_was(data: Json) -> None:
    text = data_text(evidence_of(data), 1_000_000)
    assert (json.loads(text) if text else None) == data


def test_long_data_is_cut_and_samples_share_a_line() -> None:
    data: Json = {"samples": [[float(at), at * 2] for at in range(5_000)]}
    text = data_text(evidence_of(data))
    assert text.startswith('{\n "samples": [\n  [0.0, 0],\n  [1.0, 2],')
    assert len(text) == DATA_CHARACTERS + 1
