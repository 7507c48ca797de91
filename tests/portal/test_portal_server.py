"""The portal's door, port, metrics and rows, without a browser."""

from __future__ import annotations

import socket
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from programs import require
from pydantic import SecretStr

from autodevops.domain.ledger import NewEvent
from autodevops.domain.turn_health import TurnHealth
from autodevops.jamie.health_events import turn_event
from autodevops.kernel.errors import AutoDevOpsError, UsageError
from autodevops.kernel.loopback import is_loopback
from autodevops.portal.server import Address, door_of, listening
from autodevops.portal.sources import Sources
from autodevops.settings import LedgerSettings, PortalSettings, Settings
from autodevops.workbench import Workbench

AT = datetime(2026, 11, 24, 4, tzinfo=UTC)


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("[::1]", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("10.0.0.1", False),
        ("portal.example", False),
        ("", False),
    ],
)
def test_only_loopback_is_loopback(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback


@pytest.mark.parametrize(
    ("host", "token", "password", "open_to_all", "refused"),
    [
        ("127.0.0.1", "", "", False, ""),
        ("127.0.0.1", "", "", True, ""),
        ("0.0.0.0", "secret", "", False, ""),
        ("0.0.0.0", "", "pass", False, ""),
        ("0.0.0.0", "", "", False, "AUTODEVOPS_PORTAL__TOKEN"),
        ("0.0.0.0", "", "", True, "--host 127.0.0.1"),
        ("", "", "", True, "--host 127.0.0.1"),
        ("127.0.0.1", "secret", "", True, "one or the other"),
        ("127.0.0.1", "", " ", False, "Write a password"),
    ],
)
def test_nobody_comes_in_unknown_from_another_machine(
    tmp_path: Path, host: str, token: str, password: str, open_to_all: bool, refused: str
) -> None:
    file = tmp_path / "password"
    file.write_text(password)
    settings = PortalSettings(host=host, token=SecretStr(token), password_file=file if password else None)
    if refused:
        with pytest.raises(UsageError, match=refused):
            door_of(settings, open_to_all=open_to_all)
        return
    door = door_of(settings, open_to_all=open_to_all)
    if open_to_all:
        assert (door.token, door.password) == ("", "")
    elif password:
        assert door.password.startswith("argon2:")
        assert password not in door.password
    else:
        assert door.token == token or (not token and len(door.token) >= 32)


def test_people_with_tokens_of_their_own_need_none_for_all(tmp_path: Path) -> None:
    people = {"alice": SecretStr("a" * 16), "bob": SecretStr("b" * 16)}
    door = door_of(PortalSettings(host="0.0.0.0", people=people), open_to_all=False)
    assert (dict(door.people), door.told, door.answers_as) == ({"alice": "a" * 16, "bob": "b" * 16}, False, "")
    assert len(door.token) >= 32
    for wrong in ({"alice": "short"}, {"alice": "a" * 16, "bob": "a" * 16}):
        with pytest.raises(ValueError, match=r"16 characters|the same token"):
            PortalSettings.model_validate({"people": wrong})


def test_a_busy_port_is_left_to_its_owner() -> None:
    with socket.socket() as owner:
        owner.bind(("127.0.0.1", 0))
        owner.listen()
        port = owner.getsockname()[1]
        with pytest.raises(AutoDevOpsError, match=f"Port {port} .*--port"):
            listening(Address("127.0.0.1", port, fixed=True))
        other = listening(Address("127.0.0.1", port, fixed=False))
        with other:
            assert other.getsockname()[1] != port
    with pytest.raises(UsageError, match="no address"):
        listening(Address("no.such.host.invalid", 0, fixed=True))


def test_metrics_count_each_run_once_and_promtool_reads_them(tmp_path: Path) -> None:
    promtool = require("promtool", "prometheus")
    settings = Settings(ledger=LedgerSettings(folder=tmp_path))
    with Workbench(settings) as bench:
        sources = Sources(settings, bench)

        def run(name: str, seconds: float, status: str, what: str = "") -> None:
            end = AT + timedelta(seconds=seconds)
            data = {"runbook": "probe"}
            bench.ledger.append(
                NewEvent(at=AT, kind="run", what="started", actor="scarlet", subject=name, data={**data}),
                NewEvent(
                    at=end,
                    kind="run",
                    what=what or status,
                    actor="scarlet",
                    subject=name,
                    data={**data, "status": status},
                ),
            )

        run("a", 3, "succeeded")
        run("b", 70, "failed")
        before = sources.metrics()
        run("c", 4, "succeeded")
        run("d", 9000, "interrupted", what="reconciled")
        bench.ledger.append(
            NewEvent(at=AT, kind="run", what="started", actor="me", subject="e", data={"runbook": 'odd "name\\\n'})
        )
        health = TurnHealth(
            turn_id="t", at=AT, intent="status", outcome="answered", narrator="built-in", total_ms=120, tool_calls=4
        )
        bench.ledger.append(turn_event(health, actor="somebody"))
        after = sources.metrics()
    assert 'autodevops_runs_total{runbook="probe",status="succeeded"} 1.0' in before
    for line in (
        'autodevops_jamie_turns_total{intent="status",narrator="built-in",outcome="answered"} 1.0',
        "autodevops_jamie_tool_calls_total 4.0",
        'autodevops_runs_total{runbook="probe",status="succeeded"} 2.0',
        'autodevops_runs_total{runbook="probe",status="failed"} 1.0',
        'autodevops_runs_total{runbook="probe",status="interrupted"} 1.0',
        'autodevops_run_duration_seconds_bucket{le="5.0",runbook="probe"} 2.0',
        'autodevops_run_duration_seconds_count{runbook="probe"} 3.0',
        'autodevops_run_duration_seconds_sum{runbook="probe"} 77.0',
    ):
        assert line in after
    assert "autodevops_runs_unfinished{" in after
    checked = subprocess.run(
        [promtool, "check", "metrics"], input=after, capture_output=True, text=True, timeout=180, check=False
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
