"""The ledger as everybody else sees it: append, read, and change state by compare-and-set.

Any number of processes may hold the same ledger. Calls block for a few milliseconds at most on a quiet machine; they
may be made from any thread.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Protocol, TypeVar

from autodevops.domain.base import Json, Noun
from autodevops.domain.ledger import Entry, EventKind, LedgerEvent, NewEvent, check_spelling
from autodevops.kernel.errors import LedgerConflict

_TRIES = 20  # of a change that others make at the same time
Value = TypeVar("Value", bound=Noun)


class Ledger(Protocol):
    def append(self, *events: NewEvent) -> tuple[LedgerEvent, ...]:
        """Enter all of them, in order and in one transaction; durable when this returns."""
        ...

    def change(
        self, kind: str, key: str, value: Mapping[str, Json], *, expected: int, event: NewEvent
    ) -> tuple[Entry, LedgerEvent]:
        """Set one entry of the state and enter `event`, both or neither.

        `expected` is the version the caller saw, 0 for an entry that must not exist yet. Raises LedgerConflict when
        the entry has another version, and ValueError when `value` is not plain JSON.
        """
        ...

    def entry(self, kind: str, key: str) -> Entry | None: ...

    def entries(self, kind: str, *, after: int = 0, without: str = "") -> tuple[Entry, ...]:
        """All of a kind, by key; of those last changed by an event with a number above `after`.

        `without` is a field of the value that is left out: what is large and not asked for is not read.
        """
        ...

    def events(
        self, *, after: int = 0, kind: EventKind | None = None, actor: str = "", subject: str = ""
    ) -> Iterator[LedgerEvent]:
        """Events with a number above `after`, oldest first; of one kind, actor or subject when given.

        Those that are there when the first is asked for; what is entered meanwhile is not among them.
        """
        ...

    def head(self) -> tuple[int, str]:
        """Number and digest of the newest event; `(0, GENESIS)` when there is none."""
        ...

    def close(self) -> None: ...


def revise(ledger: Ledger, kind: str, key: str, change: Callable[[Entry | None], Value], event: NewEvent) -> Value:
    """Change an entry that others may be changing: `change` gives its value from the entry as it is, if there is one.

    Raises what `change` raises, and LedgerConflict when others are quicker all the time.
    """
    for _ in range(_TRIES):
        entry = ledger.entry(kind, key)
        value = change(entry)
        try:
            ledger.change(kind, key, value.model_dump(mode="json"), expected=entry.version if entry else 0, event=event)
        except LedgerConflict:
            continue
        return value
    raise LedgerConflict(f"The {kind} {key} is being changed by many at once.", "Try again.")


def changed(kind: str, key: str, value: Mapping[str, Json], version: int, seq: int) -> Entry:
    """The entry that follows version `version`. Raises ValueError when it cannot be spelled."""
    check_spelling([kind, key, dict(value)])
    return Entry(kind=kind, key=key, version=version + 1, seq=seq, value=dict(value))


def conflict(kind: str, key: str, expected: int, present: Entry | None) -> LedgerConflict:
    version = present.version if present else 0
    return LedgerConflict(
        f"The {kind} {key} has version {version}, not {expected}: somebody changed it meanwhile.",
        "Look at it again and decide anew.",
    )
