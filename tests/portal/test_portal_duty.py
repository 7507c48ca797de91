"""What the overview tells from the ledger alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from autodevops.domain.incident import Detection, Incident
from autodevops.domain.window import TimeWindow
from autodevops.portal.duty import INCIDENTS, incidents
from autodevops.stores.incidents import open_incident, resolve_incident
from autodevops.stores.ledger_twin import MemoryLedger

AT = datetime(2026, 11, 24, 4, tzinfo=UTC)


def test_open_incidents_come_first_then_the_newest_and_the_rest_is_counted() -> None:
    ledger = MemoryLedger()
    assert incidents(ledger, AT).items == ()
    for number in range(INCIDENTS + 2):
        incident = Incident(
            id=f"inc-{number:02}",
            title=f"Checkouts fail, {number}",
            namespace="shop",
            window=TimeWindow.ending(AT, timedelta(hours=1)),
            severity="major",
            opened_at=AT,
            detection=Detection(at=AT - timedelta(minutes=10), by="person"),
        )
        open_incident(ledger, incident, actor="alice")
        if number != 1:
            resolve_incident(ledger, incident.id, "rolled back", at=AT, now=AT, actor="alice")
    section = incidents(ledger, AT)
    first, second, *_ = section.items
    assert (first.id, first.state, first.namespace) == ("inc-01", "open", "shop")
    assert first.since == AT - timedelta(minutes=10)
    assert (second.id, second.state) == (f"inc-{INCIDENTS + 1:02}", "resolved")
    assert (len(section.items), section.more) == (INCIDENTS, 2)
