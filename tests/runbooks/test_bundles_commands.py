"""`autodevops run` on real bundles, as it is typed."""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
import tarfile
import zipfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from runbook_files import write_runbook
from runbooks.conftest import KeptRuns

from autodevops.cli.app import main
from autodevops.kernel.clock import utc_now
from autodevops.runbooks import RunRequest, load_runbook, run_runbook
from autodevops.runbooks.bundle import read_manifest
from autodevops.settings import load_settings
from autodevops.stores.sqlite_ledger import open_ledger


@dataclass(frozen=True)
class Said:
    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Autodevops = Callable[..., Said]


@pytest.fixture
def autodevops(
    kept_runs: KeptRuns, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Autodevops:
    monkeypatch.setenv("AUTODEVOPS_SCARLET__ARTIFACTS", str(kept_runs.folder))
    monkeypatch.setenv("AUTODEVOPS_SCARLET__RUNBOOKS", str(kept_runs.runbook.parent))
    monkeypatch.setenv("AUTODEVOPS_LEDGER__FOLDER", str(tmp_path / "ledger"))

    def run(*arguments: str) -> Said:
        monkeypatch.setattr(sys, "argv", ["autodevops", "run", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return Said(int(ended.value.code or 0), said.out, said.err)

    return run


def test_list_has_the_newest_first_and_can_be_narrowed(autodevops: Autodevops, kept_runs: KeptRuns) -> None:
    ids = [record.run.id for record in (kept_runs.broken, kept_runs.fine, kept_runs.bad)]
    assert [row["id"] for row in autodevops("list", "--json").json] == ids
    assert [row["id"] for row in autodevops("list", "--json", "--status", "failed").json] == ids[:1]
    assert [row["id"] for row in autodevops("list", "--json", "--since", "1h", "--limit", "2").json] == ids[:2]
    assert autodevops("list", "--json", "--runbook", "other").json == []
    assert autodevops("list", "--json", "--since", "2030-01-01T00:00:00Z").json == []
    text = autodevops("list").out
    assert [line.split()[0] for line in text.splitlines()] == ids
    assert "explained" in text


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["list", "--status", "exploded"], ["'exploded'", "timed_out"]),
        (["list", "--since", "yesterday"], ["'yesterday'", "3d"]),
        (["show", "nothing-like-it"], ["'nothing-like-it'", "run list"]),
        (["show", "2"], ["3 runs begin or end with '2'", "Give more"]),
        (["search", "  "], ["nothing to search for"]),
    ],
)
def test_wrong_usage_is_named(autodevops: Autodevops, arguments: list[str], named: list[str]) -> None:
    said = autodevops(*arguments)
    assert said.status == 2
    for words in named:
        assert words in said.err


def test_show_takes_either_end_of_the_id_and_tells_all(autodevops: Autodevops, kept_runs: KeptRuns) -> None:
    run = kept_runs.broken.run
    text = autodevops("show", run.id[-6:]).out
    for words in (
        "RuntimeError in cell 5: the payment gateway is on fire",
        "after the page at 3",
        "by ann",
        'errors=30, end="badly"',
        "prometheus.query_range",
        "not_run",
        str(kept_runs.broken.folder),
        "evidence/",
    ):
        assert words in text
    document = autodevops("show", run.id, "--json").json
    assert document.pop("where") == str(kept_runs.broken.folder)
    assert document == run.model_dump(mode="json")


def test_diff_says_what_changed_and_ends_as_diff_does(autodevops: Autodevops, kept_runs: KeptRuns) -> None:
    bad, fine = kept_runs.bad.run.id, kept_runs.fine.run.id
    said = autodevops("diff", bad, fine)
    assert said.status == 1
    assert "payment: column errors: 30 % → 3 %  (-90.0%)" in said.out
    assert "verdict: explained → healthy" in said.out
    assert "3 answered alike, 1 differently" in said.out
    document = autodevops("diff", bad, fine, "--json").json
    assert (document["before"], document["after"], document["same"]) == (bad, fine, False)
    same = autodevops("diff", bad, bad)
    assert (same.status, same.out.splitlines()[0]) == (0, "The two runs show the same.")


@pytest.mark.parametrize(
    ("words", "where", "whose"),
    [
        ("PROBE of  payments", "title", {"bad", "fine", "broken"}),
        ("errors=3", "parameter errors", {"bad", "fine", "broken"}),
        ("gateway is on FIRE", "error", {"broken"}),
        ("payment fails 30 %", "finding", {"bad"}),
        ("error_ratio", "query", {"bad", "fine", "broken"}),
        ("ledger | 1 %", "output of cell 8 (Failures)", {"bad"}),
        ("after the page", "reason", {"bad", "fine", "broken"}),
        ("nobody says this", "", set()),
    ],
)
def test_search_finds_runs_and_says_where(
    autodevops: Autodevops, kept_runs: KeptRuns, words: str, where: str, whose: set[str]
) -> None:
    hits = autodevops("search", words, "--json").json
    assert {hit["id"] for hit in hits} == {getattr(kept_runs, name).run.id for name in whose}
    for hit in hits:
        assert any(place["where"].startswith(where) for place in hit["places"])


def test_an_export_is_whole_and_the_same_whenever_it_is_made(
    autodevops: Autodevops, kept_runs: KeptRuns, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = kept_runs.bad
    names = {f"probe-{record.run.id}/{name}" for name in ("manifest.json", *record.run.files)}
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(kept_runs.folder, elsewhere, copy_function=shutil.copyfile)
    for suffix in (".zip", ".tar.gz"):
        first, second = tmp_path / f"first{suffix}", tmp_path / f"second{suffix}"
        assert autodevops("export", record.run.id, "--to", str(first)).status == 0
        with monkeypatch.context() as there:
            there.setenv("AUTODEVOPS_SCARLET__ARTIFACTS", str(elsewhere))
            assert autodevops("export", record.run.id, "--to", str(second)).status == 0
        assert first.read_bytes() == second.read_bytes()
        if suffix == ".zip":
            with zipfile.ZipFile(first) as zipped:
                assert set(zipped.namelist()) == names
                zipped.extractall(tmp_path / f"out{suffix}")
        else:
            with tarfile.open(first) as packed:
                assert set(packed.getnames()) == names
                packed.extractall(tmp_path / f"out{suffix}", filter="data")
        out = tmp_path / f"out{suffix}" / f"probe-{record.run.id}"
        assert read_manifest(out) == record.run
        for name, wanted in record.run.files.items():
            assert "sha256:" + hashlib.sha256((out / name).read_bytes()).hexdigest() == wanted
    for name, kept in (("a.html", "report.html"), ("a.ipynb", "notebook.ipynb")):
        autodevops("export", record.run.id, "--to", str(tmp_path / name))
        assert (tmp_path / name).read_bytes() == (record.folder / kept).read_bytes()


def test_export_overwrites_nothing_and_knows_its_suffixes(
    autodevops: Autodevops, kept_runs: KeptRuns, tmp_path: Path
) -> None:
    (tmp_path / "here.zip").write_text("mine")
    said = autodevops("export", kept_runs.bad.run.id, "--to", str(tmp_path / "here.zip"))
    assert (said.status, (tmp_path / "here.zip").read_text()) == (2, "mine")
    said = autodevops("export", kept_runs.bad.run.id, "--to", str(tmp_path / "run.rar"))
    assert said.status == 2
    assert ".tar.gz" in said.err
    assert [path.name for path in tmp_path.iterdir()] == ["here.zip"]


def test_gc_names_what_would_go_and_deletes_only_when_told(
    autodevops: Autodevops, kept_runs: KeptRuns, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(kept_runs.folder, tmp_path / "artifacts")
    monkeypatch.setenv("AUTODEVOPS_SCARLET__ARTIFACTS", str(tmp_path / "artifacts"))
    monkeypatch.setenv("AUTODEVOPS_SCARLET__KEEP_DAYS", "0")
    monkeypatch.setenv("AUTODEVOPS_SCARLET__KEEP_LAST", "2")
    before = {path.name for path in (tmp_path / "artifacts/probe").iterdir()}
    dry = autodevops("gc")
    assert (dry.status, dry.out.split()[0]) == (0, kept_runs.bad.run.id)
    assert "--yes" in dry.err
    assert {path.name for path in (tmp_path / "artifacts/probe").iterdir()} == before
    said = autodevops("gc", "--yes", "--json").json
    assert (said["deleted"], [row["id"] for row in said["runs"]], said["kept"]) == (True, [kept_runs.bad.run.id], 2)
    assert {path.name for path in (tmp_path / "artifacts/probe").iterdir()} == before - {kept_runs.bad.run.id}
    with closing(open_ledger(load_settings().ledger)) as ledger:
        (event,) = ledger.events(kind="run")
    assert (event.what, event.subject) == ("deleted", kept_runs.bad.run.id)


def test_a_rerun_takes_source_and_parameters_of_then_and_names_it(
    autodevops: Autodevops, kept_runs: KeptRuns, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(kept_runs.folder, tmp_path / "artifacts")
    shutil.copytree(kept_runs.runbook.parent, tmp_path / "runbooks")
    monkeypatch.setenv("AUTODEVOPS_SCARLET__ARTIFACTS", str(tmp_path / "artifacts"))
    monkeypatch.setenv("AUTODEVOPS_SCARLET__RUNBOOKS", str(tmp_path / "runbooks"))
    path = tmp_path / "runbooks/probe.ipynb"
    path.write_text(path.read_text().replace("Probe of payments", "Probe of today"))
    old = kept_runs.fine.run
    made = autodevops("rerun", old.id, "--json", "--reason", "to be sure").json
    assert (made["rerun_of"], made["parameters"], made["reason"], made["title"]) == (
        old.id,
        old.parameters,
        "to be sure",
        "Probe of payments",
    )
    assert made["id"] != old.id
    assert autodevops("diff", old.id, made["id"]).status == 0
    today = autodevops("rerun", kept_runs.broken.run.id, "--current", "--json")
    assert (today.status, today.json["title"], today.json["status"]) == (1, "Probe of today", "failed")
    told = {
        (one["part"], one["what"]) for one in autodevops("diff", old.id, today.json["id"], "--json").json["differences"]
    }
    assert ("run", "source of the runbook") in told


def test_a_rerun_is_tried_again_as_its_runbook_says(
    autodevops: Autodevops, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    artifacts = tmp_path / "artifacts"
    monkeypatch.setenv("AUTODEVOPS_SCARLET__ARTIFACTS", str(artifacts))
    path = write_runbook(tmp_path / "runbooks", ["1 / 0"], retries=1, retry_pause_seconds=0)
    old = run_runbook(RunRequest(load_runbook(path)), artifacts=artifacts, clock=utc_now).run
    assert autodevops("rerun", old.id).status == 1
    runs = [read_manifest(folder) for folder in sorted((artifacts / "probe").iterdir())]
    assert [(run.rerun_of, run.attempt) for run in runs] == [("", 1), (old.id, 1), (old.id, 2)]


def test_rerun_of_a_run_without_its_source_says_what_to_do(
    autodevops: Autodevops, kept_runs: KeptRuns, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(kept_runs.folder, tmp_path / "artifacts")
    monkeypatch.setenv("AUTODEVOPS_SCARLET__ARTIFACTS", str(tmp_path / "artifacts"))
    source = tmp_path / "artifacts/probe" / kept_runs.fine.run.id / "runbook.ipynb"
    source.write_text(source.read_text() + " ")
    said = autodevops("rerun", kept_runs.fine.run.id)
    assert said.status == 2
    assert "is not what ran" in said.err
    source.unlink()
    said = autodevops("rerun", kept_runs.fine.run.id)
    assert said.status == 2
    assert "--current" in said.err
