"""What a bundle keeps of a run: evidence as files, what was concluded, which code ran."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st
from runbook_files import write_runbook
from runbooks.conftest import KeptRuns, git
from runbooks.investigations import END, WINDOW
from runbooks.kept_runs import SECRET, evidence, found, open_bundle

from autodevops.domain.evidence import Evidence
from autodevops.domain.run import Run
from autodevops.kernel.clock import utc_now
from autodevops.kernel.ids import bytes_digest, content_digest, parsed_digest
from autodevops.runbooks import RunRequest, load_runbook, reconcile, run_runbook
from autodevops.runbooks.bundle import read_manifest
from autodevops.runbooks.evidence import STAGING, collect, read_answer, read_investigation
from autodevops.runbooks.evidence_tables import answer_of, parquet_of
from autodevops.runbooks.keeper import VARIABLE, FolderKeeper, keeper_of_this_run, variables
from autodevops.runbooks.masking import Masking
from autodevops.runbooks.provenance import head, runbook_state
from autodevops.runbooks.report import report


def test_manifest_names_every_file_with_digest_and_size(kept_runs: KeptRuns) -> None:
    for record in (kept_runs.bad, kept_runs.broken):
        run = read_manifest(record.folder)
        lying = {
            path.relative_to(record.folder).as_posix(): path.read_bytes()
            for path in record.folder.rglob("*")
            if path.is_file() and path.name != "manifest.json"
        }
        assert run.files == {name: bytes_digest(content) for name, content in lying.items()}
        assert run.sizes == {name: len(content) for name, content in lying.items()}
        assert not (record.folder / STAGING).exists()


def test_answers_are_kept_as_they_were_given(kept_runs: KeptRuns) -> None:
    run = read_manifest(kept_runs.bad.folder)
    kept = {item.id: item for item in run.evidence}
    assert len(kept) == 4
    for given_item in evidence(30):
        item = kept[given_item.id]
        assert (item.tool, item.query, item.window, item.error) == (
            given_item.tool,
            given_item.query,
            given_item.window,
            given_item.error,
        )
        answer = read_answer((kept_runs.bad.folder / item.file).read_bytes(), item.file)
        assert parsed_digest(answer) == item.digest == given_item.digest
    kinds = {item.tool: item.file.rpartition(".")[2] for item in run.evidence}
    assert kinds == {
        "prometheus.query_range": "parquet",
        "loki.query_logs": "parquet",
        "kubernetes.list_resources": "json",
        "tempo.search": "json",
    }


def test_a_series_is_a_table_that_duckdb_reads(kept_runs: KeptRuns) -> None:
    (item,) = (item for item in kept_runs.bad.run.evidence if item.tool == "prometheus.query_range")
    path = str(kept_runs.bad.folder / item.file)
    with duckdb.connect() as connection:
        rows = connection.execute(
            "select labels, count(*), max(value), max(time) from read_parquet(?) group by labels order by labels",
            [path],
        ).fetchall()
    assert [json.loads(row[0]) for row in rows] == [{"service": "checkout"}, {"service": "payment"}]
    assert [(row[1], row[2], row[3]) for row in rows] == [(200, 0.3, END.replace(tzinfo=None))] * 2
    assert item.rows == 400


def test_partial_evidence_of_a_run_that_failed_is_kept(kept_runs: KeptRuns) -> None:
    run = kept_runs.broken.run
    assert (run.status, run.error and run.error.message) == ("failed", "the payment gateway is on fire")
    assert len(run.evidence) == 4
    assert run.investigations == ()


def test_conclusion_stands_in_the_manifest_and_whole_in_a_file(kept_runs: KeptRuns) -> None:
    run = kept_runs.bad.run
    (kept,) = run.investigations
    assert (kept.verdict, kept.causes[0].reason, kept.causes[0].confidence) == ("explained", "BadDeploy", 0.3)
    assert [finding.rule_id for finding in kept.findings] == ["MET001"]
    whole = read_investigation((kept_runs.bad.folder / kept.file).read_bytes())
    assert whole.hypotheses == found(30).hypotheses
    assert whole.charts == ()
    assert all(item.data is None for item in whole.evidence)


def test_who_why_kernel_and_code_are_in_the_manifest(kept_runs: KeptRuns, tmp_path: Path) -> None:
    run = kept_runs.bad.run
    assert (run.requested_by, run.reason, run.trigger) == ("ann", "after the page at 3", "manual")
    assert run.kernel["name"] == "python3"
    assert run.kernel["language"] == "python " + ".".join(map(str, sys.version_info[:3]))
    root = kept_runs.runbook.parents[1]
    assert run.runbook_code.commit == git(root, "rev-parse", "HEAD") == head(root)
    assert run.runbook_code.dirty is False
    assert (kept_runs.bad.folder / "runbook.ipynb").read_bytes() == kept_runs.runbook.read_bytes()
    assert run.package_code.commit == git(Path(__file__).parents[2], "rev-parse", "HEAD")


def test_image_digest_comes_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTODEVOPS_IMAGE_DIGEST", "sha256:abc")
    path = write_runbook(tmp_path / "runbooks", ["1"])
    path.write_text(path.read_text().replace('"python3"', '"no-such-kernel"'))
    run = run_runbook(RunRequest(load_runbook(path)), artifacts=tmp_path / "artifacts", clock=utc_now).run
    assert run.image == "sha256:abc"
    assert (run.runbook_code.commit, run.runbook_code.dirty) == ("", None)


def test_commit_and_changes_are_told_in_every_kind_of_checkout(kept_runs: KeptRuns, tmp_path: Path) -> None:
    origin = kept_runs.runbook.parents[1]
    clone, tree = tmp_path / "clone", tmp_path / "tree"
    git(tmp_path, "clone", "-q", str(origin), str(clone))
    git(clone, "worktree", "add", "-q", "-b", "side", str(tree))
    git(clone, "pack-refs", "--all")
    commit = git(origin, "rev-parse", "HEAD")
    for place in (clone, tree):
        path = place / "runbooks/probe.ipynb"
        assert runbook_state(path, path.read_bytes()).model_dump() == {"commit": commit, "dirty": False}
        assert runbook_state(path, path.read_bytes() + b" ").dirty is True
        new = place / "runbooks/new.ipynb"
        new.write_text("{}")
        assert runbook_state(new, b"{}").model_dump() == {"commit": commit, "dirty": True}
    git(clone, "checkout", "-q", "--detach")
    assert head(clone) == commit


def test_no_git_at_all_is_no_failure(kept_runs: KeptRuns, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "checkout"
    shutil.copytree(kept_runs.runbook.parents[1] / ".git", root / ".git")
    monkeypatch.setenv("PATH", str(tmp_path))
    state = runbook_state(root / "other.ipynb", b"{}")
    assert (state.commit, state.dirty) == (kept_runs.bad.run.runbook_code.commit, None)
    (root / ".git/HEAD").write_text("nonsense")
    assert runbook_state(root / "other.ipynb", b"{}").commit == ""


def test_what_a_killed_runner_had_seen_is_kept_when_it_is_reconciled(tmp_path: Path) -> None:
    code = f"""
import os, signal, sys
sys.path.insert(0, {str(Path(__file__).parents[1])!r})
from pathlib import Path
from runbooks.kept_runs import evidence, found, open_bundle
from autodevops.runbooks.keeper import FolderKeeper
bundle, _ = open_bundle(Path({str(tmp_path)!r}) / "artifacts")
keeper = FolderKeeper(bundle.staging)
for item in evidence(30): keeper.evidence(item)
keeper.investigation(found(30))
(bundle.staging / ".ev-0123456789.json.half").write_text('{{"evid')
os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True, timeout=300)
    assert done.returncode == -9, done.stderr
    (record,) = reconcile(tmp_path / "artifacts", clock=utc_now)
    assert (record.status, len(record.run.evidence), len(record.run.investigations)) == ("interrupted", 4, 1)
    assert record.run.left_out == ""
    assert sum(name.startswith("evidence/") for name in record.run.files) == 5
    assert reconcile(tmp_path / "artifacts", clock=utc_now) == ()


def test_answers_that_are_too_large_are_named_and_left_out(tmp_path: Path) -> None:
    bundle, _ = open_bundle(tmp_path / "artifacts")
    size = len(json.dumps(evidence(30)[1].data))
    keeper = FolderKeeper(bundle.staging, answer_bytes=size, total_bytes=size + 500)
    for item in evidence(30):
        keeper.evidence(item)
    kept = collect(bundle.folder)
    words = {item.tool: item.left_out for item in kept.evidence}
    assert "one may have" in words["prometheus.query_range"]
    assert words["loki.query_logs"] == words["kubernetes.list_resources"] == ""
    assert kept.left_out == "1 of 4 answers are too large and not kept"
    assert next(item for item in kept.evidence if item.left_out).file == ""


def test_what_cells_put_there_themselves_is_left_out_with_a_word(tmp_path: Path) -> None:
    bundle, _ = open_bundle(tmp_path / "artifacts")
    staging = bundle.staging
    FolderKeeper(staging).evidence(evidence(30)[2])
    (staging / "ev-0000000000.json").write_text("[1")
    (staging / "ev-1111111111.json").symlink_to("/etc/hostname")
    (staging / "ev-2222222222.json").mkdir()
    (staging / "inv-000000000000.json").write_text(json.dumps({"id": "../../etc"}))
    (staging / "readme.txt").write_text("hello")
    kept = collect(bundle.folder)
    assert [item.tool for item in kept.evidence] == ["kubernetes.list_resources"]
    assert kept.left_out.startswith("5 files that were no evidence")
    assert sorted(path.name for path in (bundle.folder / "evidence").iterdir()) == [f"{kept.evidence[0].id}.json"]


@pytest.mark.parametrize("side", ["kernel", "runner"])
def test_secrets_are_masked_in_everything_that_is_kept(tmp_path: Path, side: str) -> None:
    bundle, run = open_bundle(tmp_path / "artifacts")
    told = {**variables(bundle.staging, ["TOKEN"] if side == "kernel" else []), "TOKEN": SECRET}
    keeper = keeper_of_this_run(told)
    assert keeper is not None
    for item in evidence(30):
        keeper.evidence(item)
    if side == "kernel":
        assert not any(SECRET.encode() in path.read_bytes() for path in bundle.staging.iterdir())
    mask = Masking({"TOKEN": SECRET}).known_value
    final = bundle.with_evidence(run, mask) if side == "runner" else bundle.with_evidence(run)
    assert len(final.evidence) == 4
    for path in (bundle.folder / "evidence").iterdir():
        assert SECRET.encode() not in path.read_bytes()
    assert any(b"[secret TOKEN]" in path.read_bytes() for path in (bundle.folder / "evidence").iterdir())


def test_outside_a_run_nothing_is_kept_and_a_full_disk_ends_no_cell(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert keeper_of_this_run({}) is None
    (tmp_path / "file").write_text("")
    keeper = keeper_of_this_run({VARIABLE: str(tmp_path / "file" / "below")})
    assert keeper is not None
    keeper.evidence(evidence(30)[2])
    assert "could not be kept" in caplog.text


def test_manifest_of_the_first_version_is_still_read(kept_runs: KeptRuns) -> None:
    document = json.loads((kept_runs.bad.folder / "manifest.json").read_text())
    old = {name: value for name, value in document.items() if name in _FIRST} | {"version": 1}
    run = Run.model_validate(old)
    assert (run.version, run.evidence, run.sizes) == (1, (), {})
    assert b"Probe of payments" in report(run, None)


_FIRST = {
    *("id", "runbook", "title", "trigger", "requested_by", "reason", "parameters", "status", "started_at", "files"),
    *("finished_at", "reconciled_at", "cells", "error", "source_digest", "versions", "runner"),
}

_LABELS = st.dictionaries(st.sampled_from(["a", "b", "ü"]), st.text(max_size=5), max_size=2)
_VALUES = st.none() | st.floats(allow_nan=False, allow_infinity=False) | st.integers(-5, 5)
_SAMPLES = st.lists(st.tuples(st.integers(0, 2_000_000_000) | st.floats(0, 2e9), _VALUES).map(list), max_size=4)
_SERIES = st.lists(st.fixed_dictionaries({"labels": _LABELS, "samples": _SAMPLES}), min_size=1, max_size=4)
_RECORDS = st.lists(
    st.fixed_dictionaries(
        {
            "timestamp": st.datetimes().map(lambda at: at.isoformat() + "Z") | st.text(max_size=8),
            "body": st.text(max_size=9),
            "severity": st.sampled_from(["", "error"]),
            "attributes": _LABELS,
            "trace_id": st.text(max_size=3),
        }
    ),
    min_size=1,
    max_size=4,
)
_ANSWERS = st.fixed_dictionaries({"series": _SERIES}, optional={"note": st.text(max_size=5)}) | st.fixed_dictionaries(
    {"records": _RECORDS, "truncated": st.booleans()}
)


@given(_ANSWERS)
def test_a_table_gives_back_the_very_answer_or_is_none(data: Any) -> None:
    made = parquet_of(data, {})
    if made is not None:
        assert content_digest(answer_of(made[0])) == content_digest(data)


@pytest.mark.parametrize("data", [None, [], {}, {"series": 3}, {"series": [1]}, {"records": [{}]}, {"items": [{}]}])
def test_what_is_no_table_stays_json(data: Any) -> None:
    assert parquet_of(data, {}) is None


def test_ordinary_series_and_logs_are_tables() -> None:
    for item in evidence(30)[:2]:
        assert parquet_of(item.data, {}) is not None


def test_evidence_of_one_run_is_written_once_however_often_it_is_asked(tmp_path: Path) -> None:
    keeper = FolderKeeper(tmp_path / "staging")
    item = Evidence.record(
        tool="a.b",
        arguments={},
        query="q",
        window=WINDOW,
        data=[1],
        truncated=False,
        error=None,
        collected_at=END,
        duration_ms=1,
    )
    keeper.evidence(item)
    keeper.evidence(item.model_copy(update={"duration_ms": 99.0}))
    (path,) = (tmp_path / "staging").iterdir()
    assert json.loads(path.read_text())["evidence"]["duration_ms"] == 1
