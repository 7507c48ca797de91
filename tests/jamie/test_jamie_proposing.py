"""What people ask for becomes a typed action that is proposed, or a question; never a change, and never a guess."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from executor.executor_world import quick_world, settings_for

from autodevops.domain.action import RestartWorkload
from autodevops.domain.remedy import Remedy
from autodevops.domain.stream import ActionProposed, AnswerCompleted, TurnEvent
from autodevops.workbench import Workbench

ASKED: list[tuple[str, str, dict[str, object]]] = [
    ("restart cart", "restart_workload", {"name": "cart"}),
    ("please scale cart to 4", "scale_workload", {"replicas": 4}),
    ("do the second one", "restart_workload", {"name": "payment"}),
]
NOT_ASKED = [
    "restart cart and payment",
    "restart cart unless it is fine",
    "scale cart up by 2",
    "scale cart to 50%",
    "don't restart cart",
    "restart crat",
    "restart cart tomorrow",
    "do the third one",
    "should I restart cart?",
]


def _restart(name: str) -> Remedy:
    action = RestartWorkload(workload="Deployment", namespace="shop", name=name)
    return Remedy(action=action, kind="mitigation", why="It starts anew.")


async def _turn(bench: Workbench, question: str) -> list[TurnEvent]:
    return [event async for event in bench.ask(question, namespace="shop", persona="off")]


async def test_a_sentence_is_proposed_once_or_not_at_all(tmp_path: Path) -> None:
    with quick_world(tmp_path) as (_, kubeconfig):
        settings = settings_for(kubeconfig, tmp_path, cooldown_minutes=0)
        async with Workbench(settings, actor="alice") as bench:
            for question, kind, fields in ASKED:
                bench.jamie.conversation = replace(
                    bench.jamie.conversation, items=(), remedies=(_restart("cart"), _restart("payment"))
                )
                events = await _turn(bench, question)
                (shown,) = [event for event in events if isinstance(event, ActionProposed)]
                answer = events[-1]
                assert isinstance(answer, AnswerCompleted)
                assert (shown.kind, shown.asked_by, shown.by_person) == (kind, "alice", True)
                assert (shown.stage, shown.state, shown.needed) == ("awaiting", "pending", 1), shown.words
                assert f"autodevops approve grant {shown.operation}" in answer.text
                action = bench.executor.withdraw(shown.operation, "the test is over").proposal.action
                assert fields.items() <= action.model_dump().items()
            for question in NOT_ASKED:
                bench.jamie.conversation = replace(
                    bench.jamie.conversation, items=(), remedies=(_restart("cart"), _restart("payment"))
                )
                events = await _turn(bench, question)
                assert not [event for event in events if isinstance(event, ActionProposed)], question
