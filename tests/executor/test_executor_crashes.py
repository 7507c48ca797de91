"""Executors killed at every step, as real processes with a cluster: nothing is applied twice, every end is known."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from executor.executor_world import quick_world
from patience import patient

DYING = Path(__file__).with_name("dying_executor.py")

MAKES_WAY = "the call of kubernetes.delete_pod"
GAINED = {"not_applied": 0, "verified": 1, "undone": 2}  # generations of the workload's spec


@pytest.fixture(scope="module")
def lives(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, Any]]]:
    folder = tmp_path_factory.mktemp("dying")
    with quick_world(folder) as (sandbox, kubeconfig):
        environment = {**os.environ, **patient(sandbox), "PYTHONPATH": str(DYING.parents[1])}

        def died(what: str, end: str, first: int | str, last: int | str) -> list[dict[str, Any]]:
            done = subprocess.run(
                [sys.executable, str(DYING), str(kubeconfig), str(folder), what, end, str(first), str(last)],
                env=environment,
                capture_output=True,
                text=True,
                check=False,
                timeout=600,
            )
            assert done.returncode == 0, done.stderr
            return [json.loads(line) for line in done.stdout.splitlines()]

        # The ways part after the change is sent; up to there the others would repeat the first.
        # Two executors at a time, mostly waiting: those that roll back the same workload one after the other.
        with ThreadPoolExecutor(1) as beside:
            scaled = beside.submit(died, "scale", "undone", 1, 99)
            unblocked = beside.submit(died, "unblock", "verified", MAKES_WAY, MAKES_WAY)
            verified = died("rollback", "verified", 15, 18)
            undone = died("rollback", "undone", 17, 21)
            return {
                "scale undone": scaled.result(),
                "rollback verified": verified,
                "rollback undone": undone,
                "unblock verified": unblocked.result(),
            }


@pytest.mark.parametrize("way", ["scale undone", "rollback verified", "rollback undone"])
def test_whoever_dies_leaves_one_of_the_known_ends_and_nothing_is_applied_twice(
    lives: dict[str, list[dict[str, Any]]], way: str
) -> None:
    for life in lives[way]:
        before, after = life["before"], life["after"]
        assert "error" not in after, life
        gained = after["generation"] - before["generation"]
        if not after["stages"]:  # it died before anything was asked
            assert gained == 0, life
            continue
        assert after["stages"] == ["closed"], life
        (result,) = after["results"]
        assert gained == GAINED[result], life
        assert (after["spec"] != before["spec"]) is (result == "verified"), life
        assert after["recovered_again"] == after["in_flight"] == 0, life


def test_it_was_killed_before_every_kind_of_step(lives: dict[str, list[dict[str, Any]]]) -> None:
    said = [life["said"] for life in lives["scale undone"]]
    for step in (
        "proposed",
        "planned",
        "granted",
        "entered",
        "intended",
        "the call of",
        "applied",
        "undoing",
        "closed",
    ):
        assert any(step in one for one in said[:-1]), step
    assert [life["status"] for life in lives["scale undone"]] == [-9] * (len(said) - 1) + [0]
    assert said[-1] == "lived: undone\n"
    assert {life["after"]["results"][0] for life in lives["rollback verified"]} == {"verified"}
    assert {life["after"]["results"][0] for life in lives["rollback undone"]} == {"undone"}


def test_who_dies_between_a_template_and_the_pod_it_waits_for_leaves_the_pod_to_who_comes_after(
    lives: dict[str, list[dict[str, Any]]],
) -> None:
    """A StatefulSet's controller replaces no pod before the one that never gets ready is gone."""
    (life,) = lives["unblock verified"]
    assert life["status"] == -9, life
    assert MAKES_WAY in life["said"], life
    assert life["after"]["results"] == ["verified"], life
    assert life["after"]["ready"], life
    assert life["after"]["spec"] == life["before"]["spec"], life
