"""SQL over the whole ledger: DuckDB in memory, which can read the segments and nothing else.

`events` has the columns seq, time (the event's `at`, which SQL reserves; TIMESTAMP in UTC), kind, what, actor, subject,
data (JSON), entry (JSON), previous and digest; `state` has kind, key, version, seq and value (JSON). Both are of the
moment the query begins.
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

from autodevops.kernel.errors import LedgerDamaged, UsageError
from autodevops.stores.ledger_rows import COLUMNS, Row, to_arrow
from autodevops.stores.segments import all_segments

if TYPE_CHECKING:
    import duckdb
    import pandas as pd
    import pyarrow as pa

    from autodevops.stores.sqlite_ledger import SqliteLedger

MAX_ROWS = 100_000  # what a table in a notebook can still show
SECONDS = 60.0
_NEXT = "`DESCRIBE events` and `DESCRIBE state` name the columns; data is JSON: data->>'$.status'."
_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "memory_limit": "1GB",
    "threads": min(4, os.cpu_count() or 1),
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "python_enable_replacements": False,  # a table's name is no variable of whoever calls us
    "temp_directory": "",
}


def sql(ledger: SqliteLedger, query: str, *, max_rows: int = MAX_ROWS, seconds: float = SECONDS) -> pd.DataFrame:
    """The answer to one SELECT. Raises UsageError when DuckDB refuses it, it takes too long or gives too many rows."""
    import duckdb

    with duckdb.connect(":memory:", config=_CONFIG) as connection:
        _fill(connection, ledger)
        try:
            statements = connection.extract_statements(query)
            if [one.type for one in statements] != [duckdb.StatementType.SELECT]:
                raise UsageError("The ledger answers one SELECT at a time.", _NEXT)
            answer = _bounded(connection, query, max_rows, seconds)
        except duckdb.InterruptException as error:
            raise UsageError(f"The query took longer than {seconds:g} s.", "Narrow it, e.g. by `time`.") from error
        except duckdb.Error as error:
            _raise_damage(ledger, error)
            raise UsageError(str(error).strip(), _NEXT) from error
    if answer.num_rows > max_rows:
        raise UsageError(
            f"The answer has more than {max_rows:,} rows.",
            "Aggregate, or write LIMIT; `audit export` gives everything.",
        )
    frame: pd.DataFrame = _with_plain_numbers(answer).to_pandas()
    return frame


def _with_plain_numbers(answer: pa.Table) -> pa.Table:
    """DuckDB's sums of integers are decimals of 38 digits, which no chart takes."""
    import pyarrow as pa

    for place, field in enumerate(answer.schema):
        if pa.types.is_decimal(field.type):
            column = answer.column(place)
            try:
                plain = column.cast(pa.int64() if field.type.scale == 0 else pa.float64())
            except pa.ArrowInvalid:  # larger than 64 bits
                plain = column.cast(pa.float64())
            answer = answer.set_column(place, field.name, plain)
    return answer


def _bounded(connection: duckdb.DuckDBPyConnection, query: str, max_rows: int, seconds: float) -> pa.Table:
    timer = threading.Timer(seconds, connection.interrupt)
    timer.daemon = True
    timer.start()
    try:
        return connection.sql(query).limit(max_rows + 1).to_arrow_table()
    finally:
        timer.cancel()
        timer.join()


def _fill(connection: duckdb.DuckDBPyConnection, ledger: SqliteLedger) -> None:
    import pyarrow as pa

    with ledger.reading() as reader:
        segments = all_segments(reader)
        closed = segments[-1].last if segments else 0
        tail: list[Row] = reader.execute(
            f"SELECT {', '.join(COLUMNS)} FROM events WHERE seq > ? ORDER BY seq", (closed,)
        ).fetchall()
        state = reader.execute("SELECT kind, key, version, seq, value FROM state").fetchall()
    files = [str((ledger.segments_folder / segment.file).absolute()) for segment in segments]
    names = ("kind", "key", "version", "seq", "value")
    types = (pa.string(), pa.string(), pa.int64(), pa.int64(), pa.string())
    columns = zip(*state, strict=True) if state else [()] * len(names)
    arrays = [pa.array(column, kind) for column, kind in zip(columns, types, strict=True)]
    connection.register("tail_rows", to_arrow(tail))
    connection.register("state_rows", pa.Table.from_arrays(arrays, names=list(names)))
    connection.execute("SET allowed_paths = ?", [files])
    connection.execute("SET enable_external_access = false")
    columns_of_events = '* REPLACE (data::JSON AS data, entry::JSON AS entry) RENAME ("at" AS time)'
    closed_events = f"SELECT * FROM read_parquet([{', '.join(map(_quoted, files))}]) UNION ALL " if files else ""
    try:
        connection.execute(
            f"CREATE VIEW events AS SELECT {columns_of_events} FROM ({closed_events}SELECT * FROM tail_rows)"
        )
    except Exception as error:
        _raise_damage(ledger, error)
        raise
    connection.execute("CREATE VIEW state AS SELECT * REPLACE (value::JSON AS value) FROM state_rows")
    connection.execute("SET lock_configuration = true")


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _raise_damage(ledger: SqliteLedger, error: Exception) -> None:
    """Raises LedgerDamaged when what DuckDB says is about one of our files, not about the query."""
    if str(ledger.segments_folder.absolute()) in str(error):
        raise LedgerDamaged(
            f"A segment cannot be read: {str(error).strip().splitlines()[0]}.", "`autodevops audit verify` says more."
        ) from error
