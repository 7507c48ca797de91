"""What came of earlier actions, read from the ledger: by signature for confidence, by kind for permissions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, cast

from autodevops.domain.base import Json
from autodevops.domain.ledger import NewEvent
from autodevops.domain.outcome import Result
from autodevops.policy.drift import forgiven
from autodevops.policy.experience import Experience, with_result
from autodevops.stores.ledger import Ledger

FORGOTTEN = "forgotten"  # what the event is called


@dataclass(frozen=True)
class Record:
    """By what an operation was for, and by what kind of action it was; whoever asked for it."""

    by_signature: dict[str, Experience]
    by_kind: dict[str, Experience]

    def of_signature(self, signature: str) -> Experience:
        return self.by_signature.get(signature, Experience())

    def of_kind(self, kind: str) -> Experience:
        return self.by_kind.get(kind, Experience())


def read_record(ledger: Ledger) -> Record:
    signatures: dict[str, Experience] = {}
    kinds: dict[str, Experience] = {}
    for event in ledger.events(kind="action"):
        if event.what == FORGOTTEN:
            known = signatures if event.data.get("by") == "signature" else kinds
            _forget(known, str(event.data.get("name")), drift_only=event.data.get("what") == "drift")
        if event.what != "closed":
            continue
        result = cast(Result, event.data.get("result"))
        for known, name in ((signatures, "signature"), (kinds, "action")):
            key = str(event.data.get(name))
            known[key] = with_result(known.get(key, Experience()), result)
    return Record(by_signature=signatures, by_kind=kinds)


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
