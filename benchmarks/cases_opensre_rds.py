"""OpenSRE's database cases through the whole engine: CloudWatch's series as YACE would export them to Prometheus.

The case's metrics become `aws_rds_*_average` of their instance, Performance Insights' statements the execution time a
second that pg_stat_statements counts (its average active sessions are that), the instance's events log lines. The
alert is the question, not evidence: what it claims is what is to be found out. There is no cluster; the metrics carry
the namespace whose exporter scraped them. Judged is the category alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml
from opensre_categories import judged

from autodevops.domain.investigation import Investigation
from autodevops.domain.window import TimeWindow
from autodevops.investigation import Request, investigate
from autodevops.toolbox.recorder import Recorder
from autodevops.toolbox.testing import ScriptedTools

_WORDS = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_DELAY = timedelta(minutes=15)  # of a cloud's metrics: its events come at once
_SCRAPED = "10.0.0.9:9187"
_MILLISECONDS = {"ReadLatency", "WriteLatency", "CommitLatency"}
_JOINED = {"CPUUtilization": "cpuutilization", "DBLoad": "dbload"}  # as both exporters spell what ends in capitals


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


def _series(files: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for name, metric in files["metrics"].items():
        instance = next(one["Value"] for one in metric["dimensions"] if one["Name"] == "DBInstanceIdentifier")
        factor = 0.001 if name in _MILLISECONDS and metric.get("unit") == "Milliseconds" else 1.0
        yield {
            "labels": {"__name__": f"aws_rds_{_snake(name)}_average", "dimension_DBInstanceIdentifier": instance},
            "samples": [
                [datetime.fromisoformat(stamp).timestamp(), value * factor]
                for stamp, value in zip(metric["timestamps"], metric["values"], strict=True)
            ],
        }
    insights = files.get("aws_performance_insights") or {}
    if insights:
        instance = insights["db_instance_identifier"]
        stamps = [datetime.fromisoformat(stamp).timestamp() for stamp in insights["db_load"]["timestamps"]]
        yield {
            "labels": {"__name__": "aws_rds_dbload_average", "dimension_DBInstanceIdentifier": instance},
            "samples": [list(pair) for pair in zip(stamps, insights["db_load"]["values"], strict=True)],
        }
        server = f"{instance}.c0ffee.us-east-1.rds.amazonaws.com:5432"
        for one in insights["top_sql"]:
            name = "pg_stat_statements_seconds_total"
            yield {
                "labels": {"__name__": name, "server": server, "instance": _SCRAPED, "query": one["statement"]},
                "samples": [[stamp, one["db_load_avg"]] for stamp in stamps],
            }


def _snake(name: str) -> str:
    return _JOINED.get(name) or _WORDS.sub("_", name).lower()


def _answers(files: Mapping[str, Any], series: list[dict[str, Any]], namespace: str) -> dict[str, Any]:
    marks = [
        {"labels": one["labels"] | {"namespace": namespace} | _mark(one["labels"]), "samples": one["samples"][-1:]}
        for one in series
    ]
    vector: dict[str, Any] = {"result_type": "vector", "series": []}
    return {
        "kubernetes.get_resource": lambda a: {"resource": {"kind": a["kind"], "metadata": {"name": a["name"]}}},
        "kubernetes.list_resources": {"items": []},
        "kubernetes.list_events": {"items": []},
        "prometheus.list_metrics": {"names": []},
        "prometheus.query_instant": lambda a: {**vector, "series": marks if "aws_rds" in a["query"] else []},
        "prometheus.query_range": lambda a: {"result_type": "matrix", "series": list(_measured(a["query"], series))},
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


def _measured(query: str, series: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The union that was asked for: of each metric in it, its series under the measure that the query gives it."""
    for name, measure in re.findall(r"\((\w+)\{[^}]*\}[^\"]*\"measure\", \"(\w+)\"", query):
        for one in series:
            if one["labels"]["__name__"] == name:
                yield {**one, "labels": {**_without_name(one["labels"]), "measure": measure}}


def _without_name(labels: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in labels.items() if key != "__name__"}


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
