"""Forty turns with charts cross the wire in 2 MB and rest in a saved notebook of 5 MB: real answers, real messages."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
from patience import patient
from widgets.messages import Message, comm_messages

from autodevops.domain.stream import TurnEvent
from autodevops.sandbox import Sandbox
from autodevops.widgets import STATIC
from autodevops.widgets.chat import ChatWidget
from autodevops.widgets.static_twin import twin_bundle
from autodevops.workbench import Workbench

TURNS = 40
TRAFFIC_BYTES = 2_000_000
SAVED_BYTES = 5_000_000
QUESTIONS = (
    "Why are checkouts failing?",
    "show me the metrics of payment",
    "slowest traces of checkout",
    "compare payment now with yesterday",
    "errors of payment in the last 10 minutes",
)


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, list[TurnEvent]]:
    """What Jamie really says to each question about a bad deploy."""

    async def ask() -> dict[str, list[TurnEvent]]:
        async with Workbench.from_settings() as bench:
            return {question: [event async for event in bench.ask(question)] for question in QUESTIONS}

    kubeconfig = tmp_path_factory.mktemp("traffic") / "kubeconfig"
    with Sandbox(scenario="bad-deploy", seed=1) as sandbox, pytest.MonkeyPatch.context() as patch:
        sandbox.write_kubeconfig(kubeconfig)
        for name, value in (patient(sandbox) | {"KUBECONFIG": str(kubeconfig)}).items():
            patch.setenv(name, value)
        return asyncio.run(ask())


def saved_notebook(chat: ChatWidget) -> str:
    """The notebook as JupyterLab writes it with the widget's state: the model, and a static twin for each turn."""
    bundle, _ = chat._repr_mimebundle_()
    twins: list[dict[str, Any]] = [
        {"output_type": "display_data", "data": twin_bundle(turn), "metadata": {}} for turn in chat.turns
    ]
    outputs = [{"output_type": "execute_result", "data": bundle, "metadata": {}, "execution_count": 1}, *twins]
    cell = {"cell_type": "code", "id": "chat", "metadata": {}, "source": "Jamie()", "execution_count": 1}
    state = {chat.model_id: {"model_name": "AnyModel", "model_module": "anywidget", "state": chat.get_state()}}
    widgets = {"application/vnd.jupyter.widget-state+json": {"version_major": 2, "version_minor": 0, "state": state}}
    notebook = {"cells": [cell | {"outputs": outputs}], "metadata": {"widgets": widgets}, "nbformat": 4}
    return json.dumps(notebook | {"nbformat_minor": 5}, indent=1)


def test_forty_turns_with_charts_are_small_on_the_wire_and_in_the_file(
    answers: Mapping[str, list[TurnEvent]],
) -> None:
    asked = [QUESTIONS[number % len(QUESTIONS)] for number in range(TURNS)]
    assert all(any(event.type == "chart_ready" for event in events) for events in answers.values())

    async def ask(question: str, _selection: object = None) -> AsyncIterator[TurnEvent]:
        for event in answers[question]:
            await asyncio.sleep(0)
            yield event

    async def converse() -> tuple[ChatWidget, list[Message]]:
        spoken = asyncio.Event()
        with comm_messages(lambda _: spoken.set()) as messages:
            chat = ChatWidget(ask)
            for number, question in enumerate(asked):
                chat._handle_custom_msg({"type": "ask", "id": f"t{number}", "question": question}, [])
                while len(chat.turns) <= number:
                    spoken.clear()
                    await asyncio.wait_for(spoken.wait(), 60)
        return chat, messages

    chat, messages = asyncio.run(converse())
    twins = sum(len(json.dumps(twin_bundle(turn))) for turn in chat.turns)
    traffic = sum(message.size for message in messages) + twins
    saved = len(saved_notebook(chat).encode())
    built = sum((STATIC / name).stat().st_size for name in ("chat.js", "chat.css"))
    print(f"\n{TURNS} turns: {traffic:,} bytes of traffic ({len(messages)} messages, twins {twins:,}), {saved:,} saved")
    chat.close()
    assert [len(turn["events"]) > 1 for turn in chat.turns] == [True] * TURNS
    assert built < traffic < TRAFFIC_BYTES
    assert built < saved < SAVED_BYTES
