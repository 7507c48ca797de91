"""The file under a ledger: opening `ledger.sqlite`, its schema, the turn of one writer, and what SQLite's errors mean.

Whoever writes holds `ledger.lock` from before the transaction until after the commit and the checkpoint that may
follow it. That makes waiting fair and bounded, and keeps SQLite before 3.51.3 from its WAL-reset bug, which takes a
checkpoint and a commit at the same time.
"""

from __future__ import annotations

import errno
import fcntl
import os
import random
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from autodevops.kernel.errors import LedgerDamaged, LedgerUnavailable
from autodevops.kernel.files import sync

NAME = "ledger.sqlite"
APPLICATION = 0x41444F4C  # "ADOL", how a ledger is told from other people's SQLite files
VERSION = 1
WAIT_SECONDS = 30.0  # for another writer; each holds the file for milliseconds

SCHEMA = (
    "CREATE TABLE events (seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, kind TEXT NOT NULL, what TEXT NOT NULL,"
    " actor TEXT NOT NULL, subject TEXT NOT NULL, data TEXT NOT NULL, entry TEXT, previous TEXT NOT NULL,"
    " digest TEXT NOT NULL) STRICT",
    "CREATE INDEX events_by_subject ON events (subject)",
    "CREATE TABLE state (kind TEXT NOT NULL, key TEXT NOT NULL, version INTEGER NOT NULL, seq INTEGER NOT NULL,"
    " value TEXT NOT NULL, PRIMARY KEY (kind, key)) STRICT, WITHOUT ROWID",
    "CREATE TABLE segments (first INTEGER PRIMARY KEY, last INTEGER NOT NULL, file TEXT NOT NULL,"
    " file_digest TEXT NOT NULL, digest TEXT NOT NULL, signature TEXT) STRICT",
    f"PRAGMA application_id = {APPLICATION}",
    f"PRAGMA user_version = {VERSION}",
)


class FileLock:
    """A lock between processes that ends with its holder. One thread of this process uses it at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)

    def take(self, seconds: float) -> None:
        """Raises LedgerUnavailable when it is not free within `seconds`."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise LedgerUnavailable(
                        f"The ledger {self.path.with_name(NAME)} has been busy for {seconds:g} s; nothing was entered.",
                        f"See who holds it (`fuser {self.path}`); end it if it hangs, and try again.",
                    ) from None
                # Short and even, not growing: who waits long must not be asked more patience than who has just come.
                time.sleep(random.uniform(0.0002, 0.001))

    def release(self) -> None:
        fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def close(self) -> None:
        os.close(self._descriptor)


def open_for_writing(folder: Path, lock: FileLock) -> sqlite3.Connection:
    """The file is made when there is none. Raises LedgerUnavailable."""
    path = folder / NAME
    lock.take(WAIT_SECONDS)
    try:
        with translated(path):
            connection = _connect(path, "mode=rwc")
            try:
                _require_known(path, connection, may_be_new=True)
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("PRAGMA synchronous = FULL")
                if _pragma(connection, "user_version") == 0:
                    connection.execute("BEGIN IMMEDIATE")
                    for statement in SCHEMA:
                        connection.execute(statement)
                    connection.execute("COMMIT")
                    sync(folder)
            except BaseException:
                connection.close()
                raise
            return connection
    finally:
        lock.release()


def open_for_reading(folder: Path) -> sqlite3.Connection:
    """Changes nothing, also in a folder that may not be written. Raises LedgerUnavailable."""
    path = folder / NAME
    if not path.exists():
        raise LedgerUnavailable(
            f"There is no ledger in {folder}.",
            "Name its folder in AUTODEVOPS_LEDGER__FOLDER or `--folder`; it appears with the first event.",
        )
    wal = path.with_name(NAME + "-wal")
    writable = os.access(folder, os.W_OK)
    settled = not writable and (not wal.exists() or wal.stat().st_size == 0)
    if not writable and not settled and not path.with_name(NAME + "-shm").exists():
        raise LedgerUnavailable(
            f"The newest events of {folder} are still in its log, which is read only where one may write.",
            "Copy the folder to such a place and look at the copy.",
        )
    with translated(path):
        connection = _connect(path, "immutable=1" if settled else "mode=ro")
        try:
            _require_known(path, connection, may_be_new=False)
        except BaseException:
            connection.close()
            raise
        return connection


def _connect(path: Path, how: str) -> sqlite3.Connection:
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?{how}", uri=True, timeout=5.0, isolation_level=None, check_same_thread=False
    )


def _require_known(path: Path, connection: sqlite3.Connection, *, may_be_new: bool) -> None:
    version = _pragma(connection, "user_version")
    tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if may_be_new and version == 0 and tables == 0:
        return
    if _pragma(connection, "application_id") != APPLICATION:
        raise LedgerUnavailable(
            f"{path} is a SQLite file, but not a ledger.", "Move it away, or set AUTODEVOPS_LEDGER__FOLDER."
        )
    if version > VERSION:
        raise LedgerUnavailable(
            f"The ledger {path} was made by a newer autodevops (schema {version}; this one knows {VERSION}).",
            "Upgrade autodevops, or use another folder.",
        )


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """SQLite's and the system's errors become LedgerUnavailable, with the next step."""
    try:
        yield
    except sqlite3.Error as error:
        raise _unavailable(path, getattr(error, "sqlite_errorname", ""), str(error)) from error
    except UnicodeDecodeError as error:  # a damaged name in SQLite's own message
        raise _unavailable(path, "SQLITE_CORRUPT", "its schema is no text") from error
    except OSError as error:
        name = "SQLITE_FULL" if error.errno in {errno.ENOSPC, errno.EDQUOT} else "SQLITE_CANTOPEN"
        raise _unavailable(path, name, error.strerror or str(error)) from error


def _unavailable(path: Path, name: str, said: str) -> LedgerUnavailable:
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return LedgerUnavailable(
            f"The ledger {path} is held by another program.", f"See which (`fuser {path}`), end it, and try again."
        )
    if name.startswith(("SQLITE_FULL", "SQLITE_IOERR_SHMSIZE")):
        return LedgerUnavailable(
            f"There is no room for the ledger {path}; nothing was entered.", "Make room on its disk and try again."
        )
    if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
        return LedgerDamaged(
            f"The ledger {path} is damaged: {said}.",
            "Keep a copy of its folder; `autodevops audit verify` says what still holds.",
        )
    if name.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM", "SQLITE_AUTH")):
        return LedgerUnavailable(
            f"The ledger {path} cannot be opened or written: {said}.",
            "Correct the rights of its folder, or set AUTODEVOPS_LEDGER__FOLDER to another one.",
        )
    return LedgerUnavailable(
        f"The ledger {path} could not be used: {said} ({name or 'no code'}).", "Try again; see its disk's log."
    )
