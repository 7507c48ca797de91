"""What goes, what stays and why."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from runbooks.kept_runs import open_bundle

from autodevops.domain.ledger import NewEvent
from autodevops.domain.run import Run
from autodevops.kernel.ids import bytes_digest
from autodevops.runbooks.bundle import RunRecord
from autodevops.runbooks.retention import Judged, Retention, judge, remove
from autodevops.runbooks.storage import BundleRef, FolderBundles
from autodevops.stores.ledger_twin import MemoryLedger

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
POLICY = Retention(keep_days=30, keep_failed_days=90, keep_incident_days=365, keep_last=0)


def _run(age_days: float = 1000, runbook: str = "probe", **changes: Any) -> tuple[BundleRef, Run]:
    at = NOW - timedelta(days=age_days)
    fields: dict[str, Any] = {
        "id": f"{at:%Y%m%dT%H%M%S}000Z-aaaaaa",
        "runbook": runbook,
        "title": "Probe",
        "trigger": "schedule",
        "requested_by": "",
        "parameters": {},
        "status": "succeeded",
        "started_at": at,
        "finished_at": at,
        "source_digest": "sha256:0",
    }
    run = Run.model_validate({**fields, **changes})
    return BundleRef(run.runbook, run.id), run


def _judged(run: tuple[BundleRef, Run], policy: Retention = POLICY) -> Judged:
    (one,) = judge([run], policy, NOW)
    return one


@pytest.mark.parametrize(
    ("age", "changes", "keep", "why"),
    [
        (29, {}, True, "a run that succeeded is kept for 30 days"),
        (31, {}, False, "a run that succeeded of 31 days ago; kept for 30"),
        (31, {"status": "failed"}, True, "a run that failed is kept for 90 days"),
        (89, {"status": "timed_out"}, True, "a run that timed out is kept for 90 days"),
        (91, {"status": "interrupted"}, False, "a run that was interrupted of 91 days ago"),
        (31, {"status": "stopped_early"}, False, "a run that stopped early of 31 days ago"),
        (91, {"trigger": "alert"}, True, "a run for alert is kept for 365 days"),
        (366, {"trigger": "alert", "status": "failed"}, False, "a run for alert of 366 days ago"),
        (31, {"trigger": "manual"}, False, "31 days ago"),
        (1000, {"status": "running", "finished_at": None}, True, "it is running"),
        (1000, {"finished_at": None, "reconciled_at": NOW, "status": "interrupted"}, True, "was interrupted is kept"),
    ],
)
def test_how_long_a_run_is_kept(age: float, changes: dict[str, Any], keep: bool, why: str) -> None:
    one = _judged(_run(age, **changes))
    assert one.keep is keep
    assert why in one.why


def test_the_last_of_each_runbook_stay_however_old() -> None:
    runs = [_run(100 + age, runbook) for age in range(4) for runbook in ("a", "b")]
    policy = Retention(1, 1, 1, keep_last=2)
    kept = [one.run.runbook for one in judge(runs, policy, NOW) if one.keep]
    assert kept == ["a", "b", "a", "b"]


_AGES = st.floats(0, 2000)
_STATUSES = st.sampled_from(["running", "succeeded", "failed", "stopped_early", "cancelled"])
_RUNS = st.lists(st.tuples(_AGES, _STATUSES, st.sampled_from(["schedule", "alert", "manual"])), max_size=12)
_DAYS = st.floats(0, 1000)


@given(_RUNS, _DAYS, _DAYS, _DAYS, st.integers(0, 3))
def test_running_ones_never_go_and_longer_periods_never_delete_more(
    shapes: list[tuple[float, str, str]], days: float, failed: float, incident: float, last: int
) -> None:
    runs = [
        _run(age, status=status, trigger=trigger, id=f"{place:03d}")
        for place, (age, status, trigger) in enumerate(sorted(shapes))
    ]
    going = {one.ref for one in judge(runs, Retention(days, failed, incident, last), NOW) if not one.keep}
    assert not any(run.status == "running" for ref, run in runs if ref in going)
    longer = Retention(days + 1, failed + 1, incident + 1, last + 1)
    assert {one.ref for one in judge(runs, longer, NOW) if not one.keep} <= going


def _finished(artifacts: Path) -> RunRecord:
    bundle, run = open_bundle(artifacts)
    return bundle.finish(run.model_copy(update={"status": "failed", "reconciled_at": NOW}), None, b"page")


def test_a_deletion_is_in_the_ledger_before_the_bundle_is_gone(tmp_path: Path) -> None:
    record = _finished(tmp_path)
    manifest = bytes_digest((record.folder / "manifest.json").read_bytes())
    there = FolderBundles(tmp_path)
    present: list[bool] = []

    class Watching(MemoryLedger):
        def append(self, *events: NewEvent) -> Any:
            present.append(record.folder.exists())
            return super().append(*events)

    ledger = Watching()
    judged = Judged(BundleRef("probe", record.run.id), record.run, False, "old")
    remove(there, judged, ledger=ledger, actor="ann", clock=lambda: NOW)
    (event,) = ledger.events()
    assert (event.kind, event.what, event.actor, event.subject) == ("run", "deleted", "ann", record.run.id)
    assert event.data == {
        "runbook": "probe",
        "status": "failed",
        "folder": f"probe/{record.run.id}",
        "manifest": manifest,
        "why": "old",
    }
    assert present == [True]
    assert not record.folder.exists()
    assert there.refs() == ()


def test_what_a_crash_left_of_a_deletion_is_swept_away(tmp_path: Path) -> None:
    record = _finished(tmp_path)
    gone = record.folder.with_name(f".{record.run.id}.gone")
    record.folder.rename(gone)
    there = FolderBundles(tmp_path)
    assert there.refs() == ()
    there.sweep()
    assert not gone.exists()
