"""One bad release from its alert to the notebook that documents its end: the real engine, executor and runbook."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from pathlib import Path

import pytest
from patience import patient

from autodevops.domain.incident import Incident
from autodevops.kernel.clock import utc_now
from autodevops.sandbox import Sandbox
from autodevops.sandbox.basics.clocks import MovedClock
from autodevops.sandbox.world.scenario import load_scenario
from autodevops.settings import load_settings
from autodevops.stores.incidents import all_incidents
from autodevops.workbench import Workbench

ROOT = Path(__file__).parents[2]
BEHIND = timedelta(minutes=45)  # so that the world's time, moved on, stays before that of the notebook's kernel


def test_a_bad_release_is_rolled_back_and_documented(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = MovedClock(lambda: utc_now() - BEHIND)
    with Sandbox(load_scenario(Path(__file__).with_name("chaos_scenario.yaml")), 1, clock=clock) as sandbox:
        sandbox.write_kubeconfig(tmp_path / "kubeconfig")
        given = {
            **patient(sandbox),
            "KUBECONFIG": str(tmp_path / "kubeconfig"),
            "AUTODEVOPS_KUBERNETES__ALLOW_WRITES": "true",
            "AUTODEVOPS_WATCH__SECONDS": "60",
            "AUTODEVOPS_EXECUTOR__AUTONOMY": "act",
            "AUTODEVOPS_EXECUTOR__STOP_FILE": str(tmp_path / "stop"),
            "AUTODEVOPS_LEDGER__FOLDER": str(tmp_path / "ledger"),
            "AUTODEVOPS_SCARLET__RUNBOOKS": str(ROOT / "runbooks"),
            "AUTODEVOPS_SCARLET__ARTIFACTS": str(tmp_path / "artifacts"),
        }
        for name, value in given.items():
            monkeypatch.setenv(name, value)
        incident = asyncio.run(_until_closed(clock))

    assert incident.cause is not None
    assert (incident.cause.reason, incident.cause.subject.name) == ("BadRollout", "cart")
    assert len(incident.signals) > 1
    assert incident.resolution is not None
    assert incident.resolution.words == "rollback_workload Deployment shop/cart ended it."
    (run,) = incident.bundles
    (folder,) = (tmp_path / "artifacts").rglob(f"*{run}*")
    told = (folder / "notebook.ipynb").read_text()
    json.loads(told)
    for words in ("BadRollout", "rollback_workload Deployment shop/cart", "verified", "Over since"):
        assert words in told


async def _until_closed(clock: MovedClock) -> Incident:
    async def sleep(seconds: float) -> None:
        clock.advance(max(seconds, 1.0))

    async with Workbench(load_settings(), clock=clock, actor="scarlet", sleep=sleep) as bench:
        means = bench.run_means()
        async with bench.run_queue(means) as queue, bench.response(queue) as loop:
            for _ in range(40):
                await loop.round()
                await loop.settled()
                found = all_incidents(bench.ledger)
                if found and found[0].phase == "closed":
                    break
                clock.advance(30)
    (incident,) = found
    return incident
