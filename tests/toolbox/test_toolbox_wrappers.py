"""The wrappers, alone and in their order: what is asked, what is not, and what is said about it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from autodevops.domain.base import Json
from autodevops.kernel.errors import ToolDenied, ToolError, ToolRejected, ToolTimeout, ToolUnavailable
from autodevops.settings import ToolboxSettings
from autodevops.toolbox import Cached, CircuitBreaker, CircuitOpen, Limited, Recorder, Retried, ToolAnswer
from autodevops.toolbox.protocol import Tools
from autodevops.toolbox.stack import asked_once, standard
from autodevops.toolbox.testing import ScriptedTools


def _failing_at(numbers: set[int], failure: ToolError) -> ScriptedTools:
    count = iter(range(1, 100))
    return ScriptedTools({"prometheus.query": lambda _a: failure if next(count) in numbers else {"value": 1}})


async def _thrice(tools: Tools) -> None:
    for _ in range(3):
        assert (await tools.call("prometheus.query", {})).data == {"value": 1}


@pytest.mark.parametrize("failure", [ToolUnavailable("Connection reset."), ToolTimeout("Took longer than 10 s.")])
async def test_a_passing_failure_is_not_seen(failure: ToolError) -> None:
    await _thrice(Retried(_failing_at({2}, failure)))


@pytest.mark.parametrize(
    ("failing", "failure", "asked"),
    [
        ({1}, ToolUnavailable("Connection refused."), 1),
        ({2, 3}, ToolUnavailable("Connection refused."), 3),
        ({2}, ToolDenied("401."), 2),
        ({2}, ToolRejected("Parse error."), 2),
    ],
    ids=["never answered", "fails again", "denied", "rejected"],
)
async def test_what_another_try_would_not_help_is_told(failing: set[int], failure: ToolError, asked: int) -> None:
    script = _failing_at(failing, failure)
    tools = Retried(script)
    with pytest.raises(type(failure)):
        await _thrice(tools)
    assert len(script.calls) == asked


async def test_a_crowd_waits_its_turn_and_all_are_answered() -> None:
    running, most = 0, 0

    async def answer(_arguments: Mapping[str, Json]) -> Json:
        nonlocal running, most
        running, most = running + 1, max(most, running + 1)
        await asyncio.sleep(0)  # lets the others in
        running -= 1
        return {"value": 1}

    tools = Limited(ScriptedTools({"prometheus.query": answer}), at_once=2)
    answers = await asyncio.gather(*(tools.call("prometheus.query", {"n": n}) for n in range(40)))
    assert [item.data for item in answers] == [{"value": 1}] * 40
    assert most == 2


class Time:
    """A clock that tests move."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 24, 4, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def go(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


async def test_a_change_is_never_tried_again() -> None:
    count = iter(range(100))
    script = ScriptedTools(
        {"k.get": {"v": 1}, "k.scale": lambda _a: ToolUnavailable("Connection reset.") if next(count) == 0 else {}},
        writing=("k.scale",),
    )
    tools = Retried(script, 3)
    await tools.call("k.get", {})
    with pytest.raises(ToolUnavailable):
        await tools.call("k.scale", {})
    assert [tool for tool, _ in script.calls] == ["k.get", "k.scale"]


async def test_repetitions_are_bounded() -> None:
    script = _failing_at(set(range(2, 50)), ToolUnavailable("Connection reset."))
    tools = Retried(script, 3, jitter=lambda: 0.0)
    await tools.call("prometheus.query", {})
    with pytest.raises(ToolUnavailable):
        await tools.call("prometheus.query", {})
    assert len(script.calls) == 1 + 4


async def test_calls_that_were_under_way_when_it_was_left_alone_change_nothing_of_that() -> None:
    time, gate = Time(), asyncio.Event()

    async def answer(_arguments: Mapping[str, Json]) -> ToolAnswer | ToolError:
        await gate.wait()
        time.go(1)
        return ToolUnavailable("Connection refused.")

    tools = CircuitBreaker(ScriptedTools({"loki.query": answer}), 3, 30, clock=time)
    under_way = [asyncio.create_task(tools.call("loki.query", {})) for _ in range(6)]
    await asyncio.sleep(0)
    gate.set()
    await asyncio.gather(*under_way, return_exceptions=True)
    with pytest.raises(CircuitOpen, match=r"^loki has not answered since 04:00:01 UTC, so it was not asked; .*:33 UTC"):
        await tools.call("loki.query", {})


async def test_a_dead_system_is_left_alone_then_probed_by_one_call() -> None:
    time, up, gate = Time(), False, asyncio.Event()

    async def answer(_arguments: Mapping[str, Json]) -> ToolAnswer | ToolError:
        if not up:
            return ToolUnavailable("Connection refused.")
        await gate.wait()
        return ToolAnswer({"value": 1})

    script = ScriptedTools({"loki.query": answer, "tempo.query": {}})
    tools = CircuitBreaker(script, 3, 30, clock=time)
    for _ in range(3):
        with pytest.raises(ToolUnavailable, match="Connection refused"):
            await tools.call("loki.query", {})
    time.go(10)
    with pytest.raises(
        CircuitOpen, match=r"loki has not answered since 04:00:00 UTC.*tried again at 04:00:30"
    ) as caught:
        await tools.call("loki.query", {})
    assert "Connection refused" in caught.value.next_step
    with pytest.raises(CircuitOpen):
        await tools.list_tools("loki")
    assert (await tools.call("tempo.query", {})).data == {}
    assert len(script.calls) == 4
    time.go(20)
    with pytest.raises(ToolUnavailable, match="Connection refused"):  # the probe fails: another pause
        await tools.call("loki.query", {})
    with pytest.raises(CircuitOpen, match=r"04:01:00"):
        await tools.call("loki.query", {})
    time.go(30)
    up = True
    probe = asyncio.create_task(tools.call("loki.query", {}))
    await asyncio.sleep(0)
    with pytest.raises(CircuitOpen, match="one call is trying it now"):
        await tools.call("loki.query", {})
    gate.set()
    assert (await probe).data == {"value": 1}
    assert (await tools.call("loki.query", {})).data == {"value": 1}


async def test_a_cancelled_probe_leaves_the_next_call_to_probe() -> None:
    time, hang = Time(), asyncio.Event()
    count = iter(range(100))

    async def answer(_arguments: Mapping[str, Json]) -> ToolAnswer | ToolError:
        number = next(count)
        if number == 0:
            return ToolUnavailable("Down.")
        if number == 1:
            await hang.wait()
        return ToolAnswer({})

    tools = CircuitBreaker(ScriptedTools({"a.b": answer}), 1, 30, clock=time)
    with pytest.raises(ToolUnavailable):
        await tools.call("a.b", {})
    time.go(30)
    probe = asyncio.create_task(tools.call("a.b", {}))
    await asyncio.sleep(0)
    probe.cancel()
    await asyncio.wait([probe])
    assert (await tools.call("a.b", {})).data == {}


@pytest.mark.parametrize("failure", [ToolRejected("Parse error."), ToolDenied("401.")])
async def test_who_says_no_is_up(failure: ToolError) -> None:
    tools = CircuitBreaker(ScriptedTools({"a.b": failure}), 1, 30)
    for _ in range(3):
        with pytest.raises(type(failure)):
            await tools.call("a.b", {})


async def test_a_kept_answer_says_when_it_was_given() -> None:
    time = Time()
    script = ScriptedTools({"prometheus.query": {"names": ["up"]}})
    tools = Cached(script, 15, clock=time)
    first = await Recorder(tools, clock=time).collect("prometheus.query", {"query": "up"})
    time.go(10)
    events: list[object] = []
    second = await Recorder(tools, emit=events.append, clock=time).collect("prometheus.query", {"query": "up"})
    assert (second.id, second.cached, second.collected_at) == (first.id, True, first.collected_at)
    assert not first.cached
    assert "asked 10 s ago" in str(events[-1])
    time.go(5)
    third = await Recorder(tools, clock=time).collect("prometheus.query", {"query": "up"})
    assert not third.cached
    assert len(script.calls) == 2


def _window(start: datetime, end: datetime) -> dict[str, Json]:
    return {"query": "up", "start": start.isoformat(), "end": end.timestamp()}


async def test_windows_up_to_now_are_the_same_within_a_step_and_others_are_exact() -> None:
    time, hour = Time(), timedelta(hours=1)
    script = ScriptedTools({"prometheus.query": {"value": 1}})
    tools = Cached(script, 15, clock=time)
    for moved in (0, 4, 4, 4):
        time.go(moved)
        await tools.call("prometheus.query", _window(time.now - hour, time.now))
    assert len(script.calls) == 1
    for seconds in (1, 2):
        end = time.now - hour + timedelta(seconds=seconds)
        await tools.call("prometheus.query", _window(end - hour, end))
    assert len(script.calls) == 3


async def test_changes_are_not_kept_and_make_everything_forgotten() -> None:
    failing = False
    script = ScriptedTools(
        {"k.get": {"v": 1}, "k.scale": lambda _a: ToolUnavailable("Cut.") if failing else {"v": 2}},
        writing=("k.scale",),
    )
    tools = Cached(script, 60)
    for fails in (False, True):
        failing = fails
        await tools.call("k.get", {})
        await tools.call("k.get", {})
        await asyncio.gather(tools.call("k.scale", {}), return_exceptions=True)
    assert [tool for tool, _ in script.calls] == ["k.get", "k.scale", "k.get", "k.scale"]


async def test_what_is_kept_is_bounded_and_failures_are_not_kept() -> None:
    script = ScriptedTools(
        {"a.big": lambda arguments: {"text": "x" * 400, **arguments}, "a.bad": ToolUnavailable("Down.")}
    )
    tools = Cached(script, 60, max_bytes=1000)
    for n in (1, 2, 3, 3, 1):
        await tools.call("a.big", {"n": n})
    assert [arguments["n"] for _, arguments in script.calls] == [1, 2, 3, 1]
    for _ in range(2):
        with pytest.raises(ToolUnavailable):
            await tools.call("a.bad", {})
    assert len(script.calls) == 6


async def test_masking_keeping_retrying_and_breaking_can_be_switched_off() -> None:
    script = ScriptedTools({"a.b": {"password": "hunter2"}, "a.down": ToolUnavailable("Down.")})
    off = ToolboxSettings(redact=False, cache_seconds=0, retries=0, breaker_failures=0)
    tools = standard(script, off, 10)
    for _ in range(2):
        assert (await tools.call("a.b", {})).data == {"password": "hunter2"}
    for _ in range(9):
        with pytest.raises(ToolUnavailable, match=r"^Down\. *$"):
            await tools.call("a.down", {})
    assert len(script.calls) == 11


async def test_the_whole_stack_masks_keeps_refuses_and_leaves_alone() -> None:
    script = ScriptedTools(
        {"a.b": {"password": "hunter2"}, "a.write": {}, "b.down": ToolUnavailable("Down: password=hunter2")},
        writing=("a.write",),
    )
    tools = standard(script, ToolboxSettings(), 10)
    answers = [await tools.call("a.b", {}) for _ in range(2)]
    assert [answer.cached_at is not None for answer in answers] == [False, True]
    assert "hunter2" not in str(answers)
    with pytest.raises(ToolDenied):
        await tools.call("a.write", {})
    for _ in range(5):
        with pytest.raises(ToolUnavailable) as caught:
            await tools.call("b.down", {})
        assert "hunter2" not in str(caught.value)
    with pytest.raises(CircuitOpen) as opened:
        await tools.call("b.down", {})
    assert "hunter2" not in str(opened.value)
    assert len(script.calls) == 6
    with pytest.raises(ToolDenied):
        await asked_once(script, ToolboxSettings(), 10).call("a.write", {})
