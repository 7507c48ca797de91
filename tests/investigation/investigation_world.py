"""A small world in memory that answers the engine's questions as the real servers do.

Written from the vendors' formats, with no code of the sandbox: a few services that call each other in a line or a
tree, each with rates, error ratios, latencies, pods, ReplicaSets, logs and traces, as functions of time. A test says
only what differs from a quiet day.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from autodevops.domain.evidence import Evidence
from autodevops.domain.investigation import Investigation
from autodevops.domain.subject import Subject
from autodevops.domain.window import TimeWindow
from autodevops.investigation import Request, investigate
from autodevops.kernel.errors import ToolDenied, ToolNotFound, ToolUnavailable
from autodevops.toolbox.protocol import Emit
from autodevops.toolbox.recorder import Recorder
from autodevops.toolbox.testing import ScriptedTools

END = datetime(2026, 3, 9, 12, 0, tzinfo=UTC)


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


def stamp(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def _chosen(fields: list[str], found: list[dict[str, Any]]) -> dict[str, Any]:
    return {"columns": fields, "rows": [[_field(item, path) for path in fields] for item in found]}


def _field(item: Any, path: str) -> Any:
    for step in re.split(r"(?<!\\)\.", path):
        item = item.get(step.replace("\\.", ".")) if isinstance(item, dict) else None
    return item


@lru_cache(maxsize=None, typed=True)  # 7 and 7.0 are written differently
def jitter(*parts: object) -> float:
    """A number in -1 to 1 that depends on its arguments alone."""
    digest = hashlib.sha256(repr(parts).encode()).digest()
    return int.from_bytes(digest[:4], "big") / 2**31 - 1.0


@dataclass
class Service:
    name: str
    calls: tuple[str, ...] = ()
    replicas: int = 2
    rate: float = 20.0
    latency: float = 0.1
    failing: Callable[[datetime], float] = lambda _at: 0.001
    slower: Callable[[datetime], float] = lambda _at: 1.0  # factor on latency
    work: Callable[[datetime], float] = lambda _at: 1.0  # factor on the time it spends itself
    revisions: tuple[tuple[int, datetime, str, str], ...] = ()  # number, created, image, commit
    exception: str = ""
    origin: bool = False  # whether its errors start in it
    logs: tuple[tuple[datetime, str], ...] = ()
    pod_status: Mapping[str, Any] = field(default_factory=dict)
    container_status: Mapping[str, Any] = field(default_factory=dict)
    conditions: tuple[Mapping[str, Any], ...] = ()
    replica_set_conditions: tuple[Mapping[str, Any], ...] = ()
    available: int | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    previous_logs: tuple[str, ...] = ()
    placed: bool = True
    ports: tuple[Mapping[str, Any], ...] = ()
    volumes: tuple[Mapping[str, Any], ...] = ()
    container: Mapping[str, Any] = field(default_factory=dict)  # more of the container in its template
    pod_spec: Mapping[str, Any] = field(default_factory=dict)  # more of its pods and their template
    pod_metadata: Mapping[str, Any] = field(default_factory=dict)
    pods: int | None = None  # how many exist, where not all do


@dataclass
class World:
    """Scripted answers of all five systems about `services` in `namespace`."""

    services: list[Service]
    namespace: str = "bank"
    end: datetime = END
    alerts: list[dict[str, Any]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    nodes: list[dict[str, Any]] = field(default_factory=lambda: [node("node-1"), node("node-2")])
    commits: list[dict[str, Any]] = field(default_factory=list)
    pulls: list[dict[str, Any]] = field(default_factory=list)
    away: frozenset[str] = frozenset()
    shuffled: bool = False
    workload_label: str = "service"
    kube_state: bool = False
    objects: list[dict[str, Any]] = field(default_factory=list)  # of other kinds, or unusual Services
    system: list[dict[str, Any]] = field(default_factory=list)  # objects of kube-system
    node_events: list[dict[str, Any]] = field(default_factory=list)
    node_metrics: Mapping[str, Mapping[str, Callable[[datetime], float]]] = field(default_factory=dict)
    """By metric and labels (`node-1`, or `node-1 containerd.service`); what a query mentions first is answered."""
    pod_metrics: Mapping[str, Mapping[str, float]] = field(default_factory=dict)  # error_ratio, latency: by pod
    memory: Mapping[str, Callable[[datetime], float]] = field(default_factory=dict)  # working set in bytes, by pod
    unlisted: frozenset[str] = frozenset()  # kinds that may not be listed

    def tools(self) -> ScriptedTools:
        script: dict[str, Any] = {
            "kubernetes.get_resource": self._resource,
            "kubernetes.list_resources": self._resources,
            "kubernetes.list_events": self._events,
            "kubernetes.list_api_resources": self._kinds,
            "kubernetes.get_rollout_history": self._history,
            "kubernetes.get_pod_logs": self._pod_logs,
            "prometheus.list_metrics": self._metric_names,
            "prometheus.query_instant": self._instant,
            "prometheus.query_range": self._range,
            "prometheus.list_alerts": lambda _a: {"alerts": self.alerts},
            "prometheus.list_alert_groups": lambda _a: {"groups": []},
            "loki.list_labels": lambda _a: {"names": ["app", "namespace", "pod"]},
            "loki.query_logs": self._logs,
            "tempo.search_traces": self._search,
            "tempo.get_trace": self._trace,
            "github.list_repositories": lambda _a: {"names": ["org/mono"]},
            "github.list_commits": lambda _a: {"commits": self.commits},
            "github.list_pulls": lambda _a: {"pulls": self.pulls},
            "github.get_commit": lambda a: {"commit": next(c for c in self.commits if c["sha"] == a["sha"])},
            "github.get_pull": lambda a: {"pull": next(p for p in self.pulls if p["number"] == a["number"])},
        }
        for tool in script:
            system = tool.split(".", 1)[0]
            if system in self.away and tool != "github.list_repositories":
                script[tool] = ToolUnavailable(
                    f"{system} at 127.0.0.1:1 does not answer: connection refused.", "Start it."
                )
        return ScriptedTools(script)

    async def investigate(self, emit: Emit = lambda _event: None, **request: Any) -> Investigation:
        window = TimeWindow.ending(self.end, timedelta(hours=1))
        asked = Request(**{"namespace": self.namespace, "window": window, **request})
        return await investigate(asked, self.recorder(), emit)

    def recorder(self) -> Recorder:
        return Recorder(self.tools(), clock=lambda: self.end)

    def subject(self, name: str) -> Subject:
        return Subject(kind="Deployment", name=name, namespace=self.namespace, api_version="apps/v1")

    def _ordered(self, found: list[Any]) -> list[Any]:
        return sorted(found, key=lambda item: hashlib.sha256(repr(item).encode()).digest()) if self.shuffled else found

    def _items(self, found: list[dict[str, Any]]) -> dict[str, Any]:
        return {"items": self._ordered(found)}

    # --- Kubernetes ---

    def _resource(self, arguments: Mapping[str, Any]) -> Any:
        if arguments["kind"] == "Namespace" and arguments["name"] != self.namespace:
            return ToolNotFound(f"Namespace {arguments['name']} does not exist.", f"Did you mean {self.namespace}?")
        return {"resource": {"kind": arguments["kind"], "metadata": {"name": arguments["name"]}}}

    def _events(self, arguments: Mapping[str, Any]) -> Any:
        return self._items(self.node_events if arguments.get("involved_kind") == "Node" else self.events)

    def _kinds(self, arguments: Mapping[str, Any]) -> Any:
        known = {item["kind"]: item for item in self.objects if arguments["containing"] in item.get("apiVersion", "")}
        return {
            "resources": [
                {"kind": kind, "name": f"{kind.lower()}s", "api_version": item["apiVersion"], "namespaced": True}
                for kind, item in sorted(known.items())
            ]
        }

    def _resources(self, arguments: Mapping[str, Any]) -> Any:
        if arguments["kind"] in self.unlisted:
            return ToolDenied(f"Listing {arguments['kind']} is forbidden.")
        if arguments.get("namespace") == "kube-system":
            name = str(arguments.get("field_selector", "")).removeprefix("metadata.name=")
            own = [item for item in self.system if item["kind"] == arguments["kind"]]
            return self._items([item for item in own if name in ("", item["metadata"]["name"])])
        if arguments.get("namespace") not in (None, self.namespace):
            return ToolNotFound(
                f"Namespace {arguments['namespace']} does not exist.", f"Did you mean {self.namespace}?"
            )
        makers: dict[str, Callable[[], list[dict[str, Any]]]] = {
            "Deployment": lambda: [self._deployment(s) for s in self.services],
            "ReplicaSet": lambda: [rs for s in self.services for rs in self._replica_sets(s)],
            "Pod": lambda: [pod for s in self.services for pod in self._pods(s)],
            "Service": lambda: [self._service(s) for s in self.services],
            "Node": lambda: self.nodes,
        }
        own = [item for item in self.objects if item["kind"] == arguments["kind"]]
        replaced = {item["metadata"]["name"] for item in own}
        usual = makers.get(arguments["kind"], list)()
        found = [*own, *(item for item in usual if item["metadata"]["name"] not in replaced)]
        return _chosen(arguments["fields"], found) if arguments.get("fields") else self._items(found)

    def _revisions(self, service: Service) -> tuple[tuple[int, datetime, str, str], ...]:
        old = self.end - timedelta(days=9)
        return service.revisions or ((1, old, f"registry.example/{service.name}:1.0", ""),)

    def _template(self, service: Service, image: str, commit: str) -> dict[str, Any]:
        env = [{"name": key, "value": value} for key, value in service.env.items()]
        container = {"name": "app", "image": image, "env": env, "resources": {"limits": {"memory": "256Mi"}}}
        container |= {"ports": list(service.ports), **service.container}
        annotations = {"org.opencontainers.image.revision": commit} if commit else {}
        return {
            "metadata": {"labels": {"app": service.name}, "annotations": annotations},
            "spec": {"containers": [container]} | dict(service.pod_spec),
        }

    def _deployment(self, service: Service) -> dict[str, Any]:
        number, _, image, commit = self._revisions(service)[-1]
        available = service.replicas if service.available is None else service.available
        return {
            "kind": "Deployment",
            "metadata": {
                "name": service.name,
                "namespace": self.namespace,
                "annotations": {"deployment.kubernetes.io/revision": str(number)},
            },
            "spec": {"replicas": service.replicas, "template": self._template(service, image, commit)},
            "status": {"availableReplicas": available, "conditions": list(service.conditions)},
        }

    def _replica_sets(self, service: Service) -> list[dict[str, Any]]:
        return [
            {
                "kind": "ReplicaSet",
                "metadata": {
                    "name": f"{service.name}-{_hash(service.name, number)}",
                    "namespace": self.namespace,
                    "creationTimestamp": stamp(created),
                    "annotations": {"deployment.kubernetes.io/revision": str(number)},
                    "ownerReferences": [{"kind": "Deployment", "name": service.name, "controller": True}],
                },
                "spec": {"template": self._template(service, image, commit)},
                "status": {"conditions": list(service.replica_set_conditions)},
            }
            for number, created, image, commit in self._revisions(service)
        ]

    def _pods(self, service: Service) -> list[dict[str, Any]]:
        number, created, image, commit = self._revisions(service)[-1]
        owner = f"{service.name}-{_hash(service.name, number)}"
        return [
            {
                "kind": "Pod",
                "metadata": {
                    "name": self.pod_name(service, index),
                    "namespace": self.namespace,
                    "creationTimestamp": stamp(created),
                    "labels": {"app": service.name},
                    "ownerReferences": [{"kind": "ReplicaSet", "name": owner, "controller": True}],
                }
                | dict(service.pod_metadata),
                "spec": {
                    "nodeName": self.nodes[index % len(self.nodes)]["metadata"]["name"] if service.placed else "",
                    "volumes": list(service.volumes),
                    **self._template(service, image, commit)["spec"],
                },
                "status": {
                    "phase": "Running",
                    "conditions": [{"type": "Ready", "status": "True"}],
                    "containerStatuses": [
                        {"name": "app", "image": image, "restartCount": 0, "state": {"running": {}}}
                        | dict(service.container_status)
                    ],
                }
                | dict(service.pod_status),
            }
            for index in range(service.replicas if service.pods is None else service.pods)
        ]

    def pod_name(self, service: Service, index: int = 0) -> str:
        number = self._revisions(service)[-1][0]
        return f"{service.name}-{_hash(service.name, number)}-{_hash('pod', index)[:5]}"

    def _service(self, service: Service) -> dict[str, Any]:
        return {
            "kind": "Service",
            "apiVersion": "v1",
            "metadata": {"name": service.name, "namespace": self.namespace},
            "spec": {"selector": {"app": service.name}},
        }

    def _history(self, arguments: Mapping[str, Any]) -> Any:
        service = self._by_name(arguments["name"])
        if service is None:
            return ToolNotFound(f"{arguments['kind']} {arguments['name']} does not exist.")
        return {
            "kind": arguments["kind"],
            "namespace": self.namespace,
            "name": service.name,
            "revisions": [
                {
                    "revision": n,
                    "created_at": stamp(at),
                    "owner": f"{service.name}-{_hash(service.name, n)}",
                    "images": {"app": image},
                }
                for n, at, image, _ in reversed(self._revisions(service))
            ],
        }

    def _pod_logs(self, arguments: Mapping[str, Any]) -> Any:
        for service in self.services:
            if str(arguments["name"]).startswith(f"{service.name}-"):
                return {"lines": list(service.previous_logs)}
        return ToolNotFound("no such pod")

    def _by_name(self, name: str) -> Service | None:
        return next((s for s in self.services if s.name == name), None)

    # --- Prometheus ---

    def _metric_names(self, arguments: Mapping[str, Any]) -> Any:
        family = "http_server_request_duration_seconds"
        here = arguments["match"] == f'{{namespace="{self.namespace}"}}' and any(s.rate > 0 for s in self.services)
        return {"names": [f"{family}_{part}" for part in ("bucket", "count", "sum")] if here else []}

    def _instant(self, arguments: Mapping[str, Any]) -> Any:
        query = arguments["query"]
        if query.startswith("count by (__name__)"):
            names = [{"__name__": name} for name in self.node_metrics if name in query]
            return self._vector([(row, 1.0) for row in names])
        if "pod" in query.partition("sum by (")[2].partition(")")[0].split(", "):
            kind = "error_ratio" if "5.." in query else "latency" if "_sum" in query else "rate"
            pods = self.pod_metrics.get(kind) or dict.fromkeys(self.pod_metrics.get("latency", {}), 1.0)
            return self._vector([({"pod": pod}, value) for pod, value in sorted(pods.items())])
        rows: list[dict[str, str]] = []
        if f'namespace="{self.namespace}"' in query and query.startswith("count by"):
            asked = query.split(") (", 1)[0]
            if "http_response_status_code" in asked:
                rows = [{"http_response_status_code": code} for code in ("200", "500")]
            else:
                rows = [
                    {self.workload_label: s.name} for s in self.services if s.rate > 0 and self.workload_label in asked
                ]
        at = self.end.timestamp()
        series = [{"labels": row, "samples": [[at, 1]]} for row in rows] + self._kube_state(query, at)
        return {"result_type": "vector", "series": self._ordered(series)}

    def _vector(self, rows: list[tuple[dict[str, str], float]]) -> dict[str, Any]:
        at = self.end.timestamp()
        series = [{"labels": labels, "samples": [[at, value]]} for labels, value in rows]
        return {"result_type": "vector", "series": self._ordered(series)}

    def _kube_state(self, query: str, at: float) -> list[dict[str, Any]]:
        """kube-state-metrics, where this installation has it."""
        name = query.split("{", 1)[0]
        if not self.kube_state or f'namespace="{self.namespace}"' not in query:
            return []
        pods = [pod["metadata"] for service in self.services for pod in self._pods(service)]
        sets = [found["metadata"] for service in self.services for found in self._replica_sets(service)]
        if name in ("kube_pod_owner", "kube_replicaset_owner"):
            kind = name.split("_")[1]
            return [
                {
                    "labels": {
                        kind: found["name"],
                        "owner_kind": found["ownerReferences"][0]["kind"],
                        "owner_name": found["ownerReferences"][0]["name"],
                    },
                    "samples": [[at, 1]],
                }
                for found in (pods if kind == "pod" else sets)
            ]
        if name == "kube_replicaset_created":
            return [
                {
                    "labels": {"replicaset": found["name"]},
                    "samples": [[at, datetime.fromisoformat(found["creationTimestamp"]).timestamp()]],
                }
                for found in sets
            ]
        return []

    def _range(self, arguments: Mapping[str, Any]) -> Any:
        query, step = arguments["query"], arguments["step_seconds"]
        start = datetime.fromisoformat(arguments["start"])
        end = datetime.fromisoformat(arguments["end"])
        kind = (
            "latency" if "histogram_quantile" in query else "ratio" if "5.." in query
            else "rate" if query.startswith("sum by") and "_count{" in query else ""
        )  # fmt: skip
        count = int((end - start).total_seconds() // step) + 1
        times = [start + timedelta(seconds=step * index) for index in range(count)]
        asked = next((name for name in self.node_metrics if name in query), "")
        of_nodes = self.node_metrics[asked] if asked else self.memory if "memory_working_set" in query else {}
        if of_nodes:
            return {"result_type": "matrix", "series": [_line(key, values, times) for key, values in of_nodes.items()]}
        if not kind or f'namespace="{self.namespace}"' not in query:
            return {"result_type": "matrix", "series": []}
        numbers = [at.timestamp() for at in times]
        series = [
            {
                "labels": {self.workload_label: s.name},
                "samples": [
                    [number, self._value(s, kind, at, number)] for at, number in zip(times, numbers, strict=True)
                ],
            }
            for s in self.services
            if s.rate > 0
        ]
        return {"result_type": "matrix", "series": self._ordered(series)}

    def _value(self, service: Service, kind: str, at: datetime, number: float) -> float:
        noise = jitter(service.rate, service.latency, kind, number)
        if kind == "rate":
            return service.rate * (1 + 0.05 * noise)
        if kind == "latency":
            return service.latency * service.slower(at) * (1 + 0.05 * noise)
        return max(0.0, service.failing(at) * (1 + 0.2 * noise))

    # --- Loki ---

    def _logs(self, arguments: Mapping[str, Any]) -> Any:
        start, end = datetime.fromisoformat(arguments["start"]), datetime.fromisoformat(arguments["end"])
        if f'namespace="{self.namespace}"' not in arguments["query"]:
            return {"records": []}
        found = [
            {
                "timestamp": stamp(at),
                "body": body,
                "severity": "error" if '"level":"error"' in body else "",
                "attributes": {"namespace": self.namespace, "app": s.name, "pod": self.pod_name(s)},
            }
            for s in self.services
            for at, body in s.logs
            if start <= at < end and re.search(r"(?i)error|exception|fatal|\[crit\]", body)
        ]
        found.sort(key=lambda r: str(r["timestamp"]), reverse=arguments["direction"] == "backward")
        return {"records": found[: arguments["limit"]]}

    # --- Tempo ---

    def _search(self, arguments: Mapping[str, Any]) -> Any:
        if f'"{self.namespace}"' not in arguments["query"]:
            return {"traces": []}
        failing = "status = error" in arguments["query"]
        end = datetime.fromisoformat(arguments["end"])
        if failing and not any(s.origin and s.failing(end - minutes(1)) > 0.01 for s in self.services):
            return {"traces": []}
        word = "bad" if failing else "old" if end <= self.end - minutes(20) else "good"
        return {
            "traces": [
                {"trace_id": f"{word}{index:02d}", "start": stamp(end - minutes(index + 1)), "duration_ms": 300.0}
                for index in range(6)
            ]
        }

    def _trace(self, arguments: Mapping[str, Any]) -> Any:
        trace_id = arguments["trace_id"]
        failing = trace_id.startswith("bad")
        called = {name for s in self.services for name in s.calls}
        spans: list[dict[str, Any]] = []
        for root in self.services:
            if root.name not in called and root.calls:
                # `old` traces come from before any incident, the others from the last minutes.
                at = self.end - (minutes(50) if trace_id.startswith("old") else minutes(3))
                self._span(root, "", failing, spans, at)
        return {"trace": {"trace_id": trace_id, "spans": spans}}

    def _duration(self, service: Service, at: datetime) -> float:
        below = sum(self._duration(callee, at) for name in service.calls if (callee := self._by_name(name)) is not None)
        return 10.0 * service.work(at) + below

    def _span(self, service: Service, parent: str, failing: bool, spans: list[dict[str, Any]], at: datetime) -> bool:
        span_id = f"{len(spans):016x}"
        index = len(spans)
        spans.append({})
        below: list[bool] = []
        begin = at + timedelta(milliseconds=5)
        for name in service.calls:  # one after the other
            callee = self._by_name(name)
            if callee is not None:
                below.append(self._span(callee, span_id, failing, spans, begin))
                begin += timedelta(milliseconds=self._duration(callee, at))
        error = failing and (service.origin or any(below))
        exception = {"exception.type": service.exception, "exception.message": "it broke"} if service.exception else {}
        spans[index] = {
            "span_id": span_id,
            "parent_span_id": parent,
            "service": service.name,
            "name": "GET /",
            "kind": "server",
            "start": stamp(at),
            "duration_ms": self._duration(service, at),
            "status": "error" if error else "unset",
            "attributes": exception if error and service.origin else {},
            "resource": {"service.name": service.name, "k8s.namespace.name": self.namespace},
        }
        return error


def _line(key: str, values: Callable[[datetime], float], times: list[datetime]) -> dict[str, Any]:
    """A series of a node or pod, its label beside it: a unit, a mount point, a loop or a container."""
    first, _, second = key.partition(" ")
    labels = {"node": first, "pod": first, "name": second, "mountpoint": second, "container": second}
    return {"labels": labels, "samples": [[at.timestamp(), values(at)] for at in times]}


def _hash(*parts: object) -> str:
    digest = hashlib.sha256(repr(parts).encode()).digest()
    return "".join("bcdfghjklmnpqrstvwxz2456789"[byte % 27] for byte in digest[:9])


def node(name: str, **ready: str) -> dict[str, Any]:
    condition = {"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"} | ready
    return {"kind": "Node", "metadata": {"name": name}, "status": {"conditions": [condition]}}


def since(onset: datetime, level: float, before: float = 0.001) -> Callable[[datetime], float]:
    return lambda at: level if at >= onset else before


def between(start: datetime, end: datetime, level: float, before: float = 0.001) -> Callable[[datetime], float]:
    return lambda at: level if start <= at < end else before


def lines(onset: datetime, until: datetime, body: str, every: timedelta) -> tuple[tuple[datetime, str], ...]:
    count = int((until - onset) / every)
    return tuple((onset + every * index, body.replace("<n>", str(1000 + index))) for index in range(count))


def cited(investigation: Investigation) -> set[str]:
    """Every evidence id that a claim, finding, change, timeline entry or chart refers to."""
    found: set[str] = set()
    for group in (investigation.findings, investigation.changes, investigation.timeline, investigation.charts):
        for item in group:
            found.update(item.evidence)
    for hypothesis in investigation.hypotheses:
        found.update(hypothesis.evidence)
    return found | {gap.evidence for gap in investigation.missing}


def known(investigation: Investigation) -> dict[str, Evidence]:
    return {item.id: item for item in investigation.evidence}


def bad_deploy(**world: Any) -> World:
    """`ledger`, called by `transfers`, called by `gateway`, breaks 25 min before the end, a minute after a rollout."""
    onset = END - minutes(25)
    rolled = onset - minutes(1)
    line = (
        '{"level":"error","msg":"transfer <n> failed","exception":"java.lang.IllegalStateException: no balance\\n'
        '\\tat org.bank.Ledger.post(Ledger.java:41)\\n\\tat java.lang.Thread.run(Thread.java:1)"}'
    )
    sha = "3f2a9c1be4d05a6677889900aabbccddeeff0011"
    services = [
        Service("gateway", calls=("transfers", "search"), failing=since(onset + minutes(0.5), 0.12)),
        Service("transfers", calls=("ledger",), failing=since(onset + minutes(0.5), 0.25), rate=15),
        Service("search", rate=9),
        Service(
            "ledger",
            rate=12,
            failing=since(onset, 0.3),
            slower=since(onset, 3.0, 1.0),
            revisions=(
                (6, END - timedelta(days=3), "registry.example/ledger:2.4", ""),
                (7, rolled, "registry.example/ledger:2.5", sha),
            ),
            exception="java.lang.IllegalStateException",
            origin=True,
            logs=lines(onset, END, line, timedelta(seconds=20)),
        ),
    ]
    merged = stamp(rolled - minutes(20))
    commits = [
        {
            "repository": "org/mono",
            "sha": sha,
            "message": "Post in one step (#42)",
            "author": "ada",
            "at": merged,
            "url": "http://git.example/commit/3f2a9c1",
        }
    ]
    pulls = [
        {
            "repository": "org/mono",
            "number": 42,
            "title": "Post in one step",
            "author": "ada",
            "state": "closed",
            "merged_at": merged,
            "merge_commit_sha": sha,
            "url": "http://git.example/pull/42",
            "files": [{"path": "ledger/Ledger.java", "status": "modified"}],
        }
    ]
    return World(services, commits=commits, pulls=pulls, **world)
