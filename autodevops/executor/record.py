"""What came of earlier actions, folded from the ledger: by signature for confidence, by practice for permissions.

The fold is kept as an entry of the ledger's state now and then, with the number of the event it goes up to: what a
decision costs follows from what happened since, not from the ledger's age. An entry that was written by other means is
not believed, and everything is folded anew.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from typing import Literal, cast

from autodevops.domain.base import Json, Noun
from autodevops.domain.ledger import LedgerEvent, NewEvent
from autodevops.domain.outcome import Result
from autodevops.executor.operations import is_entered
from autodevops.kernel.errors import LedgerConflict
from autodevops.policy.drift import forgiven
from autodevops.policy.experience import Experience, with_result
from autodevops.stores.ledger import Ledger

KIND = "record"  # and key
KEEP_EVERY = 500  # events that are folded again at most, at some tens of microseconds each
FORGOTTEN = "forgotten"  # what the event is called


class Record(Noun):
    """By what an operation was for, and by what it was practice in; whoever asked for it. `upto`: the last event."""

    upto: int = 0
    by_signature: dict[str, Experience] = {}
    by_practice: dict[str, Experience] = {}

    def of_signature(self, signature: str) -> Experience:
        return self.by_signature.get(signature, Experience())

    def of_practice(self, practice: str) -> Experience:
        return self.by_practice.get(practice, Experience())


def read_record(ledger: Ledger) -> Record:
    kept, _ = _kept(ledger)
    return folded(kept, ledger.events(after=kept.upto, kind="action"))


def keep_record(ledger: Ledger, record: Record, *, now: datetime, actor: str) -> None:
    """Keep it when much was folded since it was kept last. That somebody else has is as good."""
    kept, version = _kept(ledger)
    if record.upto - kept.upto < KEEP_EVERY:
        return
    event = NewEvent(at=now, kind="action", what="record kept", actor=actor, subject=KIND, data={"upto": record.upto})
    with suppress(LedgerConflict):
        ledger.change(KIND, KIND, record.model_dump(mode="json"), expected=version, event=event)


def folded(record: Record, events: Iterable[LedgerEvent]) -> Record:
    signatures, practices, upto = dict(record.by_signature), dict(record.by_practice), record.upto
    for event in events:
        upto = event.seq
        if event.what == FORGOTTEN:
            known = signatures if event.data.get("by") == "signature" else practices
            _forget(known, str(event.data.get("name")), drift_only=event.data.get("what") == "drift")
        if event.what != "closed":
            continue
        result, data = cast(Result, event.data.get("result")), event.data
        for known, name in ((signatures, "signature"), (practices, "practice" if "practice" in data else "action")):
            key = str(data.get(name))
            known[key] = with_result(known.get(key, Experience()), result)
    return Record(upto=upto, by_signature=signatures, by_practice=practices)


def _kept(ledger: Ledger) -> tuple[Record, int]:
    entry = ledger.entry(KIND, KIND)
    if entry is None:
        return Record(), 0
    return Record.model_validate(entry.value) if is_entered(ledger, entry) else Record(), entry.version


def enter_forgotten(
    ledger: Ledger,
    name: str,
    *,
    by: Literal["signature", "kind"],
    what: Literal["drift", "outcomes"],
    why: str,
    now: datetime,
    actor: str,
) -> None:
    """What was learned of it until now counts no more: all outcomes, or only that its success rate has fallen."""
    data: dict[str, Json] = {"name": name, "by": by, "what": what, "why": why}
    ledger.append(NewEvent(at=now, kind="action", what=FORGOTTEN, actor=actor, subject=name, data=data))


def _forget(known: dict[str, Experience], name: str, *, drift_only: bool) -> None:
    if drift_only and name in known:
        known[name] = known[name].model_copy(update={"drift": forgiven(known[name].drift)})
    else:
        known.pop(name, None)
