"""`autodevops audit` as a person meets it."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import fsspec
import pytest
from stores.ledger_samples import START, event

from autodevops.cli.app import main
from autodevops.domain.run import Run
from autodevops.kernel.ids import bytes_digest
from autodevops.runbooks.bundle import MANIFEST, manifest_bytes
from autodevops.runbooks.entries import ended
from autodevops.runbooks.storage import BundleRef
from autodevops.runbooks.storage_remote import FsspecBundles
from autodevops.stores.sqlite_ledger import SqliteLedger


@dataclass(frozen=True)
class Done:
    status: int
    stdout: str
    stderr: str


Audit = Callable[..., Done]


@pytest.fixture
def audit(home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Audit:
    """The command as the shell would start it, in this process: a start takes longer than what it does."""
    monkeypatch.chdir(home)

    def run(*arguments: object, **environment: str) -> Done:
        monkeypatch.setattr(sys, "argv", ["autodevops", "audit", *map(str, arguments)])
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return Done(int(ended.value.code or 0), said.out, said.err)

    return run


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AUTODEVOPS_LEDGER__FOLDER", "state")
    with SqliteLedger(tmp_path / "state") as ledger:
        ledger.append(*(event(number, subject=f"run-{number}\x1b[2J") for number in range(1, 31)))
    return tmp_path


def test_a_stranger_signs_compacts_verifies_and_exports(home: Path, audit: Audit) -> None:
    assert audit("keygen", "--out", "keys").status == 0
    keys = {
        "AUTODEVOPS_LEDGER__SIGNING_KEY_FILE": "keys/ledger-key.pem",
        "AUTODEVOPS_LEDGER__PUBLIC_KEY_FILE": "keys/ledger-key.pub.pem",
    }
    closed = audit("compact", "--keep", "10", **keys)
    assert "1-20.parquet, signed" in closed.stdout, closed.stderr
    head = audit("head", "--sign", **keys).stdout.strip()
    found = audit("verify", "--head", head, "--json", **keys)
    assert found.status == 0, found.stdout
    said = json.loads(found.stdout)
    assert (said["holds"], said["events"], said["segments"], said["signed_until"]) == (True, 30, 1, 30)
    assert audit("export", "all.jsonl").status == 0
    again = audit("export", "all.jsonl")
    assert (again.status, "exists already" in again.stderr) == (2, True)
    assert "holds: 30 events in all.jsonl" in audit("verify", "all.jsonl", "--head", head, **keys).stdout


def test_a_changed_event_ends_with_status_1_and_its_number(home: Path, audit: Audit) -> None:
    with SqliteLedger(home / "state") as ledger, ledger.writing() as connection:
        connection.execute("UPDATE events SET what = 'denied' WHERE seq = 17")
    found = audit("verify")
    assert found.status == 1
    assert found.stdout.startswith("✗ event 17: its digest is")
    assert "DIVERGES: 30 events" in found.stdout
    said = json.loads(audit("verify", "--json").stdout)
    assert (said["holds"], said["divergences"][0]["seq"]) == (False, 17)


def test_the_log_shows_the_newest_and_does_not_move_the_terminal(home: Path, audit: Audit) -> None:
    shown = audit("log", "--last", "2", "--kind", "run").stdout
    assert "run-30\\x1b[2J" in shown
    assert "run-28" not in shown
    assert "\x1b" not in shown
    assert [one["seq"] for one in json.loads(audit("log", "-n", "2", "--json").stdout)] == [29, 30]
    assert audit("log", "--actor", "nobody").stdout == "No such events.\n"


def test_sql_answers_as_a_table_and_as_json(home: Path, audit: Audit) -> None:
    query = "SELECT kind, sum(seq) AS n, min(time) AS first FROM events GROUP BY kind"
    assert "2026-11-28 03:00:01" in audit("sql", query).stdout
    answer = json.loads(audit("sql", query, "--json").stdout)
    assert [(row["kind"], row["n"], row["first"][:19]) for row in answer] == [("run", 465, "2026-11-28T03:00:01")]


@pytest.mark.parametrize(
    ("arguments", "status", "names"),
    [
        (["verify", "--folder", "elsewhere"], 1, ["elsewhere", "AUTODEVOPS_LEDGER__FOLDER"]),
        (["compact", "--folder", "elsewhere"], 1, ["elsewhere"]),
        (["verify", "none.jsonl"], 2, ["none.jsonl", "No such file"]),
        (["verify", "--head", "17"], 2, ["'17'", "audit head"]),
        (["log", "--kind", "gossip"], 2, ["gossip", "approval"]),
        (["log", "--since", "yesterday"], 2, ["--since 'yesterday'"]),
        (["export", "all.csv"], 2, ["all.csv", "--format"]),
        (["head", "--sign"], 2, ["AUTODEVOPS_LEDGER__SIGNING_KEY_FILE", "keygen"]),
        (["sql", "SELECT x FROM events"], 2, ["x", "DESCRIBE events"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_what_is_wrong_is_one_sentence(
    arguments: list[str], status: int, names: list[str], home: Path, audit: Audit
) -> None:
    done = audit(*arguments)
    assert done.status == status
    assert "Traceback" not in done.stderr
    for name in names:
        assert name in done.stderr
    assert not (home / "elsewhere").exists()


def test_a_bundle_that_was_sent_to_object_storage_is_read_there(home: Path, audit: Audit) -> None:
    run = Run(
        id="20261128T030000000Z-abc123",
        runbook="probe",
        title="Probe",
        trigger="once",
        requested_by="ada",
        parameters={},
        status="succeeded",
        started_at=START,
        source_digest="sha256:0",
        files={"report.html": bytes_digest(b"<p>well</p>")},
    )
    bundle = home / "scheduled" / "artifacts" / "probe" / run.id
    bundle.mkdir(parents=True)
    (bundle / "report.html").write_bytes(b"<p>well</p>")
    (bundle / MANIFEST).write_bytes(manifest_bytes(run))
    with SqliteLedger(home / "state") as ledger:
        ledger.append(ended(run, manifest_bytes(run), START, artifacts=bundle.parents[1]))
    FsspecBundles("memory://vault").put(BundleRef("probe", run.id), bundle)
    shutil.rmtree(bundle)
    assert "bundle is missing" in audit("verify").stdout
    settings = {"AUTODEVOPS_SCARLET__ARTIFACTS": "memory://vault"}
    assert json.loads(audit("verify", "--json", **settings).stdout)["bundles"] == 1
    assert audit("verify").status == 0
    fsspec.filesystem("memory").pipe_file(f"/vault/probe/{run.id}/report.html", b"<p>all is well</p>")
    found = json.loads(audit("verify", "--json").stdout)
    assert [one["where"] for one in found["divergences"]] == [f"memory://vault/probe/{run.id}/report.html"]
