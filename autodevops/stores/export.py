"""Events taken out of the ledger: chosen ones, as JSON lines or Parquet, and read back to be verified.

A line is the event's canonical JSON with its digest put at the end: the digest is that of the line without it.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import IO

from autodevops.domain.base import Noun, UtcDatetime
from autodevops.domain.ledger import EventKind
from autodevops.kernel.errors import LedgerDamaged, UsageError
from autodevops.kernel.files import appearing
from autodevops.kernel.ids import canonical_json
from autodevops.stores.ledger_rows import Row, canonical_text, microseconds
from autodevops.stores.segments import read_rows, write_parquet
from autodevops.stores.sqlite_ledger import SqliteLedger

SUFFIXES = {".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "jsonl", ".parquet": "parquet"}


class Filter(Noun):
    """Which events: empty fields choose all, `last` the newest of what the others choose."""

    kind: EventKind | None = None
    actor: str = ""
    subject: str = ""
    since: UtcDatetime | None = None
    until: UtcDatetime | None = None
    last: int | None = None


def chosen(ledger: SqliteLedger, choice: Filter) -> Iterator[Row]:
    """Oldest first."""
    fields = {"kind": choice.kind or "", "actor": choice.actor, "subject": choice.subject}
    wanted = {name: value for name, value in fields.items() if value}
    timed = choice.since is not None or choice.until is not None
    after = max(ledger.head()[0] - choice.last, 0) if choice.last is not None and not wanted and not timed else 0
    rows = ledger.rows(after=after, wanted=wanted)
    if timed:
        since = microseconds(choice.since) if choice.since else float("-inf")
        until = microseconds(choice.until) if choice.until else float("inf")
        rows = (row for row in rows if since <= row[1] < until)
    return rows if choice.last is None else iter(deque(rows, maxlen=choice.last))


def json_line(row: Row) -> str:
    return f'{canonical_text(row)[:-1]},"digest":{json.dumps(row[-1])}}}\n'


def export(rows: Iterable[Row], path: Path, *, form: str = "", force: bool = False) -> int:
    """Write `rows` to a new file, by its suffix or as `form` says; gives their number.

    The file appears when it is whole. Raises UsageError when it is there already and not `force`.
    """
    form = form or SUFFIXES.get(path.suffix, "")
    if form not in {"jsonl", "parquet"}:
        raise UsageError(
            f"It is not clear what {path} should be.", "Name it .jsonl or .parquet, or say --format jsonl or parquet."
        )
    if path.exists() and not force:
        raise UsageError(f"{path} exists already.", "Name another file, or say --force to replace it.")
    try:
        with appearing(path) as file:
            return (write_parquet if form == "parquet" else write_lines)(rows, file)
    except OSError as error:
        raise UsageError(
            f"{path} cannot be written: {error.strerror}.", "Name another place, or make room or correct its rights."
        ) from error


def write_lines(rows: Iterable[Row], file: IO[bytes]) -> int:
    count = 0
    for row in rows:
        file.write(json_line(row).encode())
        count += 1
    return count


def read_export(path: Path) -> Iterator[Row]:
    """Raises UsageError when the file cannot be opened, LedgerDamaged when something in it is no event."""
    if path.suffix == ".parquet":
        yield from read_rows(path)
        return
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                yield _read_line(number, line)
    except OSError as error:
        raise UsageError(
            f"{path} cannot be read: {error.strerror}.", "Name a file that `audit export` wrote."
        ) from error


def _read_line(number: int, line: bytes) -> Row:
    try:
        event = json.loads(line)
        at = datetime.fromisoformat(event["at"])
        texts = (event["kind"], event["what"], event["actor"], event["subject"])
        entry = None if event["entry"] is None else canonical_json(event["entry"])
        data = canonical_json(event["data"])
        return (event["seq"], microseconds(at), *texts, data, entry, event["previous"], event["digest"])
    except (ValueError, KeyError, TypeError) as error:
        said = f"it has no {error}" if isinstance(error, KeyError) else str(error)
        raise LedgerDamaged(f"Line {number} is no event: {said}.") from error
