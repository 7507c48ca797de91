"""The ledger in a folder: `ledger.sqlite` for what is new and for the state, `segments/` for what is closed.

Any number of processes and threads. An object has one connection that writes and one that reads, each behind a lock;
after a fork the child opens its own. Readers hold a read transaction for one page at a time, so that they neither
stop a writer nor keep the write-ahead log from being reused.
"""

from __future__ import annotations

import json
import os
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Self

from autodevops.domain.base import Json
from autodevops.domain.ledger import GENESIS, Entry, EventKind, LedgerEvent, NewEvent
from autodevops.kernel.errors import LedgerDamaged, LedgerUnavailable
from autodevops.kernel.files import sync
from autodevops.kernel.ids import canonical_json
from autodevops.stores.ledger import changed, conflict
from autodevops.stores.ledger_file import NAME, WAIT_SECONDS, FileLock, open_for_reading, open_for_writing, translated
from autodevops.stores.ledger_rows import COLUMNS, Row, from_row, to_row
from autodevops.stores.segments import Segment, all_segments, read_rows, segment_after

if TYPE_CHECKING:
    import pandas as pd

    from autodevops.settings.model import LedgerSettings

PAGE = 1000  # rows: a read transaction of a few milliseconds
_EVENT = ", ".join(COLUMNS)
_STATE = "SELECT kind, key, version, seq, value FROM state"
_STATE_WITHOUT = (
    "SELECT kind, key, version, seq, CASE WHEN json_valid(value) THEN json_remove(value, ?) ELSE value END FROM state"
)
_HEAD = (
    "SELECT seq, digest FROM (SELECT seq, digest FROM events ORDER BY seq DESC LIMIT 1)"
    " UNION ALL SELECT last, digest FROM (SELECT last, digest FROM segments ORDER BY first DESC LIMIT 1)"
    " ORDER BY 1 DESC LIMIT 1"
)


class SqliteLedger:
    """Implements `Ledger`. With `read_only` nothing is made or changed, and a missing ledger is an error."""

    def __init__(self, folder: Path, *, read_only: bool = False) -> None:
        self.folder = folder
        self.read_only = read_only
        self._inherited: list[sqlite3.Connection] = []  # opened before a fork: not ours to use, nor to close
        self._process = os.getpid()
        self._write_lock, self._read_lock = threading.Lock(), threading.Lock()
        self._writer: sqlite3.Connection | None = None
        self._reader: sqlite3.Connection | None = None
        self._file_lock: FileLock | None = None
        if read_only:
            self._reader = open_for_reading(folder)
            return
        path = folder / NAME
        with translated(path):
            if not folder.is_dir():
                folder.mkdir(parents=True, exist_ok=True)  # another process may have made it just now
                sync(folder.parent)
        self._open_writer()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def path(self) -> Path:
        return self.folder / NAME

    @property
    def segments_folder(self) -> Path:
        return self.folder / "segments"

    def append(self, *events: NewEvent) -> tuple[LedgerEvent, ...]:
        if not events:
            return ()
        with self.writing() as connection:
            seq, previous = _head(connection)
            entered = []
            for event in events:
                placed = LedgerEvent.following(seq + 1, previous, event)
                seq, previous = placed.seq, placed.digest
                entered.append(placed)
            _insert(connection, entered)
        return tuple(entered)

    def change(
        self, kind: str, key: str, value: Mapping[str, Json], *, expected: int, event: NewEvent
    ) -> tuple[Entry, LedgerEvent]:
        with self.writing() as connection:
            present = _entry(connection, kind, key)
            if (present.version if present else 0) != expected:
                raise conflict(kind, key, expected, present)
            seq, previous = _head(connection)
            entry = changed(kind, key, value, expected, seq + 1)
            placed = LedgerEvent.following(seq + 1, previous, event, entry.mark)
            _insert(connection, [placed])
            connection.execute(
                "INSERT INTO state (kind, key, version, seq, value) VALUES (?, ?, ?, ?, ?)"
                " ON CONFLICT (kind, key) DO UPDATE SET version = excluded.version, seq = excluded.seq,"
                " value = excluded.value",
                (kind, key, entry.version, entry.seq, canonical_json(entry.value)),
            )
        return entry, placed

    def entry(self, kind: str, key: str) -> Entry | None:
        with self.reading() as connection:
            return _entry(connection, kind, key)

    def entries(self, kind: str, *, after: int = 0, without: str = "") -> tuple[Entry, ...]:
        columns, given = (_STATE_WITHOUT, (f"$.{without}",)) if without else (_STATE, ())
        with self.reading() as connection:
            found = connection.execute(f"{columns} WHERE kind = ? AND seq > ? ORDER BY key", (*given, kind, after))
            rows = found.fetchall()
        return tuple(_read_entry(row) for row in rows)

    def events(
        self, *, after: int = 0, kind: EventKind | None = None, actor: str = "", subject: str = ""
    ) -> Iterator[LedgerEvent]:
        wanted = {"kind": kind or "", "actor": actor, "subject": subject}
        return map(from_row, self.rows(after=after, wanted={name: value for name, value in wanted.items() if value}))

    def rows(self, *, after: int = 0, wanted: Mapping[str, str] | None = None) -> Iterator[Row]:
        """As `events`, but as they are kept: for those who check, copy or query them."""
        wanted = wanted or {}
        where = "".join(f" AND {name} = ?" for name in wanted)
        position, end = after, self.head()[0]
        while position < end:
            with self.reading() as connection:
                segment = segment_after(connection, position)
                page: list[Row] = []
                if segment is None:
                    page = connection.execute(
                        f"SELECT {_EVENT} FROM events WHERE seq > ? AND seq <= ?{where} ORDER BY seq LIMIT {PAGE}",
                        (position, end, *wanted.values()),
                    ).fetchall()
            if segment is not None:
                found = read_rows(self.segments_folder / segment.file, after=position, wanted=wanted)
                yield from (row for row in found if row[0] <= end)
                position = segment.last
                continue
            yield from page
            if len(page) < PAGE:
                return
            position = page[-1][0]

    def head(self) -> tuple[int, str]:
        with self.reading() as connection:
            return _head(connection)

    def segments(self) -> tuple[Segment, ...]:
        with self.reading() as connection:
            return all_segments(connection)

    def sql(self, query: str) -> pd.DataFrame:
        """What DuckDB answers over `events` and `state`; see `autodevops.stores.ledger_query`."""
        from autodevops.stores.ledger_query import sql

        return sql(self, query)

    def close(self) -> None:
        """It may be used again afterwards, and opens anew."""
        self._leave_if_forked()
        with self._write_lock, self._read_lock:
            if self._reader is not None:
                self._reader.close()
            if self._file_lock is not None:
                try:
                    if self._writer is not None:
                        self._file_lock.take(WAIT_SECONDS)  # the last one to close writes the log back into the file
                        self._writer.close()
                finally:
                    self._file_lock.close()
            self._reader = self._writer = self._file_lock = None

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction, alone among all processes; durable when the block is left, undone when it raises."""
        self._leave_if_forked()
        with self._write_lock, translated(self.path):
            connection, lock = self._open_writer(), self._file_lock
            assert lock is not None
            lock.take(WAIT_SECONDS)
            try:
                connection.execute("BEGIN IMMEDIATE")
                try:
                    yield connection
                    connection.execute("COMMIT")
                except BaseException:
                    with suppress(sqlite3.Error):
                        connection.execute("ROLLBACK")
                    raise
            finally:
                lock.release()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """One read transaction: everything read in the block is of the same moment. Keep it short."""
        self._leave_if_forked()
        with self._read_lock, translated(self.path):
            if self._reader is None:
                self._reader = open_for_reading(self.folder)
            self._reader.execute("BEGIN")
            try:
                yield self._reader
            finally:
                self._reader.execute("COMMIT")

    def _open_writer(self) -> sqlite3.Connection:
        if self.read_only:
            raise LedgerUnavailable(
                f"The ledger {self.path} is open for reading only.", "Open it for writing, or leave it as it is."
            )
        if self._file_lock is None:
            with translated(self.path):
                self._file_lock = FileLock(self.folder / "ledger.lock")
        if self._writer is None:
            self._writer = open_for_writing(self.folder, self._file_lock)
        return self._writer

    def _leave_if_forked(self) -> None:
        if os.getpid() == self._process:
            return
        self._inherited += [one for one in (self._writer, self._reader) if one is not None]
        self._process = os.getpid()
        self._write_lock, self._read_lock = threading.Lock(), threading.Lock()
        self._writer = self._reader = None
        if self._file_lock is not None:
            self._file_lock.close()  # its lock stays the parent's
            self._file_lock = None


def _head(connection: sqlite3.Connection) -> tuple[int, str]:
    return connection.execute(_HEAD).fetchone() or (0, GENESIS)


def _insert(connection: sqlite3.Connection, events: list[LedgerEvent]) -> None:
    marks = ", ".join("?" * len(COLUMNS))
    connection.executemany(f"INSERT INTO events ({_EVENT}) VALUES ({marks})", map(to_row, events))


def _entry(connection: sqlite3.Connection, kind: str, key: str) -> Entry | None:
    row = connection.execute(f"{_STATE} WHERE kind = ? AND key = ?", (kind, key)).fetchone()
    return None if row is None else _read_entry(row)


def _read_entry(row: tuple[str, str, int, int, str]) -> Entry:
    kind, key, version, seq, value = row
    try:
        return Entry(kind=kind, key=key, version=version, seq=seq, value=json.loads(value))
    except ValueError as error:
        raise LedgerDamaged(
            f"The {kind} {key} in the ledger cannot be read: {error}.",
            "`autodevops audit verify` says what else is wrong.",
        ) from error


def open_ledger(settings: LedgerSettings, *, read_only: bool = False) -> SqliteLedger:
    """The ledger of these settings. Raises LedgerUnavailable."""
    return SqliteLedger(folder_of(settings), read_only=read_only)


def folder_of(settings: LedgerSettings) -> Path:
    """One ledger for all that a user does on a machine, wherever it is done, unless the settings say otherwise."""
    import platformdirs

    return settings.folder or platformdirs.user_state_path("autodevops") / "ledger"
