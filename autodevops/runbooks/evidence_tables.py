"""Series and log lines as Parquet tables that any tool can query, and back again.

A table is made only where reading it gives the same answer, value for value; anything else stays JSON. Metrics are a
long table: `labels` (a series' labels as JSON text), `time` (TIMESTAMP, UTC) and `value`. Log lines are `time`,
`severity`, `body`, `trace_id` and `attributes` (as JSON text). What the answer said besides stands in the file's
metadata under `autodevops`.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import TYPE_CHECKING, Any

from autodevops.domain.base import Json
from autodevops.kernel.clock import rfc3339
from autodevops.kernel.ids import canonical_json

if TYPE_CHECKING:
    import pyarrow as pa

_KEY = b"autodevops"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_RECORD = {"timestamp", "severity", "body", "trace_id", "attributes"}


def parquet_of(data: Json, about: Mapping[str, Any]) -> tuple[bytes, int] | None:
    """The answer as a Parquet file and its number of rows; None where it is no table, or would lose something.

    `about` goes into the file's metadata with what the answer says besides its rows.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not isinstance(data, dict):
        return None
    try:
        table = _table(data, about)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, pa.ArrowException):
        return None  # it looked like a table and is none
    if table is None or canonical_json(_answer(table)) != canonical_json(data):
        return None
    sink = io.BytesIO()
    pq.write_table(table, sink, compression="zstd")
    return sink.getvalue(), table.num_rows


def answer_of(content: bytes) -> dict[str, Any]:
    """The answer that `parquet_of` made the file from."""
    import pyarrow.parquet as pq

    return _answer(pq.read_table(io.BytesIO(content)))


def _table(data: Mapping[str, Any], about: Mapping[str, Any]) -> pa.Table | None:
    if _is_list(data.get("series")):
        key, table = "series", _series_table(data["series"])
    elif _is_list(data.get("records")) and all(set(record) == _RECORD for record in data["records"]):
        key, table = "records", _log_table(data["records"])
    else:
        return None
    rest = {name: value for name, value in data.items() if name != key}
    head = {"evidence": about, "rows_are": key, "rest": rest}
    return table.replace_schema_metadata({_KEY: json.dumps(head, ensure_ascii=False)})


def _series_table(all_series: list[Any]) -> pa.Table:
    import pyarrow as pa

    labels: list[str] = []
    times: list[int] = []
    values: list[float | None] = []
    for series in all_series:
        text = canonical_json(series["labels"])
        for at, value in series["samples"]:
            labels.append(text)
            times.append(round(at * 1_000_000))
            values.append(value)
    columns = {
        "labels": pa.array(labels, pa.string()).dictionary_encode(),
        "time": pa.array(times, pa.int64()).cast(pa.timestamp("us")),
        "value": pa.array(values, pa.float64()),
    }
    return pa.table(columns)


def _log_table(records: list[Any]) -> pa.Table:
    import pyarrow as pa

    columns = {
        "time": pa.array([_microseconds(record["timestamp"]) for record in records], pa.timestamp("us")),
        "severity": pa.array([record["severity"] for record in records], pa.string()),
        "body": pa.array([record["body"] for record in records], pa.string()),
        "trace_id": pa.array([record["trace_id"] for record in records], pa.string()),
        "attributes": pa.array([canonical_json(record["attributes"]) for record in records], pa.string()),
    }
    return pa.table(columns)


def _answer(table: pa.Table) -> dict[str, Any]:
    head = json.loads((table.schema.metadata or {})[_KEY])
    return {**head["rest"], head["rows_are"]: _series(table) if head["rows_are"] == "series" else _records(table)}


def _series(table: pa.Table) -> list[dict[str, Any]]:
    import pyarrow as pa

    labels = table["labels"].cast(pa.string()).to_pylist()
    times = table["time"].cast(pa.int64()).to_pylist()
    rows = zip(labels, times, table["value"].to_pylist(), strict=True)
    return [
        {"labels": json.loads(text), "samples": [[at / 1_000_000, value] for _, at, value in group]}
        for text, group in groupby(rows, key=lambda row: row[0])
    ]


def _records(table: pa.Table) -> list[dict[str, Any]]:
    import pyarrow as pa

    moments = table["time"].cast(pa.int64()).to_pylist()
    columns = [table[name].to_pylist() for name in ("severity", "body", "trace_id", "attributes")]
    return [
        {
            "timestamp": rfc3339(_EPOCH + timedelta(microseconds=at)),
            "severity": severity,
            "body": body,
            "trace_id": trace_id,
            "attributes": json.loads(attributes),
        }
        for at, severity, body, trace_id, attributes in zip(moments, *columns, strict=True)
    ]


def _microseconds(text: str) -> int:
    return (datetime.fromisoformat(text) - _EPOCH) // timedelta(microseconds=1)


def _is_list(value: object) -> bool:
    return isinstance(value, list) and bool(value)
