"""Incidents and operations as figures need them: when, by whom, how it ended. Read from the ledger, carried on.

Entries of the state are large (an incident has its investigation), so that only those are read again that events since
the last reading speak of.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from autodevops.domain.incident import Incident
from autodevops.domain.ledger import SCARLET, Entry, EventKind
from autodevops.domain.operation import Operation
from autodevops.domain.outcome import Result
from autodevops.stores.ledger import Ledger

_KINDS: tuple[EventKind, ...] = ("incident", "scarlet", "action", "decision", "approval")


@dataclass(frozen=True)
class Case:
    """`began`: its first signal that is no prediction; None: she has none. `by_hand`: a person ended it or spoke up."""

    id: str
    namespace: str
    noticed: bool  # by Scarlet
    at: datetime  # it was detected
    began: datetime | None
    over: datetime | None
    escalated: bool
    by_hand: bool


@dataclass(frozen=True)
class Deed:
    """`by_hand`: a person asked for it or said yes. `confidence`: that of the decision. `touches`: something that runs,
    unlike a silence, an issue or a comment, which end no incident."""

    kind: str
    at: datetime  # it was closed
    result: Result
    confidence: float | None
    by_hand: bool
    touches: bool
    incident: str


@dataclass
class Cases:
    read_to: int = 0
    first_heard: datetime | None = None  # of Scarlet's watch
    cases: dict[str, Case] = field(default_factory=dict)
    deeds: dict[str, Deed] = field(default_factory=dict)
    unreadable: int = 0
    _said: dict[str, set[tuple[str, str]]] = field(default_factory=dict)  # by incident: what, and by whom

    def read(self, ledger: Ledger) -> None:
        """Carry on to the newest event."""
        end, incidents, operations = ledger.head()[0], set(), set()
        for event in (one for kind in _KINDS for one in ledger.events(after=self.read_to, kind=kind) if one.seq <= end):
            if event.kind == "incident":
                incidents.add(event.subject)
                self._said.setdefault(event.subject, set()).add((event.what, event.actor))
            elif event.entry is not None and event.entry.kind == "operation":
                operations.add(event.subject)
            if event.actor == SCARLET and event.kind in ("incident", "scarlet"):
                self.first_heard = min(event.at, self.first_heard or event.at)
        self.read_to = end
        for key in incidents:
            self._take(ledger.entry("incident", key), key, self._case)
        for key in operations:
            self._take(ledger.entry("operation", key), key, self._deed)

    def _take(self, entry: Entry | None, key: str, take: Callable[[str, Mapping[str, Any]], None]) -> None:
        if entry is not None:
            try:
                take(key, entry.value)
            except ValueError:
                self.unreadable += 1

    def _case(self, key: str, value: Mapping[str, Any]) -> None:
        one = Incident.model_validate({**value, "investigation": None})
        said = self._said.get(key, set())
        ended_by = {actor for what, actor in said if what == "resolved"}
        self.cases[key] = Case(
            id=one.id,
            namespace=one.namespace,
            noticed=one.phase is not None or ("opened", SCARLET) in said,
            at=one.detection.at,
            began=min((signal.since for signal in one.signals if signal.source != "prediction"), default=None),
            over=one.resolution.at if one.resolution else None,
            escalated=one.phase == "escalated" or any(what == "escalated" for what, _ in said),
            by_hand=bool(ended_by - {SCARLET}) or any(note.by != SCARLET for note in one.timeline),
        )

    def _deed(self, key: str, value: Mapping[str, Any]) -> None:
        one = Operation.model_validate(value)
        if one.outcome is None:
            return
        blast = one.plan.blast if one.plan else None
        self.deeds[key] = Deed(
            kind=one.proposal.action.kind,
            at=one.outcome.at,
            result=one.outcome.result,
            confidence=one.decision.confidence if one.decision else None,
            by_hand=one.proposal.by_person or bool(one.approval and one.approval.yeses),
            touches=blast is None or bool(blast.workloads or blast.nodes or blast.pods or blast.unknown),
            incident=one.proposal.incident,
        )
