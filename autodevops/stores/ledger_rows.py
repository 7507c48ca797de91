"""An event as a row: in SQLite, in Parquet and in SQL the columns are the same, in this order.

`data` and `entry` are kept as the JSON text the digest was taken of, so a chain is checked without reading it.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, TypeAlias, cast

from autodevops.domain.ledger import EntryMark, EventKind, LedgerEvent
from autodevops.kernel.errors import LedgerDamaged
from autodevops.kernel.ids import bytes_digest, canonical_json

if TYPE_CHECKING:
    import pyarrow as pa

COLUMNS = ("seq", "at", "kind", "what", "actor", "subject", "data", "entry", "previous", "digest")
Row: TypeAlias = tuple[int, int, str, str, str, str, str, str | None, str, str]  # `at` in microseconds since 1970, UTC

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NAIVE_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  # spelled without an offset; Z is written behind it
_MICROSECOND = timedelta(microseconds=1)


def microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND


def to_row(event: LedgerEvent) -> Row:
    return (
        event.seq,
        microseconds(event.at),
        event.kind,
        event.what,
        event.actor,
        event.subject,
        canonical_json(event.data),
        None if event.entry is None else canonical_json(event.entry.model_dump()),
        event.previous,
        event.digest,
    )


def from_row(row: Row) -> LedgerEvent:
    """Not validated again: a kind that a newer version wrote can be read. Raises LedgerDamaged when it is no event."""
    seq, at, kind, what, actor, subject, data, entry, previous, digest = row
    try:
        return LedgerEvent.model_construct(
            seq=seq,
            at=_EPOCH + timedelta(microseconds=at),
            kind=cast(EventKind, kind),
            what=what,
            actor=actor,
            subject=subject,
            data=json.loads(data),
            entry=None if entry is None else EntryMark.model_validate_json(entry),
            previous=previous,
            digest=digest,
        )
    except (ValueError, TypeError, OverflowError) as error:
        raise LedgerDamaged(
            f"Event {seq} of the ledger cannot be read: {error}.", "`autodevops audit verify` says what else is wrong."
        ) from error


def canonical_text(row: Row) -> str:
    """The canonical JSON of the event without its digest; its texts are put together, not read and written again."""
    seq, at, kind, what, actor, subject, data, entry, previous, _ = row
    moment = (_NAIVE_EPOCH + timedelta(microseconds=at)).isoformat()
    spelled = json.encoder.encode_basestring
    return (
        f'{{"actor":{spelled(actor)},"at":"{moment}Z","data":{data},"entry":{entry or "null"},"kind":{spelled(kind)},'
        f'"previous":{spelled(previous)},"seq":{seq},"subject":{spelled(subject)},"what":{spelled(what)}}}'
    )


def right_digest(row: Row) -> str:
    """What `LedgerEvent.right_digest` gives, a dozen times sooner. Raises what Python raises when it is no event."""
    return bytes_digest(canonical_text(row).encode())


def arrow_schema() -> pa.Schema:
    import pyarrow as pa

    text = ("kind", "what", "actor", "subject", "data", "entry", "previous", "digest")
    return pa.schema([("seq", pa.int64()), ("at", pa.timestamp("us")), *((name, pa.string()) for name in text)])


def to_arrow(rows: list[Row]) -> pa.Table:
    import pyarrow as pa

    schema = arrow_schema()
    columns = zip(*rows, strict=True) if rows else [()] * len(schema)
    arrays = [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)]
    return pa.Table.from_arrays(arrays, schema=schema)


def from_arrow(batch: pa.RecordBatch) -> list[Row]:
    """Raises LedgerDamaged when the columns are others, or empty where an event has something to say."""
    import pyarrow as pa

    if not batch.schema.equals(arrow_schema()):
        raise LedgerDamaged(f"A file with the columns {', '.join(batch.schema.names)} does not hold events.")
    for name, column in zip(COLUMNS, batch.columns, strict=True):
        if column.null_count and name != "entry":
            raise LedgerDamaged(f"A file with events that have no {name} does not hold the ledger's.")
    columns = [
        (column.cast(pa.int64()) if name == "at" else column).to_pylist()
        for name, column in zip(COLUMNS, batch.columns, strict=True)
    ]
    return list(zip(*columns, strict=True))
