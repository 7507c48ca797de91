"""What Jamie and others read is in the ledger afterwards, under the name of who asked."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

import autodevops
from autodevops.settings import KubernetesSettings, LedgerSettings, Settings
from autodevops.stores.ledger_twin import MemoryLedger
from autodevops.stores.sqlite_ledger import open_ledger
from autodevops.workbench import Workbench


async def test_calls_and_settings_are_entered_in_the_ledger_that_settings_name(tmp_path: Path) -> None:
    settings = Settings(ledger=LedgerSettings(folder=tmp_path / "ledger"))
    async with Workbench(settings, actor="mira", program="ask") as workbench:
        await workbench.default_namespace()
    with open_ledger(settings.ledger, read_only=True) as ledger:
        events = [(event.kind, event.actor, event.subject) for event in ledger.events()]
    assert events == [("settings", "mira", "ask"), ("tool_call", "mira", "kubernetes.get_context")]


async def test_what_doctor_asks_is_entered_too() -> None:
    ledger, named = MemoryLedger(), KubernetesSettings(kubeconfig=Path("missing"))
    async with Workbench(Settings(kubernetes=named), ledger=ledger) as workbench:
        checked = await workbench.doctor()
    asked = {event.subject.partition(".")[0] for event in ledger.events(kind="tool_call")}
    assert asked == {check.system for check in checked if check.state != "not configured"} == {"kubernetes"}


async def test_a_second_start_with_the_same_settings_enters_calls_only(tmp_path: Path) -> None:
    ledger = MemoryLedger()
    for _ in range(2):
        async with Workbench(Settings(), ledger=ledger, program="ask") as workbench:
            await workbench.default_namespace()
    assert [event.kind for event in ledger.events()] == ["settings", "tool_call", "tool_call"]


async def test_a_ledger_that_cannot_be_opened_stops_nobody_who_reads(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    settings = Settings(ledger=LedgerSettings(folder=tmp_path / "file" / "ledger"))
    with caplog.at_level(logging.WARNING):
        async with Workbench(settings) as workbench:
            assert isinstance(await workbench.default_namespace(), str)
    assert "What is read is not entered in the ledger." in caplog.text
    assert "AUTODEVOPS_LEDGER__FOLDER" in caplog.text


def test_a_workbench_that_only_runs_closes_its_ledger(tmp_path: Path) -> None:
    settings = Settings(ledger=LedgerSettings(folder=tmp_path / "ledger"))
    with Workbench(settings) as workbench:
        workbench.run_means()
        assert (tmp_path / "ledger" / "ledger.sqlite-wal").exists()
    assert not (tmp_path / "ledger" / "ledger.sqlite-wal").exists()


def test_the_user_s_own_ledger_is_where_systems_keep_state(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    with open_ledger(LedgerSettings()) as ledger:
        assert ledger.folder == tmp_path / "autodevops" / "ledger"


async def test_a_notebook_asks_the_ledger_in_sql(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTODEVOPS_LEDGER__FOLDER", str(tmp_path))
    async with Workbench.from_settings() as workbench:
        await workbench.default_namespace()
    table = autodevops.ledger.sql("select kind, count(*) as events from events group by kind order by kind")
    assert table.to_dict("list") == {"kind": ["settings", "tool_call"], "events": [1, 1]}
