"""Writes to workloads: scale, restart, roll back; as kubectl does each, so that both leave the same traces."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from autodevops.domain.tool_results import Undo, WriteResult
from autodevops.kernel.errors import ToolError, ToolNotFound, ToolRejected
from autodevops.servers._failures import unlike
from autodevops.servers.kubernetes import rollout
from autodevops.servers.kubernetes.changes import guard, patch, result, subject
from autodevops.servers.kubernetes.cluster import MAX_OBJECTS, Cluster, Object
from autodevops.servers.kubernetes.discovery import ResourceType
from autodevops.servers.kubernetes.objects import LAST_APPLIED
from autodevops.servers.kubernetes.reading import ROLLED, revisions_of

RESTARTED_AT = "kubectl.kubernetes.io/restartedAt"
_HASH = "pod-template-hash"
_DEPLOYMENTS_OWN = {  # annotations of a ReplicaSet that a rollback leaves where they are
    LAST_APPLIED,
    rollout.REVISION,
    "deployment.kubernetes.io/revision-history",
    "deployment.kubernetes.io/desired-replicas",
    "deployment.kubernetes.io/max-replicas",
    "deprecated.deployment.rollback.to",
}


def scale(
    cluster: Cluster,
    word: str,
    name: str,
    namespace: str,
    replicas: int,
    expected: int | None,
    dry_run: bool,
    *,
    uid: str = "",
) -> WriteResult:
    """Through the scale subresource, which custom workloads have as well."""
    kind = cluster.type_of(word)
    where = cluster.namespace_of(kind, namespace)
    item = cluster.read_object(kind, name, where)
    guard(kind, item, uid)
    try:
        current = cluster.api.get(f"{kind.path(where, name)}/scale", missing=f"{kind.kind} {name}/scale")
    except ToolNotFound as error:
        raise ToolRejected(f"{kind.kind} cannot be scaled.", "Name a Deployment, StatefulSet or ReplicaSet.") from error
    was = int((current.get("spec") or {}).get("replicas") or 0)
    if expected is not None and was != expected:
        raise ToolRejected(
            f"{subject(kind, item)} has {was} replicas, not the {expected} expected.", "Read it again, and decide anew."
        )
    version = current["metadata"].get("resourceVersion")
    body = {"metadata": {"resourceVersion": version}, "spec": {"replicas": replicas}}
    reply = patch(cluster, kind, item, body, patch_type="merge", dry_run=dry_run, subresource="scale")
    scaled = cluster.api.understood(reply)
    now = int((scaled.get("spec") or {}).get("replicas") or 0)
    undo: dict[str, Any] = {"kind": word, "name": name, "namespace": where, "replicas": was, "dry_run": False}
    return result(
        "scale_workload",
        kind,
        _with_scale(item, current),
        _with_scale(item, scaled),
        dry_run=dry_run,
        summary=f"{subject(kind, item)} is scaled from {was} to {now} replicas.",
        unchanged=f"{subject(kind, item)} has {was} replicas already.",
        undo=Undo(possible=True, tool="scale_workload", arguments=undo),
        warnings=[*reply.warnings, *_autoscalers(cluster, kind, item), *_emptied(was, now)],
    )


def restart(
    cluster: Cluster,
    word: str,
    name: str,
    namespace: str,
    now: datetime,
    dry_run: bool,
    *,
    stamp: str = "",
    uid: str = "",
    generation: int | None = None,
) -> WriteResult:
    """With a `stamp` that the workload bears already nothing is done, whatever its generation: this was that restart.

    Raises Conflict when somebody wrote it between our reading and our writing it.
    """
    kind = cluster.workload_type(word, ROLLED, "cannot be restarted")
    item = cluster.read_object(kind, name, cluster.namespace_of(kind, namespace))
    stamp = stamp or now.isoformat(timespec="seconds")
    if _restarted_at(item) != stamp:
        guard(kind, item, uid, generation)
    _not_paused(kind, item, "restart")
    body = {
        "metadata": {"resourceVersion": item["metadata"].get("resourceVersion")},
        "spec": {"template": {"metadata": {"annotations": {RESTARTED_AT: stamp}}}},
    }
    reply = patch(cluster, kind, item, body, patch_type="strategic", dry_run=dry_run)
    strategy = ((item.get("spec") or {}).get("updateStrategy") or {}).get("type")
    waits = (
        ["Its update strategy is OnDelete: pods restart only when they are deleted."] if strategy == "OnDelete" else []
    )
    return result(
        "restart_workload",
        kind,
        item,
        cluster.api.understood(reply),
        dry_run=dry_run,
        summary=f"The rollout that restarts every pod of {subject(kind, item)} is started.",
        unchanged=f"{subject(kind, item)} bears the stamp {stamp} already; that restart was started before.",
        undo=Undo(possible=False, note="A restart has no undo: it runs the same template in new pods."),
        warnings=[*reply.warnings, *waits],
    )


def roll_back(
    cluster: Cluster,
    word: str,
    name: str,
    namespace: str,
    revision: int,
    dry_run: bool,
    *,
    uid: str = "",
    generation: int | None = None,
) -> WriteResult:
    """To `revision`, or with 0 to the one before the current."""
    kind = cluster.workload_type(word, ROLLED, "cannot be rolled back")
    where = cluster.namespace_of(kind, namespace)
    item = cluster.read_object(kind, name, where)
    guard(kind, item, uid, generation)
    _not_paused(kind, item, "roll back")
    carriers, _ = revisions_of(cluster, kind, item, where)
    try:
        by_number = {_number(kind, one): one for one in carriers}
        current, target = _which(kind, item, by_number, revision)
        version = item["metadata"]["resourceVersion"]
        body: object
        if kind.kind == "Deployment":
            body, patch_type = _deployment_patch(item, by_number[target], version), "json"
        else:
            body = {**by_number[target]["data"], "metadata": {"resourceVersion": version}}
            patch_type = "strategic"
    except (KeyError, TypeError, ValueError) as error:
        raise unlike(cluster.api.connection().system, "a revision of another shape") from error
    reply = patch(cluster, kind, item, body, patch_type=patch_type, dry_run=dry_run)
    back: dict[str, Any] = {"kind": word, "name": name, "namespace": where, "to_revision": current, "dry_run": False}
    return result(
        "rollback_workload",
        kind,
        item,
        cluster.api.understood(reply),
        dry_run=dry_run,
        summary=f"{subject(kind, item)} is rolled back from revision {current} to the template of revision {target}.",
        unchanged=f"{subject(kind, item)} has the template of revision {target} already.",
        undo=Undo(possible=True, tool="rollback_workload", arguments=back),
        warnings=[*reply.warnings, *_applied(item)],
    )


def _restarted_at(item: Object) -> str:
    template = (item.get("spec") or {}).get("template") or {}
    return str(((template.get("metadata") or {}).get("annotations") or {}).get(RESTARTED_AT, ""))


def _which(kind: ResourceType, item: Object, by_number: dict[int, Object], revision: int) -> tuple[int, int]:
    """The current revision and the one to go to. Raises ToolRejected when there is none."""
    what, numbers = subject(kind, item), sorted(by_number)
    current = numbers[-1] if numbers else 0
    if kind.kind == "Deployment":
        current = int((item["metadata"].get("annotations") or {}).get(rollout.REVISION, current))
    earlier = [number for number in numbers if number < current]
    if not revision and not earlier:
        raise ToolRejected(
            f"{what} has no revision before {current or 'its first'}.", "get_rollout_history shows what there is."
        )
    target = revision or earlier[-1]
    if target not in by_number:
        raise ToolRejected(
            f"{what} has no revision {target} any more.", f"Choose one of: {', '.join(map(str, numbers)) or 'none'}."
        )
    return current, target


def _deployment_patch(item: Object, replica_set: Object, version: str) -> list[dict[str, Any]]:
    template = dict(replica_set["spec"]["template"])
    metadata = dict(template.get("metadata") or {})
    metadata["labels"] = {key: value for key, value in (metadata.get("labels") or {}).items() if key != _HASH}
    own = item["metadata"].get("annotations") or {}
    old = replica_set["metadata"].get("annotations") or {}
    annotations = {key: value for key, value in old.items() if key not in _DEPLOYMENTS_OWN}
    annotations |= {key: value for key, value in own.items() if key in _DEPLOYMENTS_OWN}
    return [
        {"op": "replace", "path": "/metadata/resourceVersion", "value": version},
        {"op": "replace", "path": "/spec/template", "value": {**template, "metadata": metadata}},
        {"op": "add", "path": "/metadata/annotations", "value": annotations},
    ]


def _number(kind: ResourceType, carrier: Object) -> int:
    if kind.kind == "Deployment":
        return int((carrier["metadata"].get("annotations") or {}).get(rollout.REVISION, 0))
    return int(carrier.get("revision") or 0)


def _not_paused(kind: ResourceType, item: Object, verb: str) -> None:
    if (item.get("spec") or {}).get("paused"):
        raise ToolRejected(
            f"{subject(kind, item)} is paused: to {verb} it would start no rollout.",
            'Resume it first: patch_resource with {"spec": {"paused": false}}.',
        )


def _with_scale(item: Object, scaled: Object) -> Object:
    """The workload as its scale says it is: the subresource does not answer with the workload."""
    metadata = {**item["metadata"], "resourceVersion": scaled["metadata"].get("resourceVersion", "")}
    spec = {**(item.get("spec") or {}), "replicas": int((scaled.get("spec") or {}).get("replicas") or 0)}
    return {**item, "metadata": metadata, "spec": spec}


def _autoscalers(cluster: Cluster, kind: ResourceType, item: Object) -> list[str]:
    """An autoscaler of this workload decides its replicas again within seconds."""
    try:
        scaler = cluster.type_of("horizontalpodautoscalers.autoscaling")
        path = scaler.path(item["metadata"].get("namespace", ""))
        found, _ = cluster.page(path, (), MAX_OBJECTS, "Kind HorizontalPodAutoscaler")
    except ToolError:
        return []  # not allowed to look, or there is no such API: the scaling itself stands
    name = item["metadata"]["name"]
    return [
        f"HorizontalPodAutoscaler {one['metadata']['name']} keeps it between {spec.get('minReplicas', 1)} and "
        f"{spec.get('maxReplicas')} replicas and will decide again; change its bounds instead."
        for one in found
        if (spec := one.get("spec") or {})
        and (target := spec.get("scaleTargetRef") or {}).get("kind") == kind.kind
        and target.get("name") == name
    ]


def _emptied(was: int, now: int) -> list[str]:
    return ["With 0 replicas it serves nobody."] if was and not now else []


def _applied(item: Object) -> list[str]:
    """Who applies manifests will apply the bad one again."""
    metadata = item["metadata"]
    labels, annotations = metadata.get("labels") or {}, metadata.get("annotations") or {}
    marks = {
        "Argo CD": any(key.startswith("argocd.argoproj.io/") for key in (*labels, *annotations)),
        "Flux": any("toolkit.fluxcd.io/" in key for key in labels),
        "Helm": labels.get("app.kubernetes.io/managed-by") == "Helm",
    }
    return [
        f"{name} manages it and may put back what its source says; change that too." for name, on in marks.items() if on
    ]
