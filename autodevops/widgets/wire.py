"""What travels to the page: the turn's events as JSON, without what the page does not show or already has.

An answer carries all its evidence with data, its investigation carries evidence and charts again. The page got
the charts when they were ready, shows the beginning of the data, and asks for more of it when somebody looks.
Samples keep five digits, which is more than a chart's pixels tell apart. What is long is deflated (zlib, RFC 1950).
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from autodevops.domain.base import Json
from autodevops.domain.evidence import Evidence
from autodevops.domain.investigation import Investigation
from autodevops.domain.stream import AnswerCompleted, ChartReady, TextDelta, TurnEvent
from autodevops.widgets.static_views.hypotheses import wire_hypotheses

EXCERPT_CHARACTERS = 300  # of an evidence's data, sent with every answer: enough to recognise it
DATA_CHARACTERS = 8_000  # of it when a person looks: two pages when wrapped
TRANSCRIPT_BYTES = 3_000_000  # of a conversation as it is saved; older turns lose their charts first
LINE_CHARACTERS = 60  # of data in the panel, which is as wide
DIGITS = 5

Wire = dict[str, Any]


def wire_event(event: TurnEvent) -> Wire:
    """One event for the page."""
    if isinstance(event, AnswerCompleted):
        wire = event.model_dump(mode="json", exclude={"evidence", "investigation"})
        wire["evidence"] = [_wire_evidence(item) for item in event.evidence]
        wire["investigation"] = _wire_investigation(event.investigation) if event.investigation else None
        return wire
    wire = event.model_dump(mode="json")
    if isinstance(event, ChartReady) and event.chart.type == "metric":
        for series in wire["chart"]["series"]:
            series["samples"] = [[at, _rounded(value)] for at, value in series["samples"]]
    return wire


def data_text(evidence: Evidence, limit: int = DATA_CHARACTERS) -> str:
    """The data as a person reads it, its beginning when it is long: `limit` characters, and one more when it is cut."""
    text = ""
    for line in [] if evidence.data is None else _lines(evidence.data, ""):
        text += f"\n{line}" if text else line
        if len(text) > limit:
            break
    return text[: limit + 1]


def deflated(value: object) -> bytes:
    """JSON, deflated."""
    return zlib.compress(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(), 9)


def packed_record(record: Mapping[str, Any]) -> Wire:
    """A turn as the page keeps and saves it: its events deflated, in base64, as a saved notebook is text."""
    packed = base64.b64encode(deflated(record["events"])).decode()
    return {**{name: value for name, value in record.items() if name not in {"events", "bytes"}}, "packed": packed}


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
    """The turns in at most `limit` bytes as they are saved: first the oldest lose their charts, then they go.

    The page does the same (store.ts), so that nothing has to be sent again for it.
    """
    kept = [turn if "bytes" in turn else weighed(turn) for turn in turns]
    for index, turn in enumerate(kept[:-1]):
        if _size(kept) <= limit:
            break
        kept[index] = weighed(turn, [event for event in turn["events"] if event["type"] != "chart_ready"])
    while _size(kept) > limit and len(kept) > 1:
        del kept[0]
    return kept


def weighed(turn: Mapping[str, Any], events: list[Wire] | None = None) -> Wire:
    """The turn, with other events where they are given, and how many bytes it takes as it is saved."""
    turn = {**turn, "events": turn["events"] if events is None else events}
    return turn | {"bytes": len(packed_record(turn)["packed"]) + len(turn["question"].encode())}


def _lines(value: Json, indent: str, lead: str = "", tail: str = "") -> Iterator[str]:
    """JSON, one line for what fits in one."""
    flat = _flat(value)
    if flat is not None and len(indent + lead + flat + tail) <= LINE_CHARACTERS:
        yield f"{indent}{lead}{flat}{tail}"
        return
    if not isinstance(value, dict | list):
        yield f"{indent}{lead}{json.dumps(value, ensure_ascii=False)}{tail}"
        return
    first, last = ("{", "}") if isinstance(value, dict) else ("[", "]")
    items = [(f"{json.dumps(name)}: ", one) for name, one in value.items()] if isinstance(value, dict) else ()
    items = items or [("", one) for one in value]
    yield f"{indent}{lead}{first}"
    for number, (name, one) in enumerate(items, 1):
        yield from _lines(one, f"{indent} ", name, "," if number < len(items) else "")
    yield f"{indent}{last}{tail}"


def _flat(value: Json) -> str | None:
    """`value` on one line when its containers hold few things; large ones are not written out to see that."""
    if isinstance(value, dict | list) and len(value) > LINE_CHARACTERS // 3:
        return None
    if isinstance(value, list) and any(isinstance(one, dict) for one in value):
        return None
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    if any(isinstance(one, dict | list) and one and _flat(one) is None for one in inner):
        return None
    return json.dumps(value, ensure_ascii=False)


def _wire_evidence(evidence: Evidence) -> Wire:
    wire = evidence.model_dump(mode="json", exclude={"data"})
    text = data_text(evidence, EXCERPT_CHARACTERS)
    wire["excerpt"] = text[:EXCERPT_CHARACTERS]
    wire["excerpt_cut"] = len(text) > EXCERPT_CHARACTERS
    return wire


def _wire_investigation(investigation: Investigation) -> Wire:
    wire = investigation.model_dump(mode="json", exclude={"evidence", "charts", "findings", "hypotheses"})
    return wire | {"hypotheses": wire_hypotheses(investigation)}


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.{DIGITS}g}")


def _size(turns: Iterable[Wire]) -> int:
    return sum(turn["bytes"] for turn in turns)
