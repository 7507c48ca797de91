"""A model looks further: its wishes for tools become calls, and their answers what it is shown.

Every call goes through the turn's recorder, so it is evidence and is seen as it happens. Nothing is called that was
not offered, and only what reads is offered. What cannot be called is answered with what is wrong, for the model to
mend. Rounds and calls are counted; a call made before is not made again.
"""

from __future__ import annotations

import asyncio
import difflib
from collections.abc import Mapping, Sequence

from autodevops.domain.base import Json
from autodevops.domain.evidence import Evidence
from autodevops.domain.window import TimeWindow
from autodevops.jamie.failures import without_code
from autodevops.jamie.markdown import inert
from autodevops.jamie.shown import Shown
from autodevops.jamie.tool_offer import Offer, properties_of, type_of
from autodevops.jamie.tool_text import told
from autodevops.kernel.ids import canonical_json
from autodevops.llm import Message, ToolCall
from autodevops.toolbox.protocol import EvidenceSource, ToolSpec

CALLS_A_ROUND = 4  # side by side; a model that wants more has not thought
CALLS = 8  # in one answer
LINES_ASKED = 100  # where a tool takes a limit: more is cut before the model sees it
RESULT_CHARACTERS = 2400  # of one answer
SMALLEST_RESULT = 300
HAVE = "You have that answer already:"


class Explorer:
    """For one answer. `evidence` is what it gathered."""

    def __init__(
        self, offer: Offer, source: EvidenceSource, *, namespace: str, window: TimeWindow, rounds: int = 3
    ) -> None:
        self.offer = offer
        self._source = source
        self._namespace = namespace
        self._window = window
        self._rounds = rounds
        self._calls = CALLS
        self._made: dict[str, str] = {}  # by call: its evidence id, or that it was refused
        self._told: set[str] = set()  # what was said instead of an answer
        self.evidence: list[Evidence] = []

    @property
    def open(self) -> bool:
        """Whether the model may still ask."""
        return bool(self.offer.definitions) and self._rounds > 0 and self._calls > 0

    def close(self) -> None:
        """No more rounds: the rest of the context is for the answer."""
        self._rounds = 0

    async def answer(self, calls: Sequence[ToolCall], shown: Shown, characters: int) -> tuple[Message, ...]:
        """One message for each call, in order; all of them together in at most about `characters`."""
        self._rounds -= 1
        room = max(SMALLEST_RESULT, min(RESULT_CHARACTERS, characters // max(1, min(len(calls), CALLS_A_ROUND))))
        prepared = [self._prepared(call, at) for at, call in enumerate(calls)]
        if all(isinstance(each, str) and (each in self._told or each.startswith(HAVE)) for each in prepared):
            self.close()  # nothing new is asked: it goes round in circles
        self._told.update(each for each in prepared if isinstance(each, str))
        collected = await asyncio.gather(
            *(self._source.collect(each[0].name, each[1]) for each in prepared if not isinstance(each, str))
        )
        results = iter(collected)
        messages = []
        for call, each in zip(calls, prepared, strict=True):
            if isinstance(each, str):
                text = each
            else:
                evidence = next(results)
                self._made[_key(*each)] = evidence.id
                self.evidence.append(evidence)
                text = _text(evidence, room)
                shown.add(text, [evidence.id])
            messages.append(Message("tool", text, tool=call.name or "unknown"))
        return tuple(messages)

    def _prepared(self, call: ToolCall, at: int) -> tuple[ToolSpec, dict[str, Json]] | str:
        """What is to be called; or, as text, why nothing is."""
        if call.arguments is None:
            return "Error: the call is not valid JSON. Send a name and an object of arguments."
        spec = self.offer.find(call.name)
        if spec is None:
            near = difflib.get_close_matches(call.name, self.offer.specs, n=2)
            names = near or sorted(self.offer.specs)
            return f"Error: there is no tool {inert(call.name, 60)}. There are: {', '.join(names)}."
        arguments = _mended(spec, call.arguments)
        if isinstance(arguments, str):
            return arguments
        arguments = self._completed(spec, arguments)
        key = _key(spec, arguments)
        if key in self._made:
            return f"{HAVE} {self._made[key]}. Use it, and write."
        if at >= CALLS_A_ROUND or self._calls <= 0:
            return "Error: too many calls. Write with what you have."
        self._calls -= 1
        self._made[key] = "it is asked in this very round"
        return spec, arguments

    def _completed(self, spec: ToolSpec, arguments: dict[str, Json]) -> dict[str, Json]:
        """With the window, the namespace and a limit where the tool takes them and the model gave none."""
        takes = properties_of(spec)
        given = dict(arguments)
        if "start" in takes and "end" in takes and not arguments.get("start"):
            given["start"], given["end"] = self._window.start.isoformat(), self._window.end.isoformat()
        if "namespace" in takes and "namespace" not in arguments:
            given["namespace"] = self._namespace
        if "limit" in takes and "limit" not in arguments:
            given["limit"] = LINES_ASKED
        return given


def _key(spec: ToolSpec, arguments: Mapping[str, Json]) -> str:
    return canonical_json([spec.name, dict(arguments)])


def _mended(spec: ToolSpec, arguments: Mapping[str, Json]) -> dict[str, Json] | str:
    """The arguments with what is plainly meant put right (`"5"` for 5); as text, what the model has to put right."""
    takes = properties_of(spec)
    kept: dict[str, Json] = {}
    for key, value in arguments.items():
        if takes and key not in takes:
            if value in (None, "", [], {}):
                continue
            return f"Error: {spec.name} takes no argument {inert(key, 40)}. It takes: {', '.join(takes)}."
        if value is None:
            continue
        kind = type_of(takes[key]) if key in takes else ""
        right = _converted(value, kind)
        if right is None:
            return f"Error: {key} has to be of type {kind}, not {inert(str(value), 60)}."
        choices = takes[key].get("enum") if key in takes else None
        if isinstance(choices, list) and right not in choices:
            return f"Error: {key} is one of {', '.join(map(str, filter(None, choices)))}."
        kept[key] = right
    for key in spec.input_schema.get("required") or ():
        if kept.get(key) in (None, ""):
            return f"Error: {spec.name} needs the argument {key}."
    return kept


def _converted(value: Json, kind: str) -> Json:
    """None when it is of another type and nothing else can be meant."""
    if kind == "string":
        return value if isinstance(value, str) else str(value) if isinstance(value, int | float) else None
    if kind in {"integer", "number"}:
        try:
            number = float(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else None
        except ValueError:
            return None
        return None if number is None else int(number) if number.is_integer() else number if kind == "number" else None
    if kind == "boolean":
        said = {"true": True, "false": False}
        return value if isinstance(value, bool) else said.get(str(value).lower())
    if kind == "array":
        return value if isinstance(value, list) else [value]
    return value


def _text(evidence: Evidence, characters: int) -> str:
    head = f"[{evidence.id}] {evidence.tool} {inert(evidence.query, 200)}"
    if evidence.error is not None:
        return f"{head}\nError: {inert(without_code(evidence.error), 300)}"
    return f"{head}\n<data>\n{told(evidence.data, characters, truncated=evidence.truncated)}\n</data>"
