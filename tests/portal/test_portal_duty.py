"""What the overview tells from the ledger alone: its list of incidents, and one incident as a page."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from executor.lamps import START, House
from widgets.recorded_turn import INVESTIGATION

from autodevops.domain.incident import Detection, Incident, incident_of
from autodevops.domain.window import TimeWindow
from autodevops.jamie.selection import read_selection
from autodevops.kernel.errors import UsageError
from autodevops.portal.duty import INCIDENTS, incidents
from autodevops.portal.incident import incident_page
from autodevops.stores.incidents import note_incident, open_incident, resolve_incident
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


def test_a_page_has_causes_timeline_and_decisions_of_its_incident_alone(tmp_path: Path) -> None:
    house = House(tmp_path)
    ours = asyncio.run(house.executor.propose(house.ask(incident="inc-1", why="it fails")))
    house.executor.answer(ours.id, granted=False, digest=ours.plan.digest if ours.plan else "", by="bob", where="test")
    asyncio.run(house.executor.propose(house.ask("another")))
    opened = incident_of(INVESTIGATION, incident_id="inc-1", now=START, severity="critical", title="", run="run-1")
    open_incident(house.ledger, opened, actor="alice")
    note_incident(house.ledger, "inc-1", "called the bank", now=START, actor="carol")

    page = incident_page(house.ledger, "inc-1", START)
    assert page.title == INVESTIGATION.hypotheses[0].summary
    assert [cause.confidence for cause in page.causes] == [each.confidence for each in INVESTIGATION.hypotheses]
    assert [(one.id, one.verdict, one.result) for one in page.decisions] == [(ours.id, "seek_approval", "not_applied")]
    lines = {line.text: line.kind for line in page.timeline}
    assert lines["called the bank (carol)"] == "note"
    assert {"change", "onset", "decision", "action"} <= set(lines.values())
    assert any(text.startswith("bob said no to restart workload of") for text in lines)
    assert [line.at for line in page.timeline] == sorted(line.at for line in page.timeline)
    assert page.runs == ("run-1",)
    assert dict(page.facts)["Open for"] == "0 s"

    taken = read_selection(page.told, START)  # what Jamie makes of it when a question takes it along
    suspect = INVESTIGATION.hypotheses[0].subject
    assert taken.most_named([suspect.name, "bank"]) == suspect.name
    assert taken.window is not None
    assert taken.window.start <= INVESTIGATION.window.start

    resolve_incident(house.ledger, "inc-1", "rolled back", at=START, now=START, actor="alice")
    assert "Resolved. rolled back" in [line.text for line in incident_page(house.ledger, "last", START).timeline]
    with pytest.raises(UsageError, match="There is no incident 'x'"):
        incident_page(house.ledger, "x", START)
