"""Made histories: incidents and operations as the ledger has them, without anybody who lived them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from autodevops.domain.action import RestartWorkload
from autodevops.domain.decision import Decision
from autodevops.domain.incident import Cause, Detection, Incident, IncidentNote
from autodevops.domain.operation import Operation, Proposal
from autodevops.domain.outcome import Outcome, Result
from autodevops.domain.signal import Signal
from autodevops.domain.subject import Subject
from autodevops.domain.window import TimeWindow
from autodevops.executor import operations
from autodevops.stores import incidents
from autodevops.stores.ledger import Ledger
from autodevops.stores.ledger_twin import MemoryLedger

START = datetime(2026, 10, 5, tzinfo=UTC)  # a Monday
HOUR = timedelta(hours=1)


class History:
    """Entries are made in the order of the calls; hours are since `START`."""

    def __init__(self, ledger: Ledger | None = None) -> None:
        self.ledger = ledger or MemoryLedger()
        self._made = 0

    def incident(
        self,
        hour: float,
        *,
        reason: str = "OOMKilled",
        name: str = "cart",
        namespace: str = "shop",
        began: float = 0.05,
        lasted: float | None = 0.5,
        by: str = "alert: HighErrorRate",
        actor: str = "scarlet",
        noted_by: str = "",
        **more: Any,
    ) -> Incident:
        """`began`, `lasted`: hours before and after it was detected."""
        at = START + hour * HOUR
        subject = Subject(kind="Deployment", name=name, namespace=namespace, api_version="apps/v1")
        signal = Signal(
            key=f"alert/{name}",
            source="alert",
            name="HighErrorRate",
            namespace=namespace,
            subject=subject,
            severity="major",
            words="It fails.",
            since=at - began * HOUR,
        )
        made = Incident(
            id=self._id("inc", at),
            title=f"{name} fails",
            namespace=namespace,
            window=TimeWindow.ending(at, HOUR),
            severity="major",
            opened_at=at,
            detection=Detection(at=at, by=by),
            timeline=(IncidentNote(at=at, by=noted_by, text="I am on it."),) if noted_by else (),
            **{
                "cause": Cause(reason=reason, subject=subject, confidence=0.9) if reason else None,
                "signals": (signal,) if actor == "scarlet" else (),
                "phase": "analyzing" if actor == "scarlet" else None,
                **more,
            },
        )
        incidents.open_incident(self.ledger, made, actor=actor)
        if lasted is None:
            return made
        over = at + lasted * HOUR
        return incidents.resolve_incident(self.ledger, made.id, "It is over.", at=over, now=over, actor=actor)

    def operation(
        self,
        hour: float,
        result: Result = "verified",
        *,
        reason: str = "OOMKilled",
        confidence: float | None = 0.9,
        incident: str = "",
        asked_by: str = "scarlet",
        **more: Any,
    ) -> Operation:
        at = START + hour * HOUR
        action = RestartWorkload(workload="Deployment", namespace="shop", name="cart")
        proposal = Proposal(
            action=action,
            asked_by=asked_by,
            by_person=asked_by != "scarlet",
            confidence=confidence,
            reason=reason,
            incident=incident,
        )
        operation = Operation(id=self._id("op", at), proposal=proposal, proposed_at=at, changed_at=at, **more)
        held = operations.begin(self.ledger, operation)
        outcome = Outcome(result=result, words="Done.", at=at)
        decision = Decision(
            verdict="act", confidence=confidence, band="high", risk="low", cell="act", factors=(), decided_at=at
        )
        closed = operations.move(
            self.ledger,
            held,
            "closed",
            now=at,
            actor="scarlet",
            stage="closed",
            decision=decision,
            outcome=outcome,
            data={"result": result},
        )
        return closed.operation

    def outcomes(self, marks: str) -> list[str]:
        """`+` helped, `-` was undone; ids, one an hour."""
        return [self.operation(hour, "verified" if mark == "+" else "undone").id for hour, mark in enumerate(marks)]

    def _id(self, kind: str, at: datetime) -> str:
        self._made += 1
        return f"{kind}-{at:%Y%m%dT%H%M%S}-{self._made:04}"
