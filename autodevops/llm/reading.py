"""What models of several families write into their text that is none: thinking, and tool calls.

A server separates both where it knows the family's template. Where it does not (an imported file, an older server, a
model that slips), they arrive as words:

- thinking as `<think>...</think>` and its relatives, or with the end alone when the template wrote the beginning;
- calls as `<tool_call>{...}</tool_call>` (Qwen, Hermes), `<function=name>...</function>` (Qwen Coder, Llama),
  `[TOOL_CALLS]name[ARGS]{...}` (Mistral), `<|python_tag|>{...}` or the bare object (Llama), a fenced block (Gemma).

Marked calls that cannot be read are calls still, to be answered with what is wrong. An object that nothing marks is
a call only when it is the whole answer and names a tool that was offered.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncGenerator, AsyncIterator, Collection
from dataclasses import dataclass
from typing import Any, TypeAlias

from autodevops.llm.protocol import Part, ToolCall

LONGEST_CALL = 4000  # characters; a call is a query, not a file


@dataclass(frozen=True)
class ThoughtAloud:
    """All the words before this were thinking: the end of it came without a beginning."""


Read: TypeAlias = Part | ThoughtAloud

_THINKING = {
    "<think>": "</think>",
    "<thinking>": "</thinking>",
    "<reasoning>": "</reasoning>",
    "[THINK]": "[/THINK]",
    "<|channel|>analysis": "<|channel|>final<|message|>",
}
_CALLS = {
    "<tool_call>": "</tool_call>",
    "<function=": "</function>",
    "[TOOL_CALLS]": "",
    "<|python_tag|>": "",
    "```json": "```",
    "```tool_call": "```",
    "```tool_code": "```",
}
_UNMARKED = frozenset({"```json", "```tool_code", "{", "["})
_NAMES = ("name", "tool", "tool_name", "function")
_ARGUMENTS = ("arguments", "parameters", "args", "input")


async def without_thinking(parts: AsyncIterator[Part]) -> AsyncGenerator[Read, None]:
    """Drops thinking wherever the pieces break it; an unclosed one drops the rest."""
    held, closer = "", ""
    tags = (*_THINKING, *_THINKING.values())
    async for part in parts:
        if not isinstance(part, str):
            if held and not closer:
                yield held
            held = ""
            yield part
            continue
        held += part
        while True:
            at, tag = _first(held, (closer,) if closer else tags)
            if at < 0:
                keep = _overlap(held, (closer,) if closer else tags)
                sure, held = held[: len(held) - keep], held[len(held) - keep :]
                if sure and not closer:
                    yield sure
                break
            before, held = held[:at], held[at + len(tag) :]
            if closer:
                closer = ""
            elif tag in _THINKING:
                if before:
                    yield before
                closer = _THINKING[tag]
            else:
                yield ThoughtAloud()
    if held and not closer:
        yield held


async def with_calls(parts: AsyncIterator[Read], names: Collection[str]) -> AsyncGenerator[Read, None]:
    """Calls written as text become ToolCalls; text that only looked like one stays text."""
    held, opener, begun = "", "", False
    async for part in parts:
        if not isinstance(part, str):
            for piece in _ended(held, opener, names):
                yield piece
            held = opener = ""
            yield part
            continue
        held += part
        while True:
            if not opener:
                if not begun and held.lstrip()[:1] in {"{", "["} and not held.lstrip().startswith("[ev-"):
                    bare = held.lstrip()
                    if bare[0] == "[" and len(bare) < len("[TOOL_CALLS]"):
                        break  # too short to tell a citation from a list or a marker
                    if not bare.startswith("[TOOL_CALLS]"):
                        opener, held, begun = bare[0], bare, True
                        continue
                at, found = _first(held, tuple(_CALLS))
                if at < 0:
                    keep = _overlap(held, tuple(_CALLS))
                    sure, held = held[: len(held) - keep], held[len(held) - keep :]
                    if sure:
                        begun = begun or bool(sure.strip())
                        yield sure
                    break
                if held[:at]:
                    yield held[:at]
                opener, held, begun = found, held[at:], True
            closer = _CALLS.get(opener, "")
            end = held.find(closer, len(opener)) if closer else -1
            if end < 0:
                if len(held) > LONGEST_CALL:
                    yield held
                    held = opener = ""
                break
            whole, held = held[: end + len(closer)], held[end + len(closer) :]
            for piece in _ended(whole, opener, names):
                yield piece
            opener = ""
    for piece in _ended(held, opener, names):
        yield piece


def _ended(text: str, opener: str, names: Collection[str]) -> list[str | ToolCall]:
    if not opener:
        return [text] if text else []
    body = text if opener in {"{", "[", "<function="} else text.removeprefix(opener)
    body = body.removesuffix(_CALLS.get(opener, "") if opener != "<function=" else "").strip()
    calls = calls_in(body)
    if opener in _UNMARKED and not (calls and all(_known(call.name, names) for call in calls)):
        return [text]
    return list(calls) or [ToolCall("", None, body)]


def calls_in(body: str) -> tuple[ToolCall, ...]:
    """All calls of a text that holds nothing else; none when it holds anything else."""
    if body.startswith("<function="):
        return _tagged(body)
    found: list[ToolCall] = []
    rest = body.strip()
    while rest:
        named = re.match(r"([\w.-]+)\s*(?:\[ARGS\])\s*", rest)
        start = named.end() if named else 0
        try:
            value, end = json.JSONDecoder().raw_decode(rest, start)
        except ValueError:
            return ()
        read = [ToolCall(named[1], value)] if named and isinstance(value, dict) else _objects(value)
        if not read:
            return ()
        found += read
        rest = rest[end:].lstrip(" \t\r\n;,")
        rest = "" if re.fullmatch(r"[}\]\s]*", rest) else rest.removeprefix("[TOOL_CALLS]")
    return tuple(found)


def _objects(value: Any) -> list[ToolCall]:
    items = value if isinstance(value, list) else [value]
    calls = [_object(item) for item in items]
    return [call for call in calls if call is not None] if all(calls) else []


def _object(item: Any) -> ToolCall | None:
    if not isinstance(item, dict):
        return None
    inner = item.get("function")
    if isinstance(inner, dict):
        return _object(inner)
    name = next((item[key] for key in _NAMES if isinstance(item.get(key), str)), None)
    given = next((item[key] for key in _ARGUMENTS if key in item), None)
    if not name or (given is None and len(item) > 1):
        return None
    if isinstance(given, str):
        try:
            given = json.loads(given)
        except ValueError:
            return ToolCall(name, None, str(given))
    return ToolCall(name, given) if isinstance(given, dict) else ToolCall(name, {} if given is None else None)


def _tagged(body: str) -> tuple[ToolCall, ...]:
    """`<function=name>` around a JSON object, or around one `<parameter=key>` for each argument."""
    found = []
    for name, inner in re.findall(r"<function=([\w.-]+)>(.*?)(?:</function>|$)", body, re.S):
        pairs = re.findall(r"<parameter=([\w.-]+)>(.*?)</parameter>", inner, re.S)
        given: Any = {key: _value(text) for key, text in pairs}
        if not pairs and inner.strip():
            given = _value(inner)
        readable = isinstance(given, dict)
        found.append(ToolCall(name, given if readable else None, "" if readable else inner.strip()))
    return tuple(found)


def _value(text: str) -> Any:
    text = text.strip()
    try:
        return json.loads(text)
    except ValueError:
        return text


def _known(name: str, names: Collection[str]) -> bool:
    plain = {each.replace(".", "_") for each in names}
    return name.replace(".", "_") in plain


def _first(text: str, tags: tuple[str, ...]) -> tuple[int, str]:
    found = [(at, -len(tag), tag) for tag in tags if (at := text.find(tag)) >= 0]
    return (min(found)[0], min(found)[2]) if found else (-1, "")


def _overlap(text: str, tags: tuple[str, ...]) -> int:
    """How many characters at the end of `text` could begin one of the tags."""
    longest = min(max(map(len, tags)) - 1, len(text))
    return next((n for n in range(longest, 0, -1) if any(tag.startswith(text[-n:]) for tag in tags)), 0)
