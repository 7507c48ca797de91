"""A recorded site as a Prometheus: what real exporters said, asked by the engine's own queries.

A recording is JSON: `end` and `fault` in seconds, `alerts` as Alertmanager gave them, `series` as Prometheus did for
`{__name__!=""}[16m]`. Queries are evaluated by the sandbox's PromQL; where a series ended Prometheus' staleness marker
is put back, which its API does not give. No other system exists.
"""

from __future__ import annotations

import gzip
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from autodevops.domain.investigation import Investigation
from autodevops.domain.window import TimeWindow
from autodevops.investigation import Request, investigate
from autodevops.kernel.errors import ToolUnavailable
from autodevops.sandbox.promql.engine import instant, range_query
from autodevops.sandbox.promql.labels import NAME, make_labels, value_of
from autodevops.sandbox.promql.memory import MemorySource
from autodevops.sandbox.promql.parse import parse, selector_of
from autodevops.sandbox.promql.values import STALE, QueryResult
from autodevops.toolbox.protocol import ToolAnswer, ToolSpec
from autodevops.toolbox.recorder import Recorder


def read(path: Path) -> dict[str, Any]:
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return dict(json.loads(data))


class RecordedSite:
    """`Tools` of a site of which only Prometheus is there. With `namespace` its targets are labelled with one."""

    def __init__(self, recording: Mapping[str, Any], namespace: str = "") -> None:
        more = {"namespace": namespace} if namespace else {}
        last: dict[str, float] = defaultdict(float)
        for one in recording["series"]:
            target = one["metric"].get("instance", "")
            last[target] = max(last[target], one["values"][-1][0])
        found: dict[Any, dict[int, float]] = {}
        for one in recording["series"]:
            samples = {round(at * 1000): float(value) for at, value in one["values"]}
            ended = one["values"][-1][0]
            if ended < last[one["metric"].get("instance", "")] - 1:
                samples[round(ended * 1000) + 5000] = STALE
            found[make_labels({**one["metric"], **more})] = samples
        self._source, self._labels, self._alerts = MemorySource(found), list(found), recording["alerts"]
        self.queries: list[str] = []

    async def list_tools(self, server: str = "") -> tuple[ToolSpec, ...]:
        return ()

    async def call(self, tool: str, arguments: Mapping[str, Any]) -> ToolAnswer:
        query = str(arguments.get("query", ""))
        self.queries.append(query)
        if tool == "prometheus.query_instant":
            return _answer("vector", instant(query, self._source, _millis(arguments["time"])))
        if tool == "prometheus.query_range":
            bounds = _millis(arguments["start"]), _millis(arguments["end"]), int(arguments["step_seconds"]) * 1000
            return _answer("matrix", range_query(query, self._source, *bounds))
        if tool == "prometheus.list_metrics":
            selector = selector_of(parse(arguments["match"]))
            blocks = self._source.select(selector, 0, 2**62)
            return ToolAnswer({"names": sorted({value_of(one, NAME) for block in blocks for one in block.labels})})
        if tool == "prometheus.list_alerts":
            return ToolAnswer({"alerts": []})
        if tool == "prometheus.list_alert_groups":
            alerts: list[Any] = [
                {
                    "labels": one["labels"],
                    "annotations": one["annotations"],
                    "state": "firing",
                    "starts_at": one["startsAt"],
                }
                for one in self._alerts
            ]
            return ToolAnswer({"groups": [{"labels": {}, "receiver": "all", "alerts": alerts}] if alerts else []})
        if tool == "github.list_repositories":
            return ToolAnswer({"names": []})
        raise ToolUnavailable(f"{tool.partition('.')[0]} is not configured.", "Set its address.")


def _answer(kind: str, result: QueryResult) -> ToolAnswer:
    series: list[Any] = [
        {
            "labels": dict(one.labels),
            "samples": [[at / 1000, float(value)] for at, value in zip(one.times, one.values, strict=True)],
        }
        for one in result.series
    ]
    return ToolAnswer({"result_type": kind, "series": series})


def _millis(moment: str) -> int:
    return round(datetime.fromisoformat(moment).timestamp() * 1000)


def openmetrics(series: Iterable[Mapping[str, Any]], namespace: str = "") -> Iterator[str]:
    """The lines that promtool makes blocks of; a name's type is not declared, as it does not ask for it."""
    for one in sorted(series, key=lambda one: str(one["metric"]["__name__"])):
        labels = {**one["metric"], **({"namespace": namespace} if namespace else {})}
        name = labels.pop("__name__")
        text = ",".join(f"{key}={json.dumps(value, ensure_ascii=False)}" for key, value in labels.items())
        for at, value in one["values"]:
            yield f"{name}{{{text}}} {value} {at:.3f}"
    yield "# EOF\n"


async def ask(
    recording: Mapping[str, Any], *, namespace: str = "", minutes: int = 6, site: RecordedSite | None = None
) -> Investigation:
    """Investigate the minutes up to its end, as the command line would."""
    end = datetime.fromtimestamp(int(recording["end"]), UTC)
    window = TimeWindow.ending(end, timedelta(minutes=minutes))
    tools = site or RecordedSite(recording, namespace)
    return await investigate(Request(namespace=namespace, window=window), Recorder(tools, clock=lambda: end))
