"""RootCauseBench's incidents through the whole engine: their files answer the questions it asks.

A responder looks five minutes after the page, at the two hours before: whatever a case records later is not shown.
Deploys are the ReplicaSets that rollouts leave, annotated with their commit; each service has a Service; commits are
GitHub's, with their diffs; spans, log lines and alerts are as recorded; gauges stand for the golden signal that their
name says (a 99th percentile for the 95th). A feature flag is a ConfigMap that its service reads, edited when it was
flipped; what kubelet and the scheduler wrote are events. Status pages of providers are left out: the engine reads none.

Judged is the first hypothesis: its first suspected change is the commit, and having none says that no code did it.
Where it is about something that is no service (a provider, a node), the service that depends on it most counts.
"""

from __future__ import annotations

import asyncio
import csv
import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from autodevops.domain.investigation import Investigation
from autodevops.domain.window import TimeWindow
from autodevops.investigation import Request, investigate
from autodevops.kernel.errors import ToolNotFound
from autodevops.toolbox.recorder import Recorder
from autodevops.toolbox.testing import ScriptedTools

_NAMESPACE = "production"
_REPOSITORY = "acme/monorepo"
_AFTER_PAGE = timedelta(minutes=5)
_WINDOW = timedelta(hours=2)
_FAMILY = "http_server_request_duration_seconds"
_CLUSTER = {"kubelet", "kube-scheduler", "kube-controller-manager", "node-controller"}  # their lines are events
_ERRORS = re.compile(r"(error|fail|5xx|reject|timeout).*(ratio|rate|pct|percent)")
_LATENCY = re.compile(r"(duration|latency|response_time).*?_?(p9\d|p50|avg)?_(ms|seconds)$")
_REQUESTS = re.compile(r"(per_sec|per_second|_rps|_qps)$")
_ASKED = re.compile(r"request|_rps$|_qps$|error|duration|latency|response")  # a disk's writes a second are none


def run(folder: Path) -> list[str]:
    lines: list[str] = []
    commits = services = both = decoys = none = none_right = cases = 0
    for case in sorted(path for path in folder.iterdir() if path.is_dir()):
        truth = json.loads((case / "truth.json").read_text())
        found = asyncio.run(investigation(case))
        commit, service = verdict(found)
        right, placed = commit == truth["root_cause_commit"], service == truth["first_failing_service"]
        fell = any(commit == decoy for decoy in truth["decoy_deploy_commits"])
        cases, commits, services, both = cases + 1, commits + right, services + placed, both + (right and placed)
        decoys += fell
        if truth["root_cause_commit"] == "none":
            none, none_right = none + 1, none_right + right
        lines.append(
            f"{case.name}: commit {commit[:10]} {'right' if right else 'WRONG'}{' (decoy)' if fell else ''},"
            f" first failing {service or 'nobody'} {'right' if placed else 'WRONG'}; {found.verdict}"
        )
    return [
        *lines,
        f"{cases} cases: commit or none right in {commits}, first failing service in {services}, both in {both};"
        f" decoys blamed {decoys}; called so where no code did it {none_right} of {none}",
    ]


def verdict(found: Investigation) -> tuple[str, str]:
    """The commit blamed, or `none`, and the first failing service: the one at fault, or the nearest to what is."""
    if not found.hypotheses:
        return "none", ""
    top = found.hypotheses[0]
    blamed = top.suspects[0].commit if top.suspects else ""
    services = [one.name for one in (top.subject, *top.suffering) if one.kind == "Deployment"]
    return blamed or "none", services[0] if services else ""


async def investigation(case: Path) -> Investigation:
    files = _files(case)
    end = _moment(files["alert"]["fired_at"]) + _AFTER_PAGE
    tools = ScriptedTools(_answers(files, end))
    request = Request(namespace=_NAMESPACE, window=TimeWindow.ending(end, _WINDOW))
    return await investigate(request, Recorder(tools, clock=lambda: end))


def _files(case: Path) -> dict[str, Any]:
    found: dict[str, Any] = {path.stem: json.loads(path.read_text()) for path in case.glob("*.json")}
    found.setdefault("flags", [])
    found["logs"] = [json.loads(line) for line in (case / "logs.ndjson").read_text().splitlines() if line.strip()]
    with (case / "metrics.csv").open() as file:
        found["metrics"] = list(csv.DictReader(file))
    return found


def _answers(files: Mapping[str, Any], end: datetime) -> dict[str, Any]:
    kinds = _objects(files, end)
    traces = _traces(files["traces"], end)
    signals = _signals(files, end)
    nothing = {"result_type": "matrix", "series": []}
    return {
        "kubernetes.get_resource": lambda a: {"resource": {"kind": a["kind"], "metadata": {"name": a["name"]}}},
        "kubernetes.list_resources": lambda a: _listed(kinds, a),
        "kubernetes.list_events": {"items": _events(files, end)},
        "kubernetes.get_rollout_history": ToolNotFound("It has no history."),
        "kubernetes.get_pod_logs": lambda a: {"lines": _tail(files, a["name"], end)},
        "prometheus.list_metrics": {"names": [f"{_FAMILY}_count", f"{_FAMILY}_bucket"]},
        "prometheus.query_instant": lambda a: _instant(a["query"], signals),
        "prometheus.query_range": lambda a: _range(a, signals) or nothing,
        "prometheus.list_alerts": {"alerts": [_alert(files["alert"])]},
        "prometheus.list_alert_groups": {"groups": []},
        "loki.list_labels": {"names": ["namespace", "service_name"]},
        "loki.query_logs": lambda a: {"records": _records(files["logs"], a)},
        "tempo.search_traces": lambda a: {"traces": _search(traces, a)},
        "tempo.get_trace": lambda a: {"trace": {"trace_id": a["trace_id"], "spans": traces[a["trace_id"]]}},
        "github.list_repositories": {"names": [_REPOSITORY]},
        "github.list_commits": lambda a: {"commits": _commits(files, a)},
        "github.get_commit": lambda a: _commit_answer(files, str(a["sha"])),
        "github.list_pulls": {"pulls": []},
    }


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _stamp(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


# --- Kubernetes ---


def _services(files: Mapping[str, Any]) -> list[str]:
    named = {one["service"] for part in ("deploys", "traces") for one in files[part]} | {files["alert"]["service"]}
    requests = {row["service"] for row in files["metrics"] if _kind(row["metric"])}
    return sorted((named | requests | {one["service"] for one in files["logs"]}) - _CLUSTER)


def _objects(files: Mapping[str, Any], end: datetime) -> dict[str, list[dict[str, Any]]]:
    kinds: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for service in _services(files):
        deploys = sorted(
            (one for one in files["deploys"] if one["service"] == service and _moment(one["timestamp"]) <= end),
            key=lambda one: one["timestamp"],
        )
        # What ran before the first deploy on record is not told; there was something.
        revisions = [{"timestamp": "2000-01-01T00:00:00Z", "version": "before", "commit_sha": ""}, *deploys]
        flags = sorted({_flag_name(one) for one in files["flags"] if one["service"] == service})
        sets = [_replica_set(service, number, one, flags) for number, one in enumerate(revisions, 1)]
        ready, restarts = (_last(files, service, word, end) for word in ("ready_replicas", "restart"))
        kinds["ReplicaSet"] += sets
        kinds["Deployment"].append(_deployment(service, sets[-1], 1 if ready is None else round(ready)))
        kinds["Pod"].append(_pod(service, sets[-1], ready, int(restarts or 0)))
        kinds["Service"].append(_service(service))
    for flag in files["flags"]:
        if _moment(flag["timestamp"]) <= end:
            kinds["ConfigMap"].append(_flag(flag))
    return kinds


def _listed(kinds: Mapping[str, list[dict[str, Any]]], asked: Mapping[str, Any]) -> dict[str, Any]:
    found = kinds.get(asked["kind"], []) if asked.get("namespace") in (None, _NAMESPACE) else []
    if not asked.get("fields"):
        return {"items": found}
    columns = [str(field) for field in asked["fields"]]
    rows = [[one["metadata"].get(field.removeprefix("metadata.")) for field in columns] for one in found]
    return {"columns": columns, "rows": rows}


def _named(kind: str, name: str, created: str, **more: Any) -> dict[str, Any]:
    meta = {"name": name, "namespace": _NAMESPACE, "creationTimestamp": created, **more}
    return {"apiVersion": "v1" if kind in ("Pod", "Service") else "apps/v1", "kind": kind, "metadata": meta}


def _template(service: str, one: Mapping[str, Any], flags: list[str]) -> dict[str, Any]:
    reads = [{"configMapRef": {"name": name}} for name in flags]
    revision = {"org.opencontainers.image.revision": one["commit_sha"]} if one["commit_sha"] else {}
    return {
        "metadata": {"labels": {"app": service}, "annotations": revision},
        "spec": {
            "containers": [{"name": service, "image": f"registry.example/{service}:{one['version']}", "envFrom": reads}]
        },
    }


def _replica_set(service: str, number: int, one: Mapping[str, Any], flags: list[str]) -> dict[str, Any]:
    owner = {"apiVersion": "apps/v1", "kind": "Deployment", "name": service, "controller": True}
    head = _named(
        "ReplicaSet",
        f"{service}-{number:010d}".replace("0", "b").replace("1", "c"),
        one["timestamp"],
        ownerReferences=[owner],
        annotations={"deployment.kubernetes.io/revision": str(number)},
    )
    return {**head, "spec": {"template": _template(service, one, flags)}}


def _service(service: str) -> dict[str, Any]:
    return {**_named("Service", service, "2000-01-01T00:00:00Z"), "spec": {"selector": {"app": service}}}


def _deployment(service: str, newest: Mapping[str, Any], ready: int) -> dict[str, Any]:
    return {
        **_named("Deployment", service, "2000-01-01T00:00:00Z"),
        "spec": {"replicas": max(1, ready), "template": newest["spec"]["template"]},
        "status": {"replicas": max(1, ready), "readyReplicas": ready, "availableReplicas": ready},
    }


def _pod(service: str, newest: Mapping[str, Any], ready: float | None, restarts: int) -> dict[str, Any]:
    well = ready is None or ready > 0
    owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": newest["metadata"]["name"], "controller": True}
    back_off = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off restarting failed container"}}
    state = {
        "name": service,
        "ready": well,
        "restartCount": restarts,
        "state": {"running": {"startedAt": newest["metadata"]["creationTimestamp"]}} if well else back_off,
        **({} if well or not restarts else {"lastState": {"terminated": {"exitCode": 2, "reason": "Error"}}}),
    }
    created, labels = newest["metadata"]["creationTimestamp"], newest["spec"]["template"]["metadata"]["labels"]
    return {
        **_named("Pod", f"{newest['metadata']['name']}-bcdfg", created, ownerReferences=[owner], labels=labels),
        "spec": newest["spec"]["template"]["spec"],
        "status": {
            "phase": "Running",
            "startTime": created,
            "conditions": [{"type": "Ready", "status": str(well)}],
            "containerStatuses": [state],
        },
    }


def _flag_name(flag: Mapping[str, Any]) -> str:
    return re.sub(r"[^a-z0-9-]", "-", str(flag["flag"]).lower())


def _flag(flag: Mapping[str, Any]) -> dict[str, Any]:
    edit = {"manager": flag["actor"], "operation": "Update", "time": flag["timestamp"], "apiVersion": "v1"}
    return {
        **_named(
            "ConfigMap", _flag_name(flag), "2000-01-01T00:00:00Z", labels={"app": flag["service"]}, managedFields=[edit]
        ),
        "data": {flag["flag"]: flag["change"].rpartition("->")[2]},
    }


def _events(files: Mapping[str, Any], end: datetime) -> list[dict[str, Any]]:
    found = []
    for line in files["logs"]:
        if line["service"] in _CLUSTER and _moment(line["timestamp"]) <= end:
            node, pod = line.get("k8s.node", ""), line.get("k8s.pod", "")
            about_node = bool(node) and line["msg"].startswith("Node ")
            involved = {"kind": "Node", "name": node} if about_node or not pod else {"kind": "Pod", "name": pod}
            found.append(
                {
                    "type": "Warning" if line["severity_text"] in ("WARN", "ERROR") else "Normal",
                    "reason": line.get("reason", ""),
                    "message": line["msg"],
                    "count": 1,
                    "firstTimestamp": line["timestamp"],
                    "lastTimestamp": line["timestamp"],
                    "involvedObject": {**involved, "namespace": line.get("k8s.namespace", _NAMESPACE)},
                }
            )
    return found


def _tail(files: Mapping[str, Any], pod: str, end: datetime) -> list[str]:
    lines = [line for line in files["logs"] if pod.startswith(f"{line['service']}-")]
    return [json.dumps(line) for line in lines if _moment(line["timestamp"]) <= end][-60:]


# --- Prometheus ---


def _kind(metric: str) -> str:
    if _ERRORS.search(metric):
        return "errors"
    if _LATENCY.search(metric):
        return "latency"
    return "requests" if _REQUESTS.search(metric) else ""


def _signals(files: Mapping[str, Any], end: datetime) -> dict[str, dict[str, list[tuple[float, float]]]]:
    """By signal and service; of several gauges the alert's own, else one that speaks of requests, else the first."""

    def rank(metric: str) -> tuple[bool, bool]:
        return metric == files["alert"]["metric"], bool(_ASKED.search(metric))

    chosen: dict[tuple[str, str], str] = {}
    for row in files["metrics"]:
        key = _kind(row["metric"]), row["service"]
        if key[0] and (key not in chosen or rank(row["metric"]) > rank(chosen[key])):
            chosen[key] = row["metric"]
    found: dict[str, dict[str, list[tuple[float, float]]]] = defaultdict(lambda: defaultdict(list))
    for row in files["metrics"]:
        kind, moment = _kind(row["metric"]), _moment(row["timestamp"])
        if moment > end or chosen.get((kind, row["service"])) != row["metric"]:
            continue
        unit = 0.01 if row["metric"].endswith(("pct", "percent")) else 0.001 if row["metric"].endswith("_ms") else 1.0
        found[kind][row["service"]].append((moment.timestamp(), float(row["value"]) * unit))
    return found


def _last(files: Mapping[str, Any], service: str, word: str, end: datetime) -> float | None:
    rows = [r for r in files["metrics"] if r["service"] == service and word in r["metric"]]
    seen = [float(r["value"]) for r in rows if _moment(r["timestamp"]) <= end]
    return seen[-1] if seen else None


def _instant(query: str, signals: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    services = sorted({service for kind in signals.values() for service in kind})
    if "service_name" in query:
        rows = [{"service_name": service} for service in services]
    elif "http_response_status_code" in query:
        rows = [{"http_response_status_code": "500"}]
    else:
        rows = []
    return {"result_type": "vector", "series": [{"labels": row, "samples": [[0.0, 1.0]]} for row in rows]}


def _range(asked: Mapping[str, Any], signals: Mapping[str, Mapping[str, Any]]) -> dict[str, Any] | None:
    query = str(asked["query"])
    if _FAMILY not in query:
        return None
    kind = "latency" if "histogram_quantile" in query else "errors" if " / " in query else "requests"
    start, end = (_moment(str(asked[name])).timestamp() for name in ("start", "end"))
    return {
        "result_type": "matrix",
        "series": [
            {"labels": {"service_name": service}, "samples": [[*one] for one in samples if start <= one[0] <= end]}
            for service, samples in sorted(signals.get(kind, {}).items())
        ],
    }


def _alert(alert: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "labels": {
            "alertname": alert["monitor"],
            "namespace": _NAMESPACE,
            "service": alert["service"],
            "severity": alert["severity"],
            "metric": alert["metric"],
        },
        "annotations": {"summary": alert["summary"]},
        "state": "firing",
        "starts_at": alert["fired_at"],
    }


# --- Loki and Tempo ---


def _records(lines: list[dict[str, Any]], asked: Mapping[str, Any]) -> list[dict[str, Any]]:
    start, end = (_moment(str(asked[name])) for name in ("start", "end"))
    words = re.search(r'\|~ "(.*?)"(?: \||$)', str(asked["query"]))
    pattern = re.compile(words.group(1) if words else "")
    found = [
        {
            "timestamp": line["timestamp"],
            "body": body,
            "severity": line["severity_text"].lower(),
            "attributes": {"namespace": _NAMESPACE, "service_name": line["service"]},
            "trace_id": line.get("trace_id", ""),
        }
        for line in lines
        if line["service"] not in _CLUSTER and start <= _moment(line["timestamp"]) < end
        for body in [json.dumps(line)]
        if pattern.search(body)
    ]
    found.sort(key=lambda one: one["timestamp"], reverse=asked.get("direction") != "forward")
    return found[: int(asked.get("limit", 100))]


_SPAN_FIELDS = {
    "trace_id",
    "span_id",
    "parent_id",
    "service",
    "name",
    "start",
    "duration_ms",
    "status",
    "error",
    "status_message",
    "attributes",
}


def _traces(spans: list[dict[str, Any]], end: datetime) -> dict[str, list[dict[str, Any]]]:
    """By trace id. A span belongs to the trace of its parent, whatever its own field says."""
    trace_of: dict[str, str] = {}
    services: dict[str, str] = {}
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for number, span in enumerate(spans):
        parent = span.get("parent_id") or ""
        name = trace_of.get(parent) or hashlib.sha256(f"{span['trace_id']}{number}".encode()).hexdigest()[:32]
        trace_of[span["span_id"]], services[span["span_id"]] = name, span["service"]
        if _moment(span["start"]) > end:
            continue
        outgoing = services.get(parent) == span["service"] or "client" in span["name"]
        extra = {key: value for key, value in span.items() if key not in _SPAN_FIELDS} | span.get("attributes", {})
        found[name].append(
            {
                "span_id": _hex(name, span["span_id"]),
                "parent_span_id": _hex(name, parent) if parent else "",
                "service": span["service"],
                "name": span["name"],
                "kind": "client" if outgoing else "server",
                "start": span["start"],
                "duration_ms": span["duration_ms"],
                "status": "error" if span["status"] == "ERROR" else "ok",
                "status_message": span.get("error") or span.get("status_message") or "",
                "attributes": {k: v for k, v in extra.items() if isinstance(v, (str, int, float, bool))},
                "resource": {"service.name": span["service"], "k8s.namespace.name": _NAMESPACE},
            }
        )
    return found


def _hex(trace: str, span: str) -> str:
    return hashlib.sha256(f"{trace}{span}".encode()).hexdigest()[:16]


def _search(traces: Mapping[str, list[dict[str, Any]]], asked: Mapping[str, Any]) -> list[dict[str, Any]]:
    query = str(asked["query"])
    start, end = (_moment(str(asked[name])) for name in ("start", "end"))
    slower = re.search(r"duration > (\d+)ms", query)
    found = []
    for name, spans in traces.items():
        root = spans[0]
        if not start <= _moment(root["start"]) < end:
            continue
        if "status = error" in query and not any(span["status"] == "error" for span in spans):
            continue
        if slower and not any(s["kind"] == "server" and s["duration_ms"] > int(slower.group(1)) for s in spans):
            continue
        found.append({"trace_id": name, "start": root["start"], "duration_ms": root["duration_ms"]})
    return found


# --- GitHub ---


def _commits(files: Mapping[str, Any], asked: Mapping[str, Any]) -> list[dict[str, Any]]:
    since, until = (_moment(str(asked[name])) for name in ("since", "until"))
    return [
        _commit(one)
        for one in sorted(files["commits"], key=lambda one: one["timestamp"], reverse=True)
        if since <= _moment(one["timestamp"]) <= until
    ][: int(asked.get("limit", 50))]


def _commit(one: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "repository": _REPOSITORY,
        "sha": one["sha"],
        "message": one["message"],
        "author": one["author"],
        "at": one["timestamp"],
        "url": "",
        **more,
    }


def _commit_answer(files: Mapping[str, Any], sha: str) -> Any:
    one = next((one for one in files["commits"] if one["sha"].startswith(sha)), None)
    if one is None:
        return ToolNotFound(f"Commit {sha} of {_REPOSITORY} does not exist.")
    patches = _patches(one.get("diff") or "", one["files_changed"])
    changed = [{"path": path, "status": "modified", "patch": patches.get(path, "")} for path in one["files_changed"]]
    return {"commit": _commit(one, files=changed)}


def _patches(diff: str, paths: list[str]) -> dict[str, str]:
    """GitHub gives a patch a file; theirs is one text whose hunk headers name the file, if they do."""
    found: dict[str, list[str]] = defaultdict(list)
    current = paths[0] if paths else ""
    for line in diff.splitlines():
        if line.startswith(("@@", "--- ", "+++ ", "diff --git")):
            named = next((path for path in paths if path in line), "")
            current = named or current
            if not line.startswith("@@"):
                continue
            context = re.sub(r"^@@(?: -\d\S* \+\d\S* @@)?", "", line).replace(named, "", 1) if named else line[2:]
            line = f"@@ -1 +1 @@ {re.sub(r'^[-+,0-9 ]*@@', '', context).strip(' :@')}"
        found[current].append(line)
    return {path: "\n".join(lines) for path, lines in found.items()}
