"""Daemons are killed after each entry that matters, and run two at a time: one incident, and one change."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from autodevops.evaluation.play import NOW
from autodevops.sandbox.basics.clocks import MovedClock
from autodevops.sandbox.gameday import Gameday, first_onset
from autodevops.sandbox.serve import Sandbox
from autodevops.sandbox.world.scenario import load_scenario

pytestmark = pytest.mark.xdist_group("sandbox")
DYING = Path(__file__).with_name("dying_scarlet.py")
SCENARIO = Path(__file__).with_name("chaos_scenario.yaml")


def generation(sandbox: Sandbox) -> int:
    cluster = sandbox.world.cluster
    with cluster.lock:
        cluster.advance(sandbox.world.now())
        item = cluster.store.get("Deployment", "shop", "cart")
    assert item is not None
    return int(item["metadata"]["generation"])


def test_killed_after_each_entry_that_matters_she_acts_once_and_closes_what_she_opened(tmp_path: Path) -> None:
    scenario, clock = load_scenario(SCENARIO), MovedClock(lambda: NOW)
    origin = NOW - timedelta(seconds=first_onset(scenario) or 0.0)
    clock.advance(60)  # after the onset
    with Sandbox(scenario, 1, clock=clock, origin=origin, control=True) as sandbox:
        before = generation(sandbox)
        environment = {
            **os.environ,
            **sandbox.environment(),
            "XDG_CONFIG_HOME": str(tmp_path / "config"),
            "AUTODEVOPS_KUBERNETES__KUBECONFIG": str(sandbox.write_kubeconfig(tmp_path / "kubeconfig")),
            "AUTODEVOPS_KUBERNETES__ALLOW_WRITES": "true",
            "AUTODEVOPS_LEDGER__FOLDER": str(tmp_path / "ledger"),
            "AUTODEVOPS_EXECUTOR__AUTONOMY": "act",
            "AUTODEVOPS_EXECUTOR__STOP_FILE": str(tmp_path / "stop"),
            "AUTODEVOPS_EXECUTOR__POLL_SECONDS": "10",
            "AUTODEVOPS_SCARLET__DOCUMENTS": "false",
            "AUTODEVOPS_WATCH__SOURCES": "alerts, objects",
        }
        done = subprocess.run(
            [sys.executable, str(DYING), sandbox.addresses["control"], sandbox.token],
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=600,
        )
        assert done.returncode == 0, done.stderr
        lives = [json.loads(line) for line in done.stdout.splitlines()]
        assert [one["ends"] for one in lives[:3]] == [[-9], [-9], [-9]], done.stderr
        assert -9 in lives[3]["ends"], done.stderr
        last = lives[-1]
        assert (last["causes"], last["phases"], last["ends"]) == (["cart"], ["closed"], [0]), lives
        assert [one for one in last["results"] if one != "not_applied"] == ["verified"], lives
        assert generation(sandbox) == before + 1
        assert Gameday(sandbox.world).normal()
