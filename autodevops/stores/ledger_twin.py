"""The ledger of one process that keeps nothing: for tests, and for those who want no file."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping

from autodevops.domain.base import Json
from autodevops.domain.ledger import GENESIS, Entry, EntryMark, EventKind, LedgerEvent, NewEvent
from autodevops.stores.ledger import changed, conflict


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
            if (present.version if present else 0) != expected:
                raise conflict(kind, key, expected, present)
            entry = changed(kind, key, value, expected, self.head()[0] + 1)
            entered = self._enter(event, entry.mark)
            self._state[kind, key] = entry
            return entry, entered

    def entry(self, kind: str, key: str) -> Entry | None:
        return self._state.get((kind, key))

    def entries(self, kind: str, *, after: int = 0, without: str = "") -> tuple[Entry, ...]:
        with self._lock:
            found = tuple(self._state[place] for place in sorted(self._state) if place[0] == kind)
        return tuple(_less(entry, without) for entry in found if entry.seq > after)

    def events(
        self, *, after: int = 0, kind: EventKind | None = None, actor: str = "", subject: str = ""
    ) -> Iterator[LedgerEvent]:
        with self._lock:
            entered = self._events[max(after, 0) :]
        for event in entered:
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

    def _enter(self, event: NewEvent, entry: EntryMark | None = None) -> LedgerEvent:
        seq, previous = self.head()
        entered = LedgerEvent.following(seq + 1, previous, event, entry)
        self._events.append(entered)
        return entered


def _less(entry: Entry, without: str) -> Entry:
    if not without:
        return entry
    return entry.model_copy(update={"value": {name: one for name, one in entry.value.items() if name != without}})
