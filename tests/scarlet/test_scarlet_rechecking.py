"""A yes is carried out by whoever gives it, too, and only while what it is for is there."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from executor.executor_world import asked, found, quick_world, settings_for
from scarlet.response_world import World, cause, signal

from autodevops.domain.action import ScaleWorkload
from autodevops.domain.hypothesis import Hypothesis
from autodevops.domain.investigation import Investigation
from autodevops.domain.operation import Proposal
from autodevops.domain.outcome import Outcome
from autodevops.domain.window import TimeWindow
from autodevops.kernel.clock import utc_now
from autodevops.scarlet.response import cases
from autodevops.workbench import Workbench

_SCALE = ScaleWorkload(workload="Deployment", namespace="shop", name="cart", replicas=4)


class Bench(Workbench):
    """Whose investigations find what is set."""

    causes: tuple[Hypothesis, ...] = ()

    async def investigate(
        self, *_: Any, namespace: str = "", window: TimeWindow | None = None, **__: Any
    ) -> Investigation:
        assert window is not None
        return await World(causes=list(self.causes)).investigate(namespace, window)


async def _answered(bench: Bench, proposal: Proposal) -> Outcome:
    """Proposed, approved and carried out."""
    operation = await bench.executor.propose(proposal)
    assert operation.stage == "awaiting"
    assert operation.plan is not None
    bench.answer_approval(operation.id, operation.plan.digest, True, by="bob", where="test")
    done = await bench.carry_out(operation.id)
    assert done.outcome is not None
    return done.outcome


@pytest.mark.parametrize(
    ("later", "done"),
    [([cause("cart")], True), ([cause("payments", suffering=("cart",))], False), ([], False)],
)
async def test_a_yes_is_carried_out_only_while_the_cause_is_there(
    tmp_path: Path, later: list[Hypothesis], done: bool
) -> None:
    with quick_world(tmp_path) as (_, kubeconfig):
        async with Bench(settings_for(kubeconfig, tmp_path, autonomy="ask"), actor="bob") as bench:
            now = utc_now()
            window = TimeWindow.ending(now, timedelta(hours=1))
            first = await World(causes=[cause("cart")]).investigate("shop", window)
            incident = cases.open_case(bench.ledger, [signal("Leak", since=now)], first, cause("cart"), now)
            bench.causes = tuple(later)
            outcome = await _answered(bench, found(_SCALE, incident=incident.id))
    assert (outcome.result != "not_applied") == done
    assert ("is not done" in outcome.words) != done


async def test_what_a_person_asked_for_needs_no_cause(tmp_path: Path) -> None:
    with quick_world(tmp_path) as (_, kubeconfig):
        async with Bench(settings_for(kubeconfig, tmp_path), actor="bob") as bench:
            outcome = await _answered(bench, asked(_SCALE))
    assert outcome.result != "not_applied"
