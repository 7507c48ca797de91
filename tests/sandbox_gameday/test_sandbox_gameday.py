"""A rehearsal from the page to the score."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from autodevops.sandbox.basics.clocks import MovedClock
from autodevops.sandbox.gameday import QUIET_SECONDS, Gameday, by_number, numbered, origin
from autodevops.sandbox.world.scenario import load_scenario, shipped_scenarios
from autodevops.sandbox.world.world import World

NOW = datetime(2026, 11, 24, 4, tzinfo=UTC)


def rehearsal(name: str) -> tuple[Gameday, MovedClock]:
    clock = MovedClock(lambda: NOW)
    scenario = load_scenario(name)
    return Gameday(World(scenario, 1, origin(scenario, NOW), clock)), clock


def until_paged(game: Gameday, clock: MovedClock) -> None:
    clock.advance(390)
    for _ in range(4):
        if game.firing():
            return
        clock.advance(30)
    raise AssertionError("nobody was paged")


def test_rehearsal_begins_in_quiet_with_the_fault_ahead() -> None:
    game, clock = rehearsal("bad-deploy")
    assert game.onset_at - game.world.now() == QUIET_SECONDS
    assert game.firing() == []
    assert game.normal()
    until_paged(game, clock)
    assert game.paged_at is not None
    assert game.paged_at > game.onset_at
    assert not game.normal()


def test_right_answer_and_rollback_have_all_points() -> None:
    game, clock = rehearsal("bad-deploy")
    until_paged(game, clock)
    clock.advance(120)
    assert game.answer("deployment", "payment", "BadRollout")
    game.world.do("undo", "@payment")
    clock.advance(600)
    score = game.score()
    assert (score.points, score.fixed, score.worse, score.seconds_to_find) == (100, True, (), 120)


def test_wrong_answers_and_hints_cost_and_an_open_incident_is_not_resolved() -> None:
    game, clock = rehearsal("bad-deploy")
    until_paged(game, clock)
    assert not game.answer("Deployment", "cart")
    assert len({game.hint() for _ in range(3)}) == 3
    assert game.answer("Deployment", "payment")
    clock.advance(600)
    score = game.score()
    assert (score.points, score.fixed) == (40 + 20 - 5 - 15, False)
    assert score.formula.endswith(f"= {score.points}")


def test_what_the_person_broke_is_named_and_costs() -> None:
    game, clock = rehearsal("bad-deploy")
    until_paged(game, clock)
    game.world.do("scale", "@catalog", replicas=0)
    clock.advance(600)
    assert "frontend" in game.score().worse


@pytest.mark.parametrize("name", ["healthy", "recovered"])
def test_nothing_is_the_right_answer_when_nothing_is_wrong(name: str) -> None:
    game, clock = rehearsal(name)
    clock.advance(3600)
    assert not game.answer("Deployment", "payment")
    assert game.answer("nothing", "")
    assert game.score().fixed


def test_list_numbers_scenarios_without_naming_them() -> None:
    shipped = shipped_scenarios()
    rows = numbered(shipped)
    assert [number for number, _ in rows] == list(range(1, len(shipped) + 1))
    assert {difficulty for _, difficulty in rows} <= {"easy", "medium", "hard"}
    assert by_number(shipped, "1") == shipped[0]


def command(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "autodevops", "sandbox", "gameday", *arguments],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=folder,
    )  # fmt: skip


def test_script_plays_a_rehearsal_and_gets_one_json_document(tmp_path: Path) -> None:
    process = command(tmp_path, "bad-deploy", "--json")
    out, _ = process.communicate("status\nanswer Deployment/payment BadRollout\ngive up\n", timeout=300)
    result: dict[str, Any] = json.loads(out)
    assert process.returncode == 0
    assert result["truth"]["subject"]["name"] == "payment"
    assert result["score"]["found"]
    assert not result["score"]["fixed"]
    assert result["answers"][0]["reason"] == "BadRollout"


def test_interrupt_ends_a_rehearsal_with_the_truth(tmp_path: Path) -> None:
    process = command(tmp_path, "bad-deploy")
    assert process.stdin is not None
    assert process.stdout is not None
    seen = ""
    process.stdin.write("hint\n")
    process.stdin.flush()
    for line in process.stdout:
        seen += line
        if "Something changed" in line:
            process.send_signal(signal.SIGINT)
            break
    assert "payment 2.14.0" not in seen
    rest, errors = process.communicate(timeout=180)
    assert "At fault: Deployment/payment" in rest, errors
    assert process.returncode == 0
    assert "Traceback" not in errors
