"""What travels to the page: the turn's events as JSON, without what the page does not show or already has.

An answer carries all its evidence with data, its investigation carries evidence and charts again. The page got
the charts when they were ready and shows an excerpt of the data; a person who wants all of it asks the notebook.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from autodevops.domain.evidence import Evidence
from autodevops.domain.investigation import Investigation
from autodevops.domain.stream import AnswerCompleted, TextDelta, TurnEvent

EXCERPT_CHARACTERS = 4_000  # of an evidence's data: enough to recognise it, a page long when wrapped
TRANSCRIPT_BYTES = 1_500_000  # a saved notebook holds one transcript; older turns lose their charts first

Wire = dict[str, Any]


def wire_event(event: TurnEvent) -> Wire:
    """One event for the page."""
    if isinstance(event, AnswerCompleted):
        wire = event.model_dump(mode="json", exclude={"evidence", "investigation"})
        wire["evidence"] = [_wire_evidence(item) for item in event.evidence]
        wire["investigation"] = _wire_investigation(event.investigation) if event.investigation else None
        return wire
    return event.model_dump(mode="json")


def _wire_evidence(evidence: Evidence) -> Wire:
    wire = evidence.model_dump(mode="json", exclude={"data"})
    text = "" if evidence.data is None else json.dumps(evidence.data, indent=1, ensure_ascii=False)
    wire["excerpt"] = text[:EXCERPT_CHARACTERS]
    wire["excerpt_cut"] = len(text) > EXCERPT_CHARACTERS
    return wire


def _wire_investigation(investigation: Investigation) -> Wire:
    return investigation.model_dump(mode="json", exclude={"evidence", "charts", "findings"})


def condensed(events: Iterable[Wire]) -> list[Wire]:
    """A finished turn's events without what its end repeats: deltas, once the whole text is there."""
    kept = list(events)
    if any(event["type"] == "answer_completed" for event in kept):
        return [event for event in kept if event["type"] != "text_delta"]
    merged: list[Wire] = []
    for event in kept:
        if merged and event["type"] == merged[-1]["type"] == "text_delta":
            merged[-1] = TextDelta(text=merged[-1]["text"] + event["text"]).model_dump(mode="json")
        else:
            merged.append(event)
    return merged


def fitted(turns: Sequence[Wire], limit: int = TRANSCRIPT_BYTES) -> list[Wire]:
    """The turns in at most `limit` bytes of JSON: first the oldest lose their charts, then they go."""
    sizes = [_size(turn) for turn in turns]
    kept = list(turns)
    for index, turn in enumerate(kept[:-1]):
        if sum(sizes) <= limit:
            break
        kept[index] = turn | {"events": [event for event in turn["events"] if event["type"] != "chart_ready"]}
        sizes[index] = _size(kept[index])
    while sum(sizes) > limit and len(kept) > 1:
        del kept[0], sizes[0]
    return kept


def _size(value: Wire) -> int:
    return len(json.dumps(value, ensure_ascii=False).encode())
