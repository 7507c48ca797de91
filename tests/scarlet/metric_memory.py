"""Prometheus without a server: the tools' answers evaluated over samples in memory, by the sandbox's own PromQL."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import numpy as np

from autodevops.domain.base import Json
from autodevops.sandbox.promql.engine import instant, range_query
from autodevops.sandbox.promql.memory import MemorySource
from autodevops.sandbox.promql.values import QueryResult
from autodevops.toolbox.testing import ScriptedTools

Level = Callable[[Any], Any]
"""A value from hours before now: negative numbers up to 0."""


def prometheus(
    now: datetime,
    series: Mapping[str, Level],
    *,
    hours: float = 30,
    every: int = 60,
    more: Mapping[str, Any] | None = None,
) -> ScriptedTools:
    """`series`: by `name{label="value"}`, what it was at each moment. `more`: other tools' answers."""
    stamps = np.arange(round((now.timestamp() - hours * 3600) * 1000), round(now.timestamp() * 1000) + 1, every * 1000)
    since = (stamps / 1000 - now.timestamp()) / 3600
    held = {}
    for name, level in series.items():
        values = np.broadcast_to(np.asarray(level(since), dtype=np.float64), stamps.shape)
        held[_labels(name)] = {
            int(at): float(value) for at, value in zip(stamps, values, strict=True) if value == value
        }
    source = MemorySource(held)

    def over(arguments: Mapping[str, Json]) -> Json:
        start, end = (_millis(str(arguments[name])) for name in ("start", "end"))
        step = int(str(arguments["step_seconds"])) * 1000
        return _answer(range_query(str(arguments["query"]), source, start, end, step))

    def at(arguments: Mapping[str, Json]) -> Json:
        return _answer(instant(str(arguments["query"]), source, _millis(str(arguments["time"]))))

    def names(arguments: Mapping[str, Json]) -> Json:
        found = instant(f"count by (__name__) ({arguments['match']})", source, round(now.timestamp() * 1000))
        return {"names": [dict(one.labels)["__name__"] for one in found.series]}

    told = {"prometheus.query_range": over, "prometheus.query_instant": at, "prometheus.list_metrics": names}
    return ScriptedTools({**told, **(more or {})})


def _labels(text: str) -> tuple[tuple[str, str], ...]:
    name, _, rest = text.partition("{")
    pairs = dict(part.split("=", 1) for part in rest.removesuffix("}").split(",") if part)
    return tuple(sorted({"__name__": name, **{key: json.loads(value) for key, value in pairs.items()}}.items()))


def _millis(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def _answer(result: QueryResult) -> Json:
    series: list[Json] = [
        {
            "labels": {**dict(one.labels)},
            "samples": [[int(at) / 1000, float(value)] for at, value in zip(one.times, one.values, strict=True)],
        }
        for one in result.series
    ]
    return {"result_type": result.kind, "series": series}
