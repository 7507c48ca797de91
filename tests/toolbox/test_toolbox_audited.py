"""Each call is one event, whatever came of it, and holds no secret."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from autodevops.domain.base import Json
from autodevops.domain.ledger import NewEvent
from autodevops.kernel.errors import ToolError, ToolTimeout
from autodevops.toolbox.audited import Audited
from autodevops.toolbox.cached import Cached
from autodevops.toolbox.protocol import Tools
from autodevops.toolbox.read_only import ReadOnly
from autodevops.toolbox.testing import ScriptedTools

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)


def audited(tools: Tools) -> tuple[Audited, list[NewEvent]]:
    events: list[NewEvent] = []
    return Audited(tools, events.append, actor="mira", clock=lambda: NOW), events


async def test_an_answer_is_an_event_with_who_what_and_how_long() -> None:
    tools, events = audited(ScriptedTools({"loki.query_logs": {"lines": [], "truncated": True}}))
    answer = await tools.call("loki.query_logs", {"query": '{app="cart"}'})
    (event,) = events
    assert (event.at, event.kind, event.what, event.actor, event.subject) == (
        NOW, "tool_call", "answered", "mira", "loki.query_logs",
    )  # fmt: skip
    assert event.data["arguments"] == {"query": '{app="cart"}'}
    assert event.data["truncated"] is answer.truncated is True
    assert isinstance(event.data["duration_ms"], float)


async def test_a_failed_call_is_an_event_and_still_raises() -> None:
    problem = ToolTimeout("Loki did not answer within 5 s: password=hunter2hunter2", "Narrow the query.")
    tools, events = audited(ScriptedTools({"loki.query_logs": problem}))
    with pytest.raises(ToolTimeout):
        await tools.call("loki.query_logs", {})
    assert events[0].what == "failed"
    assert str(events[0].data["error"]).startswith("timeout: Loki did not answer")
    assert "hunter2" not in str(events[0].data)


async def test_a_refused_change_and_an_answer_from_memory_are_events() -> None:
    script = ScriptedTools(
        {"kubernetes.delete_pod": {}, "kubernetes.get_context": {}}, writing=("kubernetes.delete_pod",)
    )
    tools, events = audited(ReadOnly(Cached(script, 15.0, clock=lambda: NOW)))
    with pytest.raises(ToolError):
        await tools.call("kubernetes.delete_pod", {"name": "cart-0"})
    await tools.call("kubernetes.get_context", {})
    await tools.call("kubernetes.get_context", {})
    assert [(event.what, event.data.get("cached")) for event in events] == [
        ("failed", None), ("answered", False), ("answered", True),
    ]  # fmt: skip
    assert len(script.calls) == 1


async def test_a_call_that_is_given_up_says_so() -> None:
    begun, never = asyncio.Event(), asyncio.Event()

    async def hang(_arguments: Mapping[str, Json]) -> Json:
        begun.set()
        await never.wait()
        return None

    tools, events = audited(ScriptedTools({"loki.query_logs": hang}))
    call = asyncio.create_task(tools.call("loki.query_logs", {}))
    await begun.wait()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert events[0].what == "cancelled"


@pytest.mark.parametrize("typed", ["Authorization: Bearer abcdefghijklmnop0123456789", "postgres://app:s3cretpw@db/x"])
async def test_secrets_that_people_type_are_not_kept(typed: str) -> None:
    tools, events = audited(ScriptedTools({"loki.query_logs": {}}))
    await tools.call("loki.query_logs", {"query": f'{{app="cart"}} |= "{typed}"'})
    text = str(events[0].data)
    assert "redacted" in text
    assert "abcdefghijklmnop" not in text
    assert "s3cretpw" not in text


@pytest.mark.parametrize(
    ("typed", "kept"), [("a\ud800b", "a?b"), (float("nan"), "NaN"), (float("-inf"), "-Infinity"), ("größer", "größer")]
)
async def test_what_the_ledger_cannot_spell_is_replaced(typed: Json, kept: Json) -> None:
    tools, events = audited(ScriptedTools({"loki.query_logs": {}}))
    await tools.call("loki.query_logs", {"query": typed})
    assert events[0].data["arguments"] == {"query": kept}
