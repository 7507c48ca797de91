"""The workloads of a namespace when the cluster's API cannot be read: from kube-state-metrics, if Prometheus has it.

Owners of pods and ReplicaSets, when a ReplicaSet was made, and why containers wait are metrics too. They are put into
the shape of the API's objects, as far as they go, so that everything after reads one kind of thing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from autodevops.domain.evidence import Evidence, EvidenceId
from autodevops.investigation.gather.collect import Collector
from autodevops.investigation.gather.promql import latest, series_of
from autodevops.investigation.inventory import WORKLOAD_KINDS, Inventory, build
from autodevops.investigation.request import Span
from autodevops.kernel.clock import rfc3339

_Rows = list[tuple[Mapping[str, str], float]]


async def gather_kube_state(
    collector: Collector, namespace: str, span: Span
) -> tuple[Inventory, dict[str, EvidenceId]] | None:
    """An inventory and the evidence of each kind; None where kube-state-metrics has nothing about the namespace."""
    where = f'namespace="{namespace}"'
    at = rfc3339(span.window.end)
    queries = (
        f"kube_pod_owner{{{where}}}",
        f'kube_replicaset_owner{{{where},owner_kind="Deployment"}}',
        f"kube_replicaset_created{{{where}}}",
        f"kube_pod_container_status_waiting_reason{{{where}}} == 1",
        f"kube_pod_container_status_restarts_total{{{where}}}",
        f"kube_pod_container_info{{{where}}}",
    )
    answers = await asyncio.gather(*(collector.ask("prometheus.query_instant", query=q, time=at) for q in queries))
    pod_owner, set_owner, created, waiting, restarts, info = (_rows(collector, answer) for answer in answers)
    if not pod_owner:
        return None
    made = {labels.get("replicaset", ""): value for labels, value in created}
    replica_sets = [
        {
            "metadata": {
                "name": labels.get("replicaset", ""),
                "creationTimestamp": _moment(made.get(labels.get("replicaset", ""))),
                "ownerReferences": [_owner(labels)],
            }
        }
        for labels, _ in set_owner
    ]
    owners = {(r.get("owner_kind", ""), r.get("owner_name", "")) for r, _ in (*pod_owner, *set_owner)}
    lists: dict[str, list[dict[str, Any]]] = {
        kind: [{"metadata": {"name": name}} for owner_kind, name in owners if owner_kind == kind]
        for kind in WORKLOAD_KINDS
    }
    lists["ReplicaSet"] = replica_sets
    statuses = _statuses(info, waiting, restarts)
    lists["Pod"] = [
        {
            "metadata": {"name": labels.get("pod", ""), "ownerReferences": [_owner(labels)]},
            "status": {"containerStatuses": statuses.get(labels.get("pod", ""), [])},
        }
        for labels, _ in pod_owner
        if labels.get("owner_kind") not in ("", "<none>", "Job")
    ]
    listed = {"Pod": answers[0].id, "Deployment": answers[1].id, "ReplicaSet": answers[2].id}
    return build(namespace, lists, known=True), listed


def _statuses(info: _Rows, waiting: _Rows, restarts: _Rows) -> dict[str, list[dict[str, Any]]]:
    """Container statuses by pod."""
    reasons = {_place(labels): labels.get("reason") for labels, _ in waiting}
    counts = {_place(labels): int(value) for labels, value in restarts}
    found: dict[str, list[dict[str, Any]]] = {}
    for labels, _ in info:
        pod, container = place = _place(labels)
        found.setdefault(pod, []).append(
            {
                "name": container,
                "image": labels.get("image", ""),
                "restartCount": counts.get(place, 0),
                "state": {"waiting": {"reason": reasons[place]}} if reasons.get(place) else {},
            }
        )
    return found


def _place(labels: Mapping[str, str]) -> tuple[str, str]:
    return labels.get("pod", ""), labels.get("container", "")


def _owner(labels: Mapping[str, str]) -> dict[str, Any]:
    return {"kind": labels.get("owner_kind", ""), "name": labels.get("owner_name", ""), "controller": True}


def _moment(seconds: float | None) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat() if seconds else ""


def _rows(collector: Collector, evidence: Evidence) -> _Rows:
    found = ((series.labels, latest(series)) for series in series_of(collector, evidence))
    return [(labels, value) for labels, value in found if value is not None]
