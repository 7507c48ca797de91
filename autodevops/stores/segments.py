"""Closed segments: the older part of the chain in Parquet files that never change again.

A file is written, synced and renamed before the ledger records it, with its digest, in one transaction. From then on
readers take those events from it, and their rows are deleted in small steps that let writers pass. A crash between
any two steps leaves a file nobody recorded or rows nobody reads; the next compaction removes both.
"""

from __future__ import annotations

import hashlib
import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING

from autodevops.domain.ledger import GENESIS
from autodevops.kernel.errors import LedgerDamaged
from autodevops.kernel.files import appearing, sync
from autodevops.stores.ledger_file import FileLock, translated
from autodevops.stores.ledger_rows import Row, arrow_schema, from_arrow, right_digest, to_arrow

if TYPE_CHECKING:
    from autodevops.stores.sqlite_ledger import SqliteLedger

SEGMENT_EVENTS = 250_000  # at most in one file: a few hundred megabytes of memory while it is read back
_BATCH = 20_000  # rows of a row group: what a reader holds at once
_DELETED_AT_ONCE = 2_000  # rows: a writer waits for one such step at most
_WAIT_SECONDS = 600.0  # for another compaction
_FILE = re.compile(r"\d+-\d+\.parquet|\.\d+-\d+\.parquet\.[0-9a-f]+")  # the second: not yet whole
_SELECT = "SELECT first, last, file, file_digest, digest, signature FROM segments"


@dataclass(frozen=True)
class Segment:
    first: int
    last: int
    file: str  # its name in the segments folder
    file_digest: str
    digest: str  # of its last event
    signature: str | None = None


Sign = Callable[[int, str], str]
"""Signature of a head, given its number and digest."""


def all_segments(connection: sqlite3.Connection) -> tuple[Segment, ...]:
    return tuple(Segment(*row) for row in connection.execute(f"{_SELECT} ORDER BY first"))


def segment_after(connection: sqlite3.Connection, position: int) -> Segment | None:
    """The first one that has an event with a number above `position`."""
    row = connection.execute(f"{_SELECT} WHERE last > ? ORDER BY first LIMIT 1", (position,)).fetchone()
    return None if row is None else Segment(*row)


def read_rows(path: Path, *, after: int = 0, wanted: Mapping[str, str] | None = None) -> Iterator[Row]:
    """Rows of one file, in order. Raises LedgerDamaged when it is missing or cannot be read."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=_BATCH):
                for name, value in (wanted or {}).items():
                    batch = batch.filter(pc.equal(batch.column(name), value))
                for row in from_arrow(batch):
                    if row[0] > after:
                        yield row
    except (OSError, ValueError, KeyError, pa.ArrowException) as error:
        raise LedgerDamaged(
            f"The segment {path} cannot be read: {error}.",
            "Bring it back from a copy; `autodevops audit verify` says what else is wrong.",
        ) from error


def write_parquet(rows: Iterable[Row], file: IO[bytes]) -> int:
    """Gives their number."""
    import pyarrow.parquet as pq

    count, rows = 0, iter(rows)
    with pq.ParquetWriter(file, arrow_schema(), compression="zstd") as writer:
        while batch := list(islice(rows, _BATCH)):
            writer.write_table(to_arrow(batch))
            count += len(batch)
    return count


def file_digest(path: Path) -> str:
    with path.open("rb") as file:
        return "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()


def compact(
    ledger: SqliteLedger, *, keep: int, sign: Sign | None = None, segment_events: int = SEGMENT_EVENTS
) -> tuple[Segment, ...]:
    """Close all events but the newest `keep`; gives the segments made.

    Safe beside any number of writers, readers and other compactions. Raises LedgerDamaged, and closes nothing more,
    where the chain does not hold.
    """
    with translated(ledger.path):
        ledger.segments_folder.mkdir(exist_ok=True)
        sync(ledger.folder)
        lock = FileLock(ledger.folder / "compaction.lock")
    try:
        lock.take(_WAIT_SECONDS)
        _clean(ledger)
        made: list[Segment] = []
        until = ledger.head()[0] - max(keep, 0)
        while (first := _closed(ledger)[0] + 1) <= until:
            last = min(until, first + segment_events - 1)
            with translated(ledger.path):
                made.append(_close(ledger, first, last, sign))
            _delete_closed(ledger)
        return tuple(made)
    finally:
        lock.close()


def _close(ledger: SqliteLedger, first: int, last: int, sign: Sign | None) -> Segment:
    path = ledger.segments_folder / f"{first}-{last}.parquet"
    with appearing(path) as file:
        write_parquet(islice(ledger.rows(after=first - 1), last - first + 1), file)
        file.flush()
        digest = _require_chain(read_rows(Path(file.name)), first, last, _closed(ledger)[1])
    signature = sign(last, digest) if sign else None
    segment = Segment(first, last, path.name, file_digest(path), digest, signature)
    with ledger.writing() as connection:
        connection.execute(
            "INSERT INTO segments (first, last, file, file_digest, digest, signature) VALUES (?, ?, ?, ?, ?, ?)",
            (segment.first, segment.last, segment.file, segment.file_digest, segment.digest, segment.signature),
        )
    return segment


def _require_chain(rows: Iterable[Row], first: int, last: int, previous: str) -> str:
    """Checks what is in the file before its rows are given up; gives the digest of the last event."""
    expected = first
    for row in rows:
        if row[0] != expected or row[-2] != previous or right_digest(row) != row[-1]:
            break
        expected, previous = expected + 1, row[-1]
    if expected <= last:
        raise LedgerDamaged(
            f"The chain does not hold at event {expected}, so it is not compacted.",
            "`autodevops audit verify` says what differs.",
        )
    return previous


def _closed(ledger: SqliteLedger) -> tuple[int, str]:
    """Number and digest of the last event in a segment."""
    with ledger.reading() as connection:
        row = connection.execute("SELECT last, digest FROM segments ORDER BY first DESC LIMIT 1").fetchone()
    return row or (0, GENESIS)


def _delete_closed(ledger: SqliteLedger) -> None:
    last = _closed(ledger)[0]
    deleted = _DELETED_AT_ONCE
    while deleted == _DELETED_AT_ONCE:
        with ledger.writing() as connection:
            deleted = connection.execute(
                "DELETE FROM events WHERE seq IN (SELECT seq FROM events WHERE seq <= ? ORDER BY seq LIMIT ?)",
                (last, _DELETED_AT_ONCE),
            ).rowcount


def _clean(ledger: SqliteLedger) -> None:
    """What a compaction left that did not come to its end. Only with the compaction lock."""
    _delete_closed(ledger)
    recorded = {segment.file for segment in ledger.segments()}
    with translated(ledger.path):
        for path in ledger.segments_folder.iterdir():
            if path.name not in recorded and _FILE.fullmatch(path.name):
                path.unlink()
