"""Loki's answers: streams, vectors and matrices in its JSON, with the statistics block that goes with them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from starlette.responses import JSONResponse, Response

from autodevops.sandbox.loki.evaluate import Statistics
from autodevops.sandbox.loki.row import Row
from autodevops.sandbox.loki.vector import Labels, Vector
from autodevops.sandbox.wire.go import format_float

CATEGORIZE = "categorize-labels"

_CHUNK = {
    "headChunkBytes": 0,
    "headChunkLines": 0,
    "decompressedBytes": 0,
    "decompressedLines": 0,
    "compressedBytes": 0,
    "totalDuplicates": 0,
    "postFilterLines": 0,
    "headChunkStructuredMetadataBytes": 0,
    "decompressedStructuredMetadataBytes": 0,
}
_STORE = {
    "totalChunksRef": 0,
    "totalChunksDownloaded": 0,
    "chunksDownloadTime": 0,
    "queryReferencedStructuredMetadata": False,
    "chunk": _CHUNK,
    "chunkRefsFetchTime": 0,
    "congestionControlLatency": 0,
    "pipelineWrapperFilteredLines": 0,
}
_CACHE = {
    "entriesFound": 0,
    "entriesRequested": 0,
    "entriesStored": 0,
    "bytesReceived": 0,
    "bytesSent": 0,
    "requests": 0,
    "downloadTime": 0,
    "queryLengthServed": 0,
}
_CACHES = (
    "chunk", "index", "result", "statsResult", "volumeResult", "seriesResult", "labelResult", "instantMetricResult"
)  # fmt: skip


def answer(kind: str, result: Any, statistics: Statistics, returned: int, flags: Sequence[str] = ()) -> Response:
    """`data` of a query. `flags` are the encoding flags that were asked for and kept."""
    data: dict[str, Any] = {"resultType": kind, "result": result, "stats": _stats(statistics, returned)}
    if flags:
        data["encodingFlags"] = list(flags)
    return JSONResponse({"status": "success", "data": data})


def _stats(read: Statistics, returned: int) -> dict[str, Any]:
    """Everything is told to come from ingesters, which hold what is young; times are those of a world at rest."""
    chunk = {**_CHUNK, "headChunkBytes": read.bytes, "headChunkLines": read.lines, "postFilterLines": read.kept}
    return {
        "summary": {
            "bytesProcessedPerSecond": 0,
            "linesProcessedPerSecond": 0,
            "totalBytesProcessed": read.bytes,
            "totalLinesProcessed": read.lines,
            "execTime": 0,
            "queueTime": 0,
            "subqueries": 0,
            "totalEntriesReturned": returned,
            "splits": 0,
            "shards": 0,
            "totalPostFilterLines": read.kept,
            "totalStructuredMetadataBytesProcessed": 0,
        },
        "querier": {"store": _STORE},
        "ingester": {
            "totalReached": 1,
            "totalChunksMatched": 0,
            "totalBatches": 1,
            "totalLinesSent": returned,
            "store": {**_STORE, "chunk": chunk},
        },
        "cache": dict.fromkeys(_CACHES, _CACHE),
        "index": {"totalChunks": 0, "postFilterChunks": 0, "shardsDuration": 0, "usedBloomFilters": False},
    }


def names(found: Sequence[str]) -> Response:
    """Loki leaves `data` out when there is nothing to list."""
    return JSONResponse({"status": "success", "data": found} if found else {"status": "success"})


def seconds(time: int) -> int | float:
    """ns as the JSON number that Loki writes: whole seconds without a point, else milliseconds."""
    whole, rest = divmod(time // 1_000_000, 1000)
    return whole + rest / 1000 if rest else whole


def streams(rows: Iterable[Row], *, categorized: bool = False) -> list[dict[str, Any]]:
    """Rows by their final labels: one stored stream may come back as several.

    `categorized` keeps only a stream's own labels on it and tells each line's metadata and parsed labels beside it.
    """
    found: dict[Labels, list[list[Any]]] = {}
    for row in rows:
        entry: list[Any] = [str(row.timestamp), row.line]
        labels = row.labels
        if categorized:
            own, details = _categories(row)
            labels = own
            entry.append(details)
        key = tuple(sorted(item for item in labels.items() if item[1]))
        found.setdefault(key, []).append(entry)
    return [{"stream": dict(labels), "values": values} for labels, values in found.items()]


def _categories(row: Row) -> tuple[dict[str, str], dict[str, dict[str, str]]]:
    own: dict[str, str] = {}
    metadata: dict[str, str] = {}
    parsed: dict[str, str] = {}
    for name, value in sorted(row.labels.items()):
        if row.stream.get(name) == value:
            own[name] = value
        elif row.metadata.get(name) == value:
            metadata[name] = value
        else:
            parsed[name] = value
    kinds = {"structuredMetadata": metadata, "parsed": parsed}
    return own, {kind: labels for kind, labels in kinds.items() if labels}


def vector(found: Vector, time: int, *, ordered: bool) -> list[dict[str, Any]]:
    """Samples at one moment, by label unless the query itself sorts them."""
    items = list(found.items()) if ordered else sorted(found.items(), key=lambda item: item[0] or ())
    return [{"metric": dict(labels or ()), "value": [seconds(time), format_float(value)]} for labels, value in items]


def matrix(vectors: Sequence[Vector], times: Sequence[int]) -> list[dict[str, Any]]:
    series: dict[Labels, list[list[Any]]] = {}
    for time, found in zip(times, vectors, strict=True):
        stamp = seconds(time)
        for labels, value in found.items():
            series.setdefault(labels or (), []).append([stamp, format_float(value)])
    return [{"metric": dict(labels), "values": values} for labels, values in sorted(series.items())]


def volumes(found: Mapping[int, Mapping[Labels, int]], limit: int) -> list[dict[str, Any]]:
    """Bytes by labels at each moment (ns), the `limit` largest of them, the largest first."""
    totals: dict[Labels, int] = {}
    for at_once in found.values():
        for labels, size in at_once.items():
            totals[labels] = totals.get(labels, 0) + size
    largest = sorted(totals.items(), key=lambda item: (-item[1], item[0]))[:limit]
    return [
        {
            "metric": dict(labels),
            "values": [[seconds(time), str(sizes[labels])] for time, sizes in sorted(found.items()) if labels in sizes],
        }
        for labels, _ in largest
    ]
