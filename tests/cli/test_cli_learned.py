"""`scarlet learned`, `health scarlet` and `incident add` as a person meets them."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from scarlet.learning_world import History

from autodevops.cli.app import main
from autodevops.stores.sqlite_ledger import SqliteLedger

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AUTODEVOPS_LEDGER__FOLDER", "state")

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["autodevops", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    return run


@pytest.fixture
def lived(tmp_path: Path) -> None:
    with SqliteLedger(tmp_path / "state") as ledger:
        history = History(ledger)
        history.outcomes("++++++")
        for hour in (100, 200, 300):
            history.incident(hour)


@pytest.mark.usefixtures("lived")
def test_learned_shown_undone_and_told(call: Call, tmp_path: Path) -> None:
    status, out, _ = call("scarlet", "learned", "--no-alerts")
    assert status == 0
    assert "restart_workload: ask" in out
    rows = {row["kind"]: row for row in json.loads(call("scarlet", "learned", "--no-alerts", "--json")[1])}
    assert rows.keys() == {"autonomy", "confidence"}
    assert json.loads((tmp_path / "state" / "learned.json").read_text())["learned"] == list(rows.values())
    undone = json.loads(call("scarlet", "learned", "undo", rows["autonomy"]["id"], "--why", "too soon", "--json")[1])
    assert undone["ended"]["why"] == "too soon"
    assert [row["kind"] for row in json.loads(call("scarlet", "learned", "--no-alerts", "--json")[1])] == ["confidence"]
    _, told, _ = call("scarlet", "learned", "history", rows["autonomy"]["id"])
    assert [line.split()[3] for line in told.splitlines() if " UTC " in line] == ["learned", "undone"]
    changes = json.loads(call("scarlet", "learned", "history", "--json")[1])
    assert changes[-1]["reason"] == "too soon"
    status, _, error = call("scarlet", "learned", "undo", rows["autonomy"]["id"], "--why", "again")
    assert status == 2
    assert "was undone since" in error


def test_alerts_that_cannot_be_asked_are_told(call: Call) -> None:
    status, out, _ = call("scarlet", "learned", "--json")
    assert (status, json.loads(out)) == (0, [])


@pytest.mark.usefixtures("lived")
def test_what_a_person_adds_is_a_miss(call: Call) -> None:
    status, out, _ = call("incident", "add", "Search was slow.", "-n", "web", "--began", "3h", "--over", "1h", "--json")
    assert status == 0
    added = json.loads(out)
    assert (added["state"], added["namespace"], added["detection"]["by"]) == ("resolved", "web", "person")
    health = json.loads(call("health", "scarlet", "--since", "520w", "--json")[1])
    assert health["misses"] == [added["id"]]
    assert health["detection_rate"] == 0.75
    assert health["time_saved"]["formula"].startswith("0 incidents ended alone x 30 min by hand")
    assert "Noticed by her          3 of 4 (75%)" in call("health", "scarlet", "--since", "520w")[1]
    assert "autodevops_scarlet_detection_ratio 0.75" in call("health", "scarlet", "--since", "520w", "--prometheus")[1]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["incident", "add", " "], "The title is empty."),
        (["incident", "add", "x", "--began", "1h", "--over", "2h"], "begins, ends, and is added then"),
        (["incident", "add", "x", "--began", "soon"], "--began 'soon' is not a time"),
        (["health", "scarlet", "--json", "--prometheus"], "exclude each other"),
    ],
    ids=lambda value: str(value)[-30:],
)
def test_what_makes_no_sense_is_refused(arguments: list[str], words: str, call: Call) -> None:
    status, _, error = call(*arguments)
    assert status == 2
    assert words in error
