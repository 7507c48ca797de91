"""Pictures from a few words of YAML: workloads with their nodes, requests with their calls, and who is known to suffer.

A request is `{service, ms, calls, pod, node, version, error}`, a call `{to, ms, answer, op, attributes, error, times,
together, at}`; `answer` is the request that answers it. Calls follow each other unless they are `together`. Who is
`rolled_out` was changed two minutes before others suffer; `traffic` are requests a second before that and since,
`error_ratio` the shares that failed, and `stores` what an exporter reads of a database in the same way.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from autodevops.analysis.samples import FloatArray
from autodevops.domain.change import Change
from autodevops.domain.finding import Finding
from autodevops.domain.subject import Subject
from autodevops.domain.trace import Span, Trace
from autodevops.domain.window import TimeWindow
from autodevops.investigation.gather.traces import trace_edges
from autodevops.investigation.graph import CallGraph, Edge
from autodevops.investigation.inventory import Inventory, build
from autodevops.investigation.picture import Picture, Reading, Rollout, SeenTrace, Signal
from autodevops.investigation.request import Span as AskedSpan
from autodevops.investigation.rules import RULES

END = datetime(2026, 3, 9, 12, 0, tzinfo=UTC)
_PREFIX = {"LatencyIncreased": "MET003", "ErrorRateIncreased": "MET001"}


def make_picture(case: Mapping[str, Any], rename: Mapping[str, str] | None = None, shift: float = 0.0) -> Picture:
    """The picture of a case; `rename` maps workload names, `shift` moves all spans by seconds."""
    end = END + timedelta(seconds=shift)
    inventory = make_inventory(case, rename or {})
    seen = {
        group: tuple(
            SeenTrace(Trace(trace_id=f"{group}{index}", spans=tuple(spans)), f"ev-{group}{index}")  # type: ignore[arg-type]
            for index, spans in enumerate(_traces(case.get(group, []), group, end, rename or {}))
        )
        for group in ("slow", "ordinary", "failing", "plain")
    }
    every = [one for group in seen.values() for one in group]
    return Picture(
        span=AskedSpan.of(TimeWindow.ending(end, timedelta(hours=1))),
        inventory=inventory,
        slow_traces=seen["slow"],
        ordinary_traces=seen["ordinary"],
        error_traces=seen["failing"],
        signals=tuple(
            _signal(inventory, (rename or {}).get(one, one), kind, end, *levels)
            for kind, told in (("request_rate", "traffic"), ("error_ratio", "error_ratio"))
            for one, levels in case.get(told, {}).items()
        ),
        readings=tuple(
            _reading(inventory, (rename or {}).get(one, one), measure, end, *levels)
            for one, measures in case.get("stores", {}).items()
            for measure, levels in measures.items()
        ),
        rollouts=tuple(_rollout(inventory, (rename or {}).get(one, one), end) for one in case.get("rolled_out", [])),
        plain_traces=seen["plain"],
        graph=CallGraph.of([*trace_edges(every, inventory), *_places(inventory)]),
    )


def _rollout(inventory: Inventory, name: str, end: datetime) -> Rollout:
    subject = inventory.of_name(name)
    assert subject is not None
    return Rollout(Change(kind="rollout", subject=subject, at=end - timedelta(minutes=27), summary=name), number=2)


def _reading(inventory: Inventory, name: str, measure: str, end: datetime, before: float, now: float) -> Reading:
    subject = inventory.of_name(name)
    assert subject is not None
    times, values = _step(end, before, now)
    return Reading(subject, "postgresql", "", measure, times, values, {}, "ev-store")  # type: ignore[arg-type]


def _step(end: datetime, before: float, now: float) -> tuple[FloatArray, FloatArray]:
    times = np.arange((end - timedelta(hours=2)).timestamp(), end.timestamp(), 60.0)
    return times, np.where(times < (end - timedelta(minutes=25)).timestamp(), before, now)


def _signal(inventory: Inventory, name: str, kind: str, end: datetime, before: float, now: float) -> Signal:
    subject = inventory.of_name(name)
    assert subject is not None
    times, values = _step(end, before, now)
    return Signal(subject, kind, times, values, {}, "ev-rate")  # type: ignore[arg-type]


def _places(inventory: Inventory) -> list[Edge]:
    return [
        Edge(
            workload.subject,
            Subject(kind="Node", name=pod["spec"]["nodeName"], api_version="v1"),
            "runs on",
            "ev-pods",  # type: ignore[arg-type]
        )
        for workload in inventory.workloads
        for pod in inventory.pods_of(workload.subject)
    ]


def make_inventory(case: Mapping[str, Any], rename: Mapping[str, str]) -> Inventory:
    lists: dict[str, list[dict[str, Any]]] = {"Deployment": [], "StatefulSet": [], "Pod": [], "Service": []}
    for original, told in case.get("workloads", {}).items():
        name, kind = rename.get(original, original), told.get("kind", "Deployment")
        labels = {"app": name}
        template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "app"}]}}
        lists[kind].append({"kind": kind, "metadata": {"name": name}, "spec": {"template": template}})
        lists["Service"].append({"kind": "Service", "metadata": {"name": name}, "spec": {"selector": labels}})
        for index, node in enumerate(told.get("nodes", [])):
            owner = [{"kind": kind, "name": name, "controller": True}]
            lists["Pod"].append(
                {
                    "kind": "Pod",
                    "metadata": {"name": f"{name}-{index}", "ownerReferences": owner},
                    "spec": {"nodeName": node},
                }
            )
    return build("shop", lists, known=True)


def suffering(
    case: Mapping[str, Any], picture: Picture, rename: Mapping[str, str] | None = None
) -> tuple[Finding, ...]:
    """The findings of earlier stages that a case takes as given."""
    found: list[Finding] = []
    for original, reasons in case.get("suffering", {}).items():
        name = (rename or {}).get(original, original)
        subject = picture.inventory.of_name(name) or Subject(kind="Deployment", name=name, namespace="shop")
        for reason in [reasons] if isinstance(reasons, str) else reasons:
            found.append(
                next(rule for rule in RULES if rule.reason == reason).finding(
                    subject, f"{name}: {reason}.", severity="error", confidence=0.9, evidence=["ev-metric"],  # type: ignore[list-item]
                    onset=picture.span.window.end - timedelta(minutes=25),
                )
            )  # fmt: skip
    return tuple(found)


def _traces(groups: list[dict[str, Any]], word: str, end: datetime, rename: Mapping[str, str]) -> list[list[Span]]:
    found: list[list[Span]] = []
    for group in groups:
        for copy in range(group.get("traces", 1)):
            spans: list[Span] = []
            back = 50 if word == "ordinary" else 5
            at = end - timedelta(minutes=back, seconds=7 * len(found))
            _request(group["request"], "", at, spans, rename, f"{word}{len(found)}-{copy}")
            found.append(spans)
    return found


def _request(
    told: Mapping[str, Any], parent: str, at: datetime, spans: list[Span], rename: Mapping[str, str], salt: str
) -> None:
    name = rename.get(told["service"], told["service"])
    resource = {"service.name": name, "k8s.namespace.name": "shop"}
    if "pod" in told:
        resource["k8s.pod.name"] = f"{name}-{told['pod']}"
    for key, attribute in (("node", "k8s.node.name"), ("version", "service.version")):
        if key in told:
            resource[attribute] = str(told[key])
    at += timedelta(milliseconds=told.get("clock", 0))
    span = _span(
        name, told.get("op", "GET /"), told.get("kind", "server"), parent, at, told, resource, salt, len(spans)
    )
    spans.append(span)
    cursor = 1.0
    for call in told.get("calls", []):
        start = float(call.get("at", cursor))
        for index in range(call.get("times", 1)):
            begin = at + timedelta(milliseconds=start)
            attributes = {key: _renamed(value, rename) for key, value in call.get("attributes", {}).items()}
            if call.get("to"):
                attributes.setdefault("server.address", rename.get(call["to"], call["to"]))
            out = _span(
                name, call.get("op", "GET"), call.get("kind", "client"), span.span_id, begin, call, resource, salt,
                len(spans), attributes,
            )  # fmt: skip
            spans.append(out)
            answer = call.get("answer")
            if answer and index in call.get("answered", range(call.get("times", 1))):
                spare = max(0.0, (call["ms"] - answer["ms"]) / 2)
                _request(answer, out.span_id, begin + timedelta(milliseconds=spare), spans, rename, salt)
            if not call.get("together"):
                start += call["ms"] + 0.5
        cursor = max(cursor, start)


def _renamed(value: Any, rename: Mapping[str, str]) -> Any:
    """A host below a renamed workload is renamed with it."""
    first, dot, rest = str(value).partition(".")
    return f"{rename[first]}.{rest}" if dot and first in rename else value


def _span(
    service: str, op: str, kind: Any, parent: str, at: datetime, told: Mapping[str, Any], resource: Mapping[str, str],
    salt: str, index: int, attributes: Mapping[str, Any] | None = None,
) -> Span:  # fmt: skip
    failed = str(told.get("error", ""))
    more = {"error.type": failed.split(":", 1)[0]} if failed else {}
    return Span(
        span_id=hashlib.sha256(f"{salt}/{index}".encode()).hexdigest()[:16],
        parent_span_id=parent,
        service=service,
        name=op,
        kind=kind,
        start=at,
        duration_ms=float(told["ms"]),
        status="error" if failed else "unset",
        status_message=failed,
        attributes={**told.get("attributes", {}), **(attributes or {}), **more},
        resource=dict(resource),
    )
