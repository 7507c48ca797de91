"""Calls become evidence, each once, whatever happens."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from autodevops.domain.stream import ToolCallFinished, ToolCallStarted, TurnEvent
from autodevops.domain.tool_results import NameList
from autodevops.kernel.errors import ToolRejected, ToolUnavailable
from autodevops.toolbox import Recorder, ToolAnswer
from autodevops.toolbox.testing import ScriptedTools
from autodevops.toolbox.wording import preview_of, query_of, window_of

NOW = datetime(2026, 11, 24, 4, tzinfo=UTC)


async def test_call_becomes_evidence_and_two_events() -> None:
    events: list[TurnEvent] = []
    tools = ScriptedTools({"prometheus.list_metrics": NameList(names=("up", "x"))})
    arguments = {"match": "up", "start": "2026-11-24T03:00:00Z", "end": "1795492800"}
    evidence = await Recorder(tools, emit=events.append, clock=lambda: NOW).collect(
        "prometheus.list_metrics", arguments
    )
    assert evidence.ok
    assert (evidence.query, evidence.collected_at) == ("up", NOW)
    assert NameList.model_validate(evidence.data).names == ("up", "x")
    assert evidence.window is not None
    assert evidence.window.end == NOW
    started, finished = events
    assert isinstance(started, ToolCallStarted)
    assert isinstance(finished, ToolCallFinished)
    assert started.call_id == finished.call_id
    assert (finished.evidence, finished.ok, finished.preview) == (evidence.id, True, "2 names")


async def test_failure_is_evidence_and_raises_nothing() -> None:
    events: list[TurnEvent] = []
    tools = ScriptedTools({"loki.query_logs": ToolUnavailable("Loki is down.", "Start it.")})
    evidence = await Recorder(tools, emit=events.append).collect("loki.query_logs", {"query": "{}"})
    assert not evidence.ok
    assert evidence.error == "unavailable: Loki is down. Start it."
    assert evidence.data is None
    assert isinstance(events[1], ToolCallFinished)
    assert events[1].preview == evidence.error


async def test_same_question_and_answer_have_the_same_id() -> None:
    tools = ScriptedTools({"a.b": {"n": 1}})
    first = await Recorder(tools).collect("a.b", {"x": 1, "y": 2})
    second = await Recorder(tools).collect("a.b", {"y": 2, "x": 1})
    assert first.id == second.id


async def test_identical_calls_are_made_once() -> None:
    gate = asyncio.Event()

    async def slow(_arguments: Mapping[str, Any]) -> Any:
        await gate.wait()
        return {"n": 1}

    tools = ScriptedTools({"a.b": slow})
    recorder = Recorder(tools)
    both = asyncio.gather(recorder.collect("a.b", {"x": 1}), recorder.collect("a.b", {"x": 1}))
    gate.set()
    first, second = await both
    third = await recorder.collect("a.b", {"x": 1})
    await recorder.collect("a.b", {"x": 2})
    assert first is second is third
    assert [arguments for _, arguments in tools.calls] == [{"x": 1}, {"x": 2}]


async def test_call_lives_while_anyone_waits_and_no_longer() -> None:
    started, ended, gate = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def slow(_arguments: Mapping[str, Any]) -> Any:
        started.set()
        try:
            await gate.wait()
        finally:
            ended.set()
        return {}

    recorder = Recorder(ScriptedTools({"a.b": slow}))
    first, second = (asyncio.create_task(recorder.collect("a.b", {})) for _ in range(2))
    await started.wait()
    first.cancel()
    await asyncio.wait([first])
    assert not ended.is_set()
    second.cancel()
    await asyncio.wait([second])
    await asyncio.wait_for(ended.wait(), 5)
    gate.set()
    assert (await recorder.collect("a.b", {})).ok


@pytest.mark.parametrize(
    ("tool", "arguments", "query"),
    [
        ("prometheus.query_range", {"query": "sum(up)", "start": "1", "end": "2", "step_seconds": 3}, "sum(up)"),
        ("tempo.get_trace", {"trace_id": "ab"}, "ab"),
        ("kubernetes.get_resource", {"kind": "Pod", "name": "x", "namespace": "shop"}, "Pod shop/x"),
        ("kubernetes.list_resources", {"kind": "Pod", "namespace": "shop", "label_selector": ""}, "Pod namespace=shop"),
        ("kubernetes.get_pod_logs", {"name": "x", "namespace": "s", "previous": True}, "s/x previous=True"),
        ("github.list_commits", {"repository": "a/b", "path": "p", "limit": 5}, "repository=a/b path=p"),
        ("prometheus.list_alerts", {}, "list_alerts"),
    ],
)
def test_query_is_what_a_person_would_copy(tool: str, arguments: dict[str, Any], query: str) -> None:
    assert query_of(tool, arguments) == query


@pytest.mark.parametrize(
    ("arguments", "minutes"),
    [
        ({"start": "2026-11-24T03:00:00Z", "end": "2026-11-24T03:30:00+00:00"}, 30),
        ({"since": "2026-11-24T03:00:00Z"}, 60),
        ({"since_seconds": 600}, 10),
        ({"time": "2026-11-24T03:00:00Z"}, None),
        ({"start": "2", "end": "1"}, None),
        ({"start": "soon", "end": "later"}, None),
        ({"start": "2026-11-24T03:00:00", "end": "1e400"}, None),
        ({}, None),
    ],
)
def test_window_is_read_from_any_tools_arguments(arguments: dict[str, Any], minutes: int | None) -> None:
    window = window_of(arguments, NOW)
    assert (window.length.total_seconds() / 60 if window else None) == minutes


@pytest.mark.parametrize(
    ("data", "preview"),
    [
        ({"series": [{"labels": {}, "samples": [[1.0, 0.93]]}]}, "1 series: 0.93"),
        ({"series": [{"samples": [[1, 2], [2, 3]]}]}, "1 series, 2 samples"),
        ({"items": [{"kind": "Pod"}, {"kind": "Pod"}]}, "2 Pod"),
        ({"alerts": []}, "no alerts"),
        ({"resource": {"kind": "Deployment", "metadata": {"name": "cart"}}}, "Deployment cart"),
        ({"trace": {"trace_id": "ab", "spans": [1, 2]}}, "trace ab, 2 spans"),
        ({"kind": "Deployment", "revisions": [1, 2, 3]}, "3 revisions"),
        ({}, "empty"),
        ("line one\nline two", "line one line two"),
    ],
)
def test_preview_is_one_short_line(data: Any, preview: str) -> None:
    assert preview_of(ToolAnswer(data=data)) == preview


def test_preview_says_when_there_is_more() -> None:
    assert "there is more" in preview_of(ToolAnswer(data={"names": ["a", "b"]}, truncated=True))


async def test_script_plays_data_models_errors_and_functions() -> None:
    tools = ScriptedTools(
        {"a.data": {"n": 1}, "a.model": NameList(names=("x",)), "a.error": ToolRejected("no"), "a.f": lambda a: a["n"]}
    )
    assert (await tools.call("a.data", {})).data == {"n": 1}
    assert (await tools.call("a.model", {})).data == {"truncated": False, "note": "", "names": ["x"]}
    assert (await tools.call("a.f", {"n": 3})).data == 3
    with pytest.raises(ToolRejected, match="no"):
        await tools.call("a.error", {})
    with pytest.raises(ToolRejected, match=r"a\.model"):
        await tools.call("a.modl", {})
    assert len(tools.calls) == 5
