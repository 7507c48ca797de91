"""Operations in the ledger's state: read, and moved on by compare-and-set, one event a step.

What is read is believed only when the newest event about it says so: an entry that somebody wrote beside the ledger's
own way in is refused, whatever it grants.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from autodevops.domain.action import practice_of
from autodevops.domain.base import Json
from autodevops.domain.ledger import Entry, EventKind, NewEvent
from autodevops.domain.operation import Admission, Book, Operation
from autodevops.domain.stage import Stage
from autodevops.kernel.errors import LedgerConflict, LedgerDamaged, UsageError
from autodevops.stores.ledger import Ledger

KIND = "operation"
BOOK = "book"  # kind and key of the one entry that has the admissions


@dataclass(frozen=True)
class Held:
    """An operation at the version it was read; moving it on from there works once."""

    operation: Operation
    version: int


def load(ledger: Ledger, operation_id: str) -> Held:
    """Raises UsageError when there is none, LedgerDamaged when it is not what was entered."""
    entry = ledger.entry(KIND, operation_id)
    if entry is None:
        raise UsageError(f"There is no operation {operation_id}.", "`autodevops act log` lists them.")
    return _held(ledger, entry)


def load_all(ledger: Ledger) -> list[Operation]:
    """Oldest first, as they are written: for looking at. What is acted on is loaded by its id."""
    return [_read(entry).operation for entry in ledger.entries(KIND)]


def of_incident(ledger: Ledger, incident_id: str) -> tuple[Operation, ...]:
    """Those proposed for it, oldest first."""
    entries = ledger.entries(KIND)
    return tuple(_read(one).operation for one in entries if _incident_of(one.value) == incident_id)


def unfinished(ledger: Ledger) -> list[Operation]:
    return [_read(entry).operation for entry in ledger.entries(KIND) if entry.value.get("stage") != "closed"]


def begin(ledger: Ledger, operation: Operation) -> Held:
    proposal = operation.proposal
    data: dict[str, Json] = {"proposal": proposal.model_dump(mode="json")}
    event = _event(operation, operation.proposed_at, "action", "proposed", proposal.asked_by, data)
    entry, _ = ledger.change(KIND, operation.id, operation.model_dump(mode="json"), expected=0, event=event)
    return Held(operation, entry.version)


def move(
    ledger: Ledger,
    held: Held,
    what: str,
    *,
    now: datetime,
    actor: str,
    kind: EventKind = "action",
    stage: Stage | None = None,
    data: Mapping[str, Json] | None = None,
    **changes: Any,
) -> Held:
    """Enter one step. Raises LedgerConflict when somebody moved it meanwhile."""
    changes |= {"changed_at": now} | ({"stage": stage} if stage else {})
    operation = held.operation.model_copy(update=changes)
    event = _event(operation, now, kind, what, actor, dict(data or {}))
    value = operation.model_dump(mode="json")
    entry, _ = ledger.change(KIND, operation.id, value, expected=held.version, event=event)
    return Held(operation, entry.version)


def note(
    ledger: Ledger, operation: Operation, kind: EventKind, what: str, *, now: datetime, actor: str, words: str
) -> None:
    """Enter something that changes nothing, such as a refused answer."""
    ledger.append(_event(operation, now, kind, what, actor, {"words": words}))


def read_book(ledger: Ledger) -> tuple[Book, int]:
    entry = ledger.entry(BOOK, BOOK)
    if entry is None:
        return Book(), 0
    if not is_entered(ledger, entry):
        raise _tampered("The book of admissions")
    return Book.model_validate(entry.value), entry.version


def change_book(
    ledger: Ledger, change: Callable[[Book], Book], operation: Operation, what: str, *, now: datetime, actor: str
) -> None:
    """`change` may raise to change nothing; it is asked again when somebody was quicker."""
    while True:
        book, version = read_book(ledger)
        value = change(book).model_dump(mode="json")
        event = _event(operation, now, "action", what, actor, {})
        try:
            ledger.change(BOOK, BOOK, value, expected=version, event=event)
            return
        except LedgerConflict:
            continue


def admission_of(operation: Operation, now: datetime) -> Admission:
    plan = operation.plan
    assert plan is not None
    return Admission(
        operation=operation.id,
        action=plan.action.kind,
        subject=plan.subject,
        namespaces=plan.blast.namespaces,
        workloads=plan.blast.workloads,
        nodes=plan.blast.nodes,
        incident=operation.proposal.incident,
        at=now,
    )


def _incident_of(written: Mapping[str, Any]) -> str:
    return str(written.get("proposal", {}).get("incident", ""))


def _held(ledger: Ledger, entry: Entry) -> Held:
    if not is_entered(ledger, entry):
        raise _tampered(f"The operation {entry.key}")
    return _read(entry)


def _read(entry: Entry) -> Held:
    try:
        return Held(Operation.model_validate(entry.value), entry.version)
    except ValueError as error:
        raise LedgerDamaged(
            f"The operation {entry.key} in the ledger cannot be read: {error}.", "`autodevops audit verify` says more."
        ) from error


def is_entered(ledger: Ledger, entry: Entry) -> bool:
    """Whether it came into the state by the ledger's own way in."""
    event = next(ledger.events(after=entry.seq - 1), None)
    return event is not None and event.seq == entry.seq and event.entry == entry.mark and event.holds()


def _tampered(what: str) -> LedgerDamaged:
    return LedgerDamaged(
        f"{what} is not what was entered in the ledger: somebody wrote it by other means.",
        "Nothing is done on its account. `autodevops audit verify` says what else is wrong.",
    )


def _event(
    operation: Operation, now: datetime, kind: EventKind, what: str, actor: str, data: dict[str, Json]
) -> NewEvent:
    action = operation.proposal.action
    known: dict[str, Json] = {"action": action.kind, "on": str(action.subject), "signature": operation.signature}
    if (practice := practice_of(action)) != action.kind:
        known["practice"] = practice
    return NewEvent(at=now, kind=kind, what=what, actor=actor, subject=operation.id, data={**known, **data})
