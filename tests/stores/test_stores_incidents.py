"""Incidents in the ledger: what is noted by many at once is all there, and what is wrong changes nothing."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from autodevops.domain.incident import Detection, Incident
from autodevops.domain.window import TimeWindow
from autodevops.kernel.errors import LedgerConflict, UsageError
from autodevops.stores.incidents import all_incidents, find_incident, note_incident, open_incident, resolve_incident
from autodevops.stores.ledger_twin import MemoryLedger

NOON = datetime(2026, 3, 9, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def incident(name: str = "inc-1", **more: Any) -> Incident:
    fields: dict[str, Any] = {
        "id": name,
        "title": "Checkouts fail",
        "namespace": "shop",
        "window": TimeWindow.ending(NOON, HOUR),
        "severity": "major",
        "opened_at": NOON,
        "detection": Detection(at=NOON - timedelta(minutes=10), by="alert: HighErrorRate"),
    }
    return Incident.model_validate({**fields, **more})


def test_what_several_note_at_once_is_all_kept_and_each_is_an_event() -> None:
    ledger = MemoryLedger()
    open_incident(ledger, incident(), actor="alice")
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda n: note_incident(ledger, "inc-1", f"line {n}", now=NOON, actor="bob"), range(12)))
    found = find_incident(ledger, "inc-1")
    assert {line.text for line in found.timeline} == {f"line {n}" for n in range(12)}
    assert [event.what for event in ledger.events(kind="incident")] == ["opened", *["noted"] * 12]


def test_an_incident_is_opened_once_and_resolved_not_before_it_was_detected() -> None:
    ledger = MemoryLedger()
    open_incident(ledger, incident(), actor="alice")
    with pytest.raises(LedgerConflict):
        open_incident(ledger, incident(title="another"), actor="bob")
    with pytest.raises(UsageError, match="cannot be over"):
        resolve_incident(ledger, "inc-1", "gone", at=NOON - HOUR, now=NOON, actor="alice")
    assert find_incident(ledger, "inc-1").state == "open"
    assert resolve_incident(ledger, "inc-1", "rolled back", at=NOON, now=NOON, actor="alice").state == "resolved"
    assert find_incident(ledger, "last").title == "Checkouts fail"


@pytest.mark.parametrize("name", ["", "inc", "inc-3", "2x"])
def test_a_name_that_is_not_one_incident_is_said(name: str) -> None:
    ledger = MemoryLedger()
    for one in ("inc-1", "inc-2"):
        open_incident(ledger, incident(one), actor="alice")
    assert [one.id for one in all_incidents(ledger)] == ["inc-1", "inc-2"]
    with pytest.raises(UsageError, match=r"incident list|There is no"):
        find_incident(ledger, name)
