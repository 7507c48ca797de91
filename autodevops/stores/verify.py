"""Whether a ledger is what was entered: the chain through segments and database, the state, signatures, bundles.

What it cannot see: who can write the files and recompute every digest makes another chain that holds, and who cuts
off the end leaves one that holds. A head kept elsewhere (`head`) or a signature by a key they do not have tells.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import TypeAlias

from autodevops.domain.audit import Verification
from autodevops.kernel.errors import LedgerDamaged, UsageError
from autodevops.kernel.ids import bytes_digest
from autodevops.stores.chain import Chain, Found
from autodevops.stores.export import read_export
from autodevops.stores.ledger_rows import Row
from autodevops.stores.segments import Segment, all_segments, file_digest, read_rows
from autodevops.stores.signing import Head
from autodevops.stores.sqlite_ledger import SqliteLedger
from autodevops.stores.verify_bundles import BundleFiles, BundlesChecked, BundlesNamed, check_bundles

IsSigned: TypeAlias = Callable[[Head], bool]
Mark: TypeAlias = tuple[int, int, str]  # version, event, digest of the value


def verify(
    ledger: SqliteLedger,
    *,
    bundles_at: Callable[[str], BundleFiles | None] | None = None,
    is_signed: IsSigned | None = None,
    head: Head | None = None,
    progress: Callable[[int], None] = lambda walked: None,
) -> Verification:
    """Walk all of it; events entered meanwhile are left for the next time.

    `bundles_at` opens the place of bundles that an event names, "" when it names none. `is_signed` says whether a
    head's signature is good; when it is given, the newest segment must have one. `head` is one that was kept elsewhere.
    `progress` hears how many events were walked.
    """
    _require_key(head, is_signed)
    found, bundles, pin = Found(), BundlesNamed(), _Pin(head)
    chain = Chain(found)
    marks: dict[tuple[str, str], Mark] = {}
    present = _present(ledger)
    try:
        _check_database(ledger, found)
        for row in chain.walk(_all_rows(ledger, chain, present)):
            bundles.note(row)
            _note_mark(row, marks)
            pin.note(row)
            if chain.events % 10_000 == 0:
                progress(chain.events)
        _check_state(present.state, marks, chain, found)
    except LedgerDamaged as error:
        found.add(str(ledger.path), f"behind event {chain.seq} it cannot be read: {error.message}", chain.seq + 1)
    checked = BundlesChecked()
    if bundles_at is not None:
        checked = check_bundles(bundles, bundles_at, lambda seq: ledger.rows(after=seq, wanted={"kind": "run"}), found)
    signed = _check_signatures(ledger, present.segments, is_signed, found)
    return Verification(
        source=str(ledger.folder),
        events=chain.events,
        first=chain.first,
        head=chain.seq,
        digest=chain.digest or "",
        segments=len(present.segments),
        entries=len(present.state),
        bundles=checked.bundles,
        files=checked.files,
        elsewhere=checked.elsewhere,
        unentered=checked.unentered,
        signed_until=max(signed, pin.check(chain, is_signed)),
        divergences=tuple(found.listed),
        more=found.more,
    )


def verify_export(
    path: Path, *, filtered: bool = False, is_signed: IsSigned | None = None, head: Head | None = None
) -> Verification:
    """The same for a file that `audit export` wrote; with `filtered` events may be missing between others."""
    _require_key(head, is_signed)
    found, pin = Found(), _Pin(head)
    chain = Chain(found, gaps_allowed=filtered)
    try:
        rows = iter(read_export(path))
        if (begin := next(rows, None)) is not None:
            if begin[0] > 1:  # a part of a ledger; what came before is not here to be compared with
                chain.seq, chain.digest = begin[0] - 1, None
            for row in chain.walk([begin]):
                pin.note(row)
        for row in chain.walk(rows):
            pin.note(row)
    except LedgerDamaged as error:
        found.add(str(path), error.message, chain.seq + 1)
    return Verification(
        source=str(path),
        events=chain.events,
        first=chain.first,
        head=chain.seq,
        digest=chain.digest or "",
        signed_until=pin.check(chain, is_signed),
        divergences=tuple(found.listed),
        more=found.more,
    )


@dataclass
class _Present:
    """What the ledger had at one moment."""

    segments: tuple[Segment, ...]
    state: list[tuple[str, str, int, int, str]]
    end: int


@dataclass
class _Pin:
    """A head that was kept elsewhere, and what the chain has in its place."""

    head: Head | None
    digest: str = ""

    def note(self, row: Row) -> None:
        if self.head is not None and row[0] == self.head.seq:
            self.digest = row[-1]

    def check(self, chain: Chain, is_signed: IsSigned | None) -> int:
        """Adds what differs; gives the number up to which a good signature vouches."""
        head = self.head
        if head is None or head.seq == 0:
            return 0
        where = f"event {head.seq}"
        if not self.digest:
            chain.found.add(where, f"it was the newest once, but the chain ends with event {chain.seq}", chain.seq + 1)
        elif self.digest != head.digest:
            chain.found.add(where, f"its digest is {self.digest}, but the head kept was {head.digest}", head.seq)
        if head.signature is None or is_signed is None:
            return 0
        if not is_signed(head):
            chain.found.add(str(head), "the signature of the head kept is not by the given key", head.seq)
            return 0
        return head.seq


def _require_key(head: Head | None, is_signed: IsSigned | None) -> None:
    if head is not None and head.signature is not None and is_signed is None:
        raise UsageError("The head is signed, and no public key is given.", "Set ledger.public_key_file.")


def _present(ledger: SqliteLedger) -> _Present:
    with ledger.reading() as connection:
        segments = all_segments(connection)
        state = connection.execute("SELECT kind, key, version, seq, value FROM state ORDER BY kind, key").fetchall()
        newest = connection.execute("SELECT max(seq) FROM events").fetchone()[0] or 0
    return _Present(segments, state, max(newest, segments[-1].last if segments else 0))


def _all_rows(ledger: SqliteLedger, chain: Chain, present: _Present) -> Iterator[Row]:
    for segment in present.segments:
        yield from _segment_rows(ledger, chain, segment)
    # A compaction that ends meanwhile moves rows into a new segment; `rows` finds them there.
    yield from takewhile(lambda row: row[0] <= present.end, ledger.rows(after=chain.seq))


def _segment_rows(ledger: SqliteLedger, chain: Chain, segment: Segment) -> Iterator[Row]:
    path = ledger.segments_folder / segment.file
    found, before = chain.found, len(chain.found.listed) + chain.found.more
    try:
        if (digest := file_digest(path)) != segment.file_digest:
            found.add(str(path), f"its digest is {digest}, but {segment.file_digest} was recorded", segment.first)
        yield from read_rows(path)
    except OSError as error:
        found.add(str(path), f"it cannot be read: {error.strerror}", segment.first)
    except LedgerDamaged as error:
        found.add(str(path), error.message, segment.first)
    untold = len(found.listed) + found.more == before
    if untold and (chain.seq, chain.digest) != (segment.last, segment.digest):
        found.add(
            str(path),
            f"it ends with event {chain.seq}, {chain.digest}; recorded was {segment.last}, {segment.digest}",
            segment.last,
        )
    if chain.seq != segment.last:
        chain.skip_to(segment.last, segment.digest)


def _check_database(ledger: SqliteLedger, found: Found) -> None:
    try:
        with ledger.reading() as connection:
            said = [text for (text,) in connection.execute("PRAGMA integrity_check(10)").fetchall()]
    except LedgerDamaged as error:
        said = [error.message]
    for text in said:
        if text != "ok":
            found.add(str(ledger.path), f"SQLite finds it damaged: {text}")


def _note_mark(row: Row, marks: dict[tuple[str, str], Mark]) -> None:
    if row[7] is None:
        return
    try:
        mark = json.loads(row[7])
        marks[mark["kind"], mark["key"]] = (mark["version"], row[0], mark["digest"])
    except (ValueError, KeyError, TypeError):
        return  # its event's digest does not hold either, which is told


def _check_state(
    state: Iterable[tuple[str, str, int, int, str]], marks: dict[tuple[str, str], Mark], chain: Chain, found: Found
) -> None:
    """The state must be what the events made: each entry its newest mark, and none missing or added."""
    for kind, key, version, seq, value in state:
        mark = marks.pop((kind, key), None)
        if any(seq in part for part in chain.unread):
            continue
        digest = bytes_digest(str(value).encode())
        where = f"state: {kind} {key}"
        if mark is None:
            found.add(where, f"it claims event {seq}, but no event made it", seq)
        elif mark[:2] != (version, seq):
            found.add(
                where,
                f"it has version {version} of event {seq}, but the newest is version {mark[0]} of event {mark[1]}",
                mark[1],
            )
        elif mark[2] != digest:
            found.add(where, f"its value has the digest {digest}, but event {seq} made {mark[2]}", seq)
    for (kind, key), (version, seq, _) in marks.items():
        found.add(f"state: {kind} {key}", f"event {seq} made its version {version}, but it is missing", seq)


def _check_signatures(
    ledger: SqliteLedger, segments: tuple[Segment, ...], is_signed: IsSigned | None, found: Found
) -> int:
    """The newest segment must be signed; it vouches for those before it, which may be older than the key."""
    until = 0
    if is_signed is None:
        return until
    for segment in segments:
        path = str(ledger.segments_folder / segment.file)
        if segment.signature is None:
            if segment is segments[-1]:
                found.add(path, "the newest segment, and it is not signed", segment.last)
        elif is_signed(Head(seq=segment.last, digest=segment.digest, signature=segment.signature)):
            until = segment.last
        else:
            found.add(path, "its signature is not by the given key", segment.last)
    return until
