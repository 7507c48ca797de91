"""What happened, as it is entered in the ledger: events in one chain, each carrying the digest of the one before."""

from __future__ import annotations

from typing import Literal

from autodevops.domain.base import Json, Noun, UtcDatetime
from autodevops.kernel.ids import content_digest

EventKind = Literal[
    "tool_call", "decision", "approval", "action", "run", "slot", "incident", "settings", "login", "lease"
]

GENESIS = "sha256:" + 64 * "0"  # what the first event follows


class NewEvent(Noun):
    """An event before it has its place in the chain."""

    at: UtcDatetime
    kind: EventKind
    what: str  # past participle or state, e.g. "started", "granted", "succeeded"
    actor: str  # who: "scarlet", a person's name, "jamie"
    subject: str = ""  # what it is about, as a person would look it up: a run id, a tool, an object's reference
    data: dict[str, Json] = {}


class LedgerEvent(NewEvent):
    """An event in its place. `digest` covers everything else in it, `previous` included."""

    seq: int  # from 1, without gaps
    previous: str
    digest: str

    @classmethod
    def following(cls, seq: int, previous: str, event: NewEvent) -> LedgerEvent:
        """The event `event` becomes after the one numbered `seq - 1` with digest `previous`."""
        fields = event.model_dump(mode="json")
        digest = content_digest({**fields, "seq": seq, "previous": previous})
        return cls.model_validate({**fields, "seq": seq, "previous": previous, "digest": digest})

    def holds(self) -> bool:
        """Whether the digest is that of what is written."""
        return content_digest(self.model_dump(mode="json", exclude={"digest"})) == self.digest


class Entry(Noun):
    """Present state folded from events: an approval, a run, a slot, an incident, a lease.

    `version` starts at 1 and grows by one with each change; `seq` is the event that made this version.
    """

    kind: str
    key: str
    version: int
    seq: int
    value: dict[str, Json]
