"""The ledger of one process that keeps nothing: for tests, and for those who want no file."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping

from autodevops.domain.base import Json
from autodevops.domain.ledger import GENESIS, Entry, EventKind, LedgerEvent, NewEvent
from autodevops.kernel.errors import LedgerConflict


class MemoryLedger:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._events: list[LedgerEvent] = []
        self._state: dict[tuple[str, str], Entry] = {}

    def append(self, *events: NewEvent) -> tuple[LedgerEvent, ...]:
        with self._lock:
            return tuple(self._enter(event) for event in events)

    def change(
        self, kind: str, key: str, value: Mapping[str, Json], *, expected: int, event: NewEvent
    ) -> tuple[Entry, LedgerEvent]:
        with self._lock:
            present = self._state.get((kind, key))
            version = present.version if present else 0
            if version != expected:
                raise conflict(kind, key, expected, version)
            entered = self._enter(event)
            entry = Entry(kind=kind, key=key, version=version + 1, seq=entered.seq, value=dict(value))
            self._state[kind, key] = entry
            return entry, entered

    def entry(self, kind: str, key: str) -> Entry | None:
        return self._state.get((kind, key))

    def entries(self, kind: str) -> tuple[Entry, ...]:
        with self._lock:
            return tuple(self._state[place] for place in sorted(self._state) if place[0] == kind)

    def events(
        self, *, after: int = 0, kind: EventKind | None = None, actor: str = "", subject: str = ""
    ) -> Iterator[LedgerEvent]:
        for event in self._events[after:]:
            if (
                (kind is None or event.kind == kind)
                and (not actor or event.actor == actor)
                and (not subject or event.subject == subject)
            ):
                yield event

    def head(self) -> tuple[int, str]:
        return (self._events[-1].seq, self._events[-1].digest) if self._events else (0, GENESIS)

    def close(self) -> None:
        return None

    def _enter(self, event: NewEvent) -> LedgerEvent:
        seq, previous = self.head()
        entered = LedgerEvent.following(seq + 1, previous, event)
        self._events.append(entered)
        return entered


def conflict(kind: str, key: str, expected: int, version: int) -> LedgerConflict:
    return LedgerConflict(
        f"The {kind} {key} has version {version}, not {expected}: somebody changed it meanwhile.",
        "Look at it again and decide anew.",
    )
