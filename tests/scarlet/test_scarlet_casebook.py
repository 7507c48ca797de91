"""What matters to Scarlet is told from her own incidents and other people's, and read anew only where it changed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from autodevops.domain.incident import Detection, Incident, Resolution
from autodevops.domain.ledger import Entry
from autodevops.domain.window import TimeWindow
from autodevops.scarlet.response import cases
from autodevops.stores.incidents import all_incidents, change_incident, open_incident
from autodevops.stores.ledger_twin import MemoryLedger

NOON = datetime(2026, 3, 9, 12, 0, tzinfo=UTC)
PHASES = [None, "analyzing", "acting", "closed"]


class Reads(MemoryLedger):
    """Counts the entries that were read."""

    read = 0

    def entries(self, kind: str, *, after: int = 0, without: str = "") -> tuple[Entry, ...]:
        found = super().entries(kind, after=after, without=without)
        self.read += len(found)
        return found


def put(ledger: MemoryLedger, name: int, phase: str | None, minutes: int, *, new: bool) -> None:
    over = Resolution(at=NOON + timedelta(minutes=minutes), words="quiet") if phase == "closed" else None
    update: dict[str, Any] = {"phase": phase, "resolution": over}
    key = f"inc-{name}"
    if not new:
        change_incident(ledger, key, "noted", lambda was: was.model_copy(update=update), now=NOON, actor="scarlet")
        return
    detection = Detection(at=NOON, by="alert: HighErrorRate")
    window = TimeWindow.ending(NOON, timedelta(hours=1))
    incident = Incident(
        id=key, title="Checkouts fail", namespace="shop", window=window, severity="major", opened_at=NOON,
        detection=detection, **update,
    )  # fmt: skip
    open_incident(ledger, incident, actor="scarlet")


@given(st.lists(st.tuples(st.integers(1, 5), st.sampled_from(PHASES), st.integers(0, 60)), max_size=12))
def test_a_casebook_knows_what_the_ledger_says_and_reads_no_more_than_what_changed(
    steps: list[tuple[int, str | None, int]],
) -> None:
    ledger, names = Reads(), set[int]()
    book = cases.Casebook(ledger)
    for minute, (name, phase, over) in enumerate(steps):
        put(ledger, name, phase, over, new=name not in names)
        names.add(name)
        since = NOON + timedelta(minutes=minute * 5)
        ledger.read = 0
        going_on, closed = book.read(since)
        assert ledger.read <= 1
        hers = [one for one in all_incidents(ledger) if one.phase]
        assert going_on == [one for one in hers if one.phase != "closed"]
        assert closed == [
            one for one in hers if one.phase == "closed" and one.resolution and one.resolution.at >= since
        ]
