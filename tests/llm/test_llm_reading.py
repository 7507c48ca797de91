"""Thinking and tool calls that models write into their text, in whatever pieces it arrives."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autodevops.llm import Part, ToolCall
from autodevops.llm.reading import Read, ThoughtAloud, with_calls, without_thinking

NAMES = ("loki_query_logs", "kubernetes_list_events")
LOGS = ToolCall("loki_query_logs", {"query": "{a}", "limit": 5})
EVENTS = ToolCall("kubernetes_list_events", {})
BODY = '{"name": "loki_query_logs", "arguments": {"query": "{a}", "limit": 5}}'
LLAMA = '{"name": "loki_query_logs", "parameters": {"query": "{a}", "limit": 5}}'

READ: list[tuple[str, str, list[Read]]] = [
    ("qwen", f"<tool_call>\n{BODY}\n</tool_call>", [LOGS]),
    ("qwen twice", f"<tool_call>{BODY}</tool_call>\n<tool_call>{BODY}</tool_call>", [LOGS, "\n", LOGS]),
    ("qwen after words", f"Let me look. <tool_call>{BODY}</tool_call>", ["Let me look. ", LOGS]),
    (
        "qwen coder",
        "<tool_call>\n<function=loki_query_logs>\n<parameter=query>\n{a}\n</parameter>\n<parameter=limit>\n5\n"
        "</parameter>\n</function>\n</tool_call>",
        [LOGS],
    ),
    ("llama bare", LLAMA, [LOGS]),
    ("llama python tag", f"<|python_tag|>{LLAMA}", [LOGS]),
    ("llama two", f'{LLAMA}; {{"name": "kubernetes_list_events", "parameters": {{}}}}', [LOGS, EVENTS]),
    ("llama function", '<function=loki_query_logs>{"query": "{a}", "limit": 5}</function>', [LOGS]),
    ("mistral", f"[TOOL_CALLS] [{BODY}]", [LOGS]),
    ("ministral", '[TOOL_CALLS]loki_query_logs[ARGS]{"query": "{a}", "limit": 5}', [LOGS]),
    ("gemma fenced", f"```json\n{BODY}\n```", [LOGS]),
    ("gemma tool_code", f"```tool_code\n{BODY}\n```", [LOGS]),
    (
        "arguments as text",
        '{"name": "loki_query_logs", "arguments": "{\\"query\\": \\"{a}\\", \\"limit\\": 5}"}',
        [LOGS],
    ),
    ("openai nested", f'[{{"type": "function", "function": {BODY}}}]', [LOGS]),
    ("one brace too many", f"<tool_call>{BODY}}}</tool_call>", [LOGS]),
    ("half", '<tool_call>{"name": "loki_qu', [ToolCall("", None, '{"name": "loki_qu')]),
    ("no json", "<tool_call>look at the logs</tool_call>", [ToolCall("", None, "look at the logs")]),
    ("unknown, unmarked", '{"name": "rm", "arguments": {}}', ['{"name": "rm", "arguments": {}}']),
    ("an object that is no call", '{"answer": "it is down"}', ['{"answer": "it is down"}']),
    ("a citation first", "[ev-0123456789] says so.", ["[ev-0123456789] says so."]),
    ("a list first", "[1] It is down.", ["[1] It is down."]),
    ("braces in words", "The selector {a} is empty.", ["The selector {a} is empty."]),
    ("fence that is no call", "See\n```json\n{}\n```\nthere.", ["See\n```json\n{}\n```\nthere."]),
    ("thinking with a call in it", f"<think><tool_call>{BODY}</tool_call></think>Yes.", ["Yes."]),
    ("thinking", "<think>hm</think>Yes.", ["Yes."]),
    ("magistral", "[THINK]hm[/THINK]Yes.", ["Yes."]),
    ("harmony", "<|channel|>analysis<|message|>hm<|end|><|channel|>final<|message|>Yes.", ["Yes."]),
    ("only the end of thinking", "So it is down.</think>Yes.", ["So it is down.", ThoughtAloud(), "Yes."]),
]


async def _pieces(parts: Sequence[Part]) -> AsyncGenerator[Part, None]:
    for part in parts:
        yield part


async def read(parts: Sequence[Part]) -> list[Read]:
    """With neighbouring texts joined."""
    found: list[Read] = []
    async for part in with_calls(without_thinking(_pieces(parts)), NAMES):
        if isinstance(part, str) and found and isinstance(last := found[-1], str):
            found[-1] = last + part
        elif part != "":
            found.append(part)
    return found


@pytest.mark.parametrize("size", [1, 3, 5000])
@pytest.mark.parametrize(("text", "wanted"), [row[1:] for row in READ], ids=[row[0] for row in READ])
async def test_what_is_no_text_is_read_for_what_it_is(text: str, wanted: list[Read], size: int) -> None:
    found = await read([text[at : at + size] for at in range(0, len(text), size)])
    if ThoughtAloud() in wanted:  # what was before it counts for nothing
        found, wanted = (parts[parts.index(ThoughtAloud()) :] for parts in (found, wanted))
    assert found == wanted


@settings(deadline=None)
@given(st.lists(st.sampled_from(["<tool", "_call>", "{", "}", "[", "TOOL_CALLS]", "x ", '"name"', "```", "json"])))
async def test_text_is_never_lost_unless_it_is_a_marked_call(parts: list[str]) -> None:
    text = "".join(parts)
    found = await read(parts)
    if not any(isinstance(part, ToolCall) for part in found):
        assert "".join(part for part in found if isinstance(part, str)) == text
    else:
        assert "<tool_call>" in text or "[TOOL_CALLS]" in text


async def test_a_call_without_an_end_does_not_grow_for_ever() -> None:
    found = await read(["<tool_call>", *["x" * 100] * 100])
    assert isinstance(found[0], str)
