"""OpenSRE's database cases through the whole engine: CloudWatch's series as YACE would export them to Prometheus.

The case's metrics become `aws_rds_*` of their instance and statistic. Performance Insights' average active sessions
become what postgres_exporter counts: the share of a wait in its top waits, of the load at each moment, the sessions of
`pg_stat_activity` that wait so, beside those that only hold a connection; the share of a statement the execution time
of pg_stat_statements. The instance's events become log lines. Queries are evaluated, at the moments of the samples. The
alert is the question, not evidence: what it claims is what is to be found out. There is no cluster; the metrics carry
the namespace whose exporter scraped them. Judged is the category alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml
from opensre_categories import judged

from autodevops.domain.investigation import Investigation
from autodevops.domain.window import TimeWindow
from autodevops.investigation import Request, investigate
from autodevops.sandbox.promql.engine import range_query
from autodevops.sandbox.promql.labels import make_labels
from autodevops.sandbox.promql.memory import MemorySource
from autodevops.toolbox.recorder import Recorder
from autodevops.toolbox.testing import ScriptedTools

_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")  # as both exporters spell
_DELAY = timedelta(minutes=15)  # of a cloud's metrics: its events come at once
_SCRAPED = "10.0.0.9:9187"
_SECONDS = {"ReadLatency", "WriteLatency"}  # in CloudWatch; CommitLatency is in milliseconds

_Series = dict[str, Any]


def run(folder: Path) -> list[str]:
    return judged(folder, _investigate)


async def _investigate(case: Path) -> Investigation:
    files = _files(case)
    series = list(_series(files))
    stamps = [sample[0] for one in series for sample in one["samples"]]
    last = datetime.fromtimestamp(max(stamps), UTC)
    dates = [datetime.fromisoformat(one["date"]) for one in (files.get("aws_rds_events") or {}).get("events", [])]
    late = [date for date in dates if last < date <= last + _DELAY]
    end = max([last, *late]) + timedelta(seconds=1)  # windows are half open
    length = end - datetime.fromtimestamp(min(stamps), UTC) + timedelta(minutes=1)
    namespace = "databases"
    tools = ScriptedTools(_answers(files, series, namespace))
    alert = files["alert"]
    request = Request(namespace=namespace, window=TimeWindow.ending(end, length), question=alert["title"])
    return await investigate(request, Recorder(tools, clock=lambda: end))


def _files(case: Path) -> dict[str, Any]:
    """A case's own metrics, and its base's of what it does not say."""
    base = yaml.safe_load((case / "scenario.yml").read_text()).get("base")
    found: dict[str, Any] = {}
    metrics: dict[str, Any] = {}
    for folder in (case.parent / base if base else case, case):
        for path in sorted(folder.glob("*.json")):
            data = json.loads(path.read_text())
            if not path.stem.startswith("aws_cloudwatch_metrics"):
                found[path.stem] = data
            elif "metric_name" in data and not base:
                metrics[data["metric_name"]] = data
            else:
                metrics |= {one["metric_name"]: one for one in data.get("metric_data_results", [])}
    return found | {"metrics": metrics}


def _series(files: Mapping[str, Any]) -> Iterator[_Series]:
    for name, metric in files["metrics"].items():
        instance = next(one["Value"] for one in metric["dimensions"] if one["Name"] == "DBInstanceIdentifier")
        factor = 0.001 if name in _SECONDS and metric.get("unit") == "Milliseconds" else 1.0
        factor = 1000.0 if name == "CommitLatency" and metric.get("unit") == "Seconds" else factor
        exported = f"aws_rds_{_snake(name)}_{metric.get('stat', 'Average').lower()}"
        yield _made(exported, {"dimension_DBInstanceIdentifier": instance}, _stamps(metric), metric["values"], factor)
    if files.get("aws_performance_insights"):
        yield from _insights(files["aws_performance_insights"], files["metrics"].get("DatabaseConnections"))


def _insights(insights: Mapping[str, Any], connections: Mapping[str, Any] | None) -> Iterator[_Series]:
    instance = insights["db_instance_identifier"]
    stamps, load = _stamps(insights["db_load"]), insights["db_load"]["values"]
    yield _made("aws_rds_dbload_average", {"dimension_DBInstanceIdentifier": instance}, stamps, load)
    server = {"server": f"{instance}.c0ffee.us-east-1.rds.amazonaws.com:5432", "instance": _SCRAPED}
    waits = insights.get("top_wait_events", [])
    total = sum(wait["db_load_avg"] for wait in waits)
    for wait in waits if total else ():
        kind, _, name = wait["name"].rpartition(":")
        labels = {"state": "active", "wait_event_type": "" if "CPU" in (kind, name) else kind, "wait_event": name}
        yield _made("pg_stat_activity_count", server | labels, stamps, load, wait["db_load_avg"] / total)
    if connections is not None and total:
        held = dict(zip(_stamps(connections), connections["values"], strict=True))
        idle = [max(0.0, held.get(stamp, 0.0) - active) for stamp, active in zip(stamps, load, strict=True)]
        yield _made("pg_stat_activity_count", server | {"state": "idle"}, stamps, idle)
    busy = sum(one["db_load_avg"] for one in insights["top_sql"]) or 1.0
    for one in insights["top_sql"]:
        spent, each = 0.0, []
        for index, active in enumerate(load):
            length = stamps[index] - stamps[index - 1] if index else 0
            spent += active * length * one["db_load_avg"] / max(busy, total)
            each.append(spent)
        yield _made("pg_stat_statements_seconds_total", server | {"query": one["statement"]}, stamps, each)


def _stamps(found: Mapping[str, Any]) -> list[float]:
    return [datetime.fromisoformat(stamp).timestamp() for stamp in found["timestamps"]]


def _made(name: str, labels: dict[str, str], stamps: list[float], values: list[float], factor: float = 1.0) -> _Series:
    samples = [[at, value * factor] for at, value in zip(stamps, values, strict=True) if value is not None]
    return {"labels": {"__name__": name, **labels}, "samples": samples}


def _snake(name: str) -> str:
    return _WORDS.sub("_", name).lower().replace("%", "_percent")


def _answers(files: Mapping[str, Any], series: list[dict[str, Any]], namespace: str) -> dict[str, Any]:
    marks = [
        {"labels": one["labels"] | {"namespace": namespace} | _mark(one["labels"]), "samples": one["samples"][-1:]}
        for one in series
    ]
    vector: dict[str, Any] = {"result_type": "vector", "series": []}
    source = MemorySource(
        {make_labels(one["labels"]): {round(at * 1000): value for at, value in one["samples"]} for one in series}
    )
    moments = sorted({at for one in series for at, _ in one["samples"]})
    return {
        "kubernetes.get_resource": lambda a: {"resource": {"kind": a["kind"], "metadata": {"name": a["name"]}}},
        "kubernetes.list_resources": {"items": []},
        "kubernetes.list_events": {"items": []},
        "prometheus.list_metrics": {"names": []},
        "prometheus.query_instant": lambda a: {**vector, "series": marks if "aws_rds" in a["query"] else []},
        "prometheus.query_range": lambda a: {"result_type": "matrix", "series": _measured(a, source, moments)},
        "prometheus.list_alerts": {"alerts": []},
        "prometheus.list_alert_groups": {"groups": []},
        "loki.list_labels": {"names": ["namespace", "service_name"]},
        "loki.query_logs": lambda a: {"records": list(_events(files, namespace, a))},
        "tempo.search_traces": {"traces": []},
        "github.list_repositories": {"names": []},
    }


def _mark(labels: Mapping[str, str]) -> dict[str, str]:
    """An exporter is noticed by the metric that says it is up."""
    return {"__name__": "pg_up"} if labels["__name__"].startswith("pg_") else {}


def _measured(asked: Mapping[str, Any], source: MemorySource, moments: list[float]) -> list[_Series]:
    """The query's answer, at the moments of the samples that lie in the time asked for."""
    start, end = (datetime.fromisoformat(str(asked[name])).timestamp() for name in ("start", "end"))
    step = min(later - earlier for earlier, later in pairwise(moments))
    within = [at for at in moments if start <= at <= end]
    if '"measure"' not in str(asked["query"]) or not within:
        return []
    found = range_query(str(asked["query"]), source, *(round(at * 1000) for at in (within[0], within[-1], step)))
    return [
        {
            "labels": dict(one.labels),
            "samples": [[at / 1000, float(value)] for at, value in zip(one.times, one.values, strict=True)],
        }
        for one in found.series
    ]


def _events(files: Mapping[str, Any], namespace: str, asked: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    start, end = (datetime.fromisoformat(str(asked[name])) for name in ("start", "end"))
    wanted = re.search(r'\|~ "(.*)"$', str(asked["query"]))
    for event in (files.get("aws_rds_events") or {}).get("events", []):
        found = wanted is None or re.search(wanted[1], event["message"])
        if found and start <= datetime.fromisoformat(event["date"]) < end:
            yield {
                "timestamp": event["date"],
                "body": event["message"],
                "severity": "",
                "attributes": {"namespace": namespace, "service_name": event["source_identifier"]},
            }
