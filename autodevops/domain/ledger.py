"""What happened, as it is entered in the ledger: events in one chain, each carrying the digest of the one before.

An event that changed the state says which entry it made (`EntryMark`), so the state can be checked against the chain.
"""

from __future__ import annotations

import json
from typing import Any, Final, Literal

from pydantic import field_validator

from autodevops.domain.base import Json, Noun, UtcDatetime
from autodevops.kernel.ids import content_digest

EventKind = Literal[
    "tool_call",
    "decision",
    "approval",
    "action",
    "run",
    "slot",
    "incident",
    "settings",
    "login",
    "lease",
    "turn",
    "feedback",
    "scarlet",
    "learned",
]

SCARLET: Final = "scarlet"  # the actor of what she does
GENESIS = "sha256:" + 64 * "0"  # what the first event follows


class NewEvent(Noun):
    """An event before it has its place in the chain.

    What has more than one spelling, or none, is refused: NaN, infinities, lone surrogates, integers of more digits
    than Python writes.
    """

    at: UtcDatetime
    kind: EventKind
    what: str  # past participle or state, e.g. "started", "granted", "succeeded"
    actor: str  # who: SCARLET, a person's name, "jamie"
    subject: str = ""  # what it is about, as a person would look it up: a run id, a tool, an object's reference
    data: dict[str, Json] = {}

    @field_validator("what", "actor", "subject", "data")
    @classmethod
    def _has_one_spelling(cls, value: Any) -> Any:
        check_spelling(value)
        return value


class EntryMark(Noun):
    """The entry of the state that an event made: which one, its version, and the digest of its value."""

    kind: str
    key: str
    version: int
    digest: str


class LedgerEvent(NewEvent):
    """An event in its place. `digest` covers everything else in it, `previous` included."""

    seq: int  # from 1, without gaps
    entry: EntryMark | None = None
    previous: str
    digest: str

    @staticmethod
    def following(seq: int, previous: str, event: NewEvent, entry: EntryMark | None = None) -> LedgerEvent:
        """The event `event` becomes after the one numbered `seq - 1` with digest `previous`."""
        fields = {name: getattr(event, name) for name in NewEvent.model_fields}
        placed = LedgerEvent.model_construct(**fields, seq=seq, entry=entry, previous=previous, digest="")
        return placed.model_copy(update={"digest": placed.right_digest()})

    def right_digest(self) -> str:
        """The digest of what is written."""
        return content_digest(self.model_dump(mode="json", exclude={"digest"}))

    def holds(self) -> bool:
        return self.right_digest() == self.digest


class Entry(Noun):
    """Present state folded from events, such as a lease, or the settings a program last started with.

    `version` starts at 1 and grows by one with each change; `seq` is the event that made this version.
    """

    kind: str
    key: str
    version: int
    seq: int
    value: dict[str, Json]

    @property
    def mark(self) -> EntryMark:
        return EntryMark(kind=self.kind, key=self.key, version=self.version, digest=content_digest(self.value))


def check_spelling(value: Any) -> None:
    """Raises ValueError when `value` is not JSON that reads back as it was written."""
    try:
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except UnicodeEncodeError as error:
        raise ValueError(
            f"{error.object[error.start : error.end]!a} is half a character (a lone surrogate); replace it"
        ) from error
    except (TypeError, RecursionError) as error:
        raise ValueError(f"it is not plain JSON: {error}") from error
