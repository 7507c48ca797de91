"""A yes that comes when what it was for has ended by itself, played whole: the real engine, executor and loop."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from patience import patient

from autodevops.domain.incident import Incident
from autodevops.executor import operations
from autodevops.sandbox import Sandbox
from autodevops.sandbox.basics.clocks import MovedClock
from autodevops.sandbox.world.scenario import load_scenario
from autodevops.scarlet.response.loop import Loop
from autodevops.settings import load_settings
from autodevops.stores.incidents import all_incidents
from autodevops.stores.ledger import Ledger
from autodevops.stores.ledger_twin import MemoryLedger
from autodevops.workbench import Workbench

NOON = datetime(2026, 3, 9, 12, 0, tzinfo=UTC)
SCENARIO = Path(__file__).with_name("passing_scenario.yaml")  # its errors end at two minutes to noon


async def test_a_yes_to_what_ended_by_itself_changes_nothing_and_people_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    clock, ledger = MovedClock(lambda: NOON, NOON - timedelta(minutes=8), speed=0), MemoryLedger()

    async def sleep(seconds: float) -> None:
        clock.advance(max(seconds, 1.0))

    with Sandbox(load_scenario(SCENARIO), 1, clock=clock, origin=NOON) as sandbox:
        kubeconfig = sandbox.write_kubeconfig(tmp_path / "kubeconfig")
        for name, value in patient(sandbox).items():
            monkeypatch.setenv(name, value)
        settings = load_settings(
            kubernetes={"kubeconfig": kubeconfig, "allow_writes": True},
            watch={"seconds": 60, "sources": ["metrics"]},
            executor={"autonomy": "ask", "approvers": ["bob"], "stop_file": tmp_path / "stop"},
            scarlet={"documents": False, "lease": ""},
        )
        async with (
            Workbench(settings, clock=clock, ledger=ledger, actor="scarlet", sleep=sleep) as bench,
            bench.response() as loop,
        ):
            asked = await _until("awaiting", loop, ledger, clock)
            before, (name,) = _template(sandbox), asked.operations
            plan = operations.load(ledger, name).operation.plan
            assert plan is not None
            clock.advance((NOON + timedelta(minutes=4) - clock()).total_seconds())
            bench.answer_approval(name, plan.digest, True, by="bob", where="test")
            over = await _until("closed", loop, ledger, clock)
        outcome = operations.load(ledger, name).operation.outcome
        assert outcome is not None
        assert outcome.result == "not_applied"
        assert "was approved and is not done. It is over: cart failed" in outcome.words
        assert outcome.words in caplog.text  # what people are told by whatever channels there are
        assert over.operations == (name,)
        assert _template(sandbox) == before


async def _until(phase: str, loop: Loop, ledger: Ledger, clock: MovedClock) -> Incident:
    for _ in range(20):
        await loop.round()
        await loop.settled()
        found = all_incidents(ledger)
        if [one.phase for one in found] == [phase]:
            return found[0]
        clock.advance(30)
    raise AssertionError(found)


def _template(sandbox: Sandbox) -> object:
    cluster = sandbox.world.cluster
    with cluster.lock:
        found = cluster.store.get("Deployment", "shop", "cart")
    assert found is not None
    return found["spec"]["template"]
