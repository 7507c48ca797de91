"""What is read of one object: the object, a container's logs, a workload's rollout history, the kinds there are."""

from __future__ import annotations

from typing import Any

from autodevops.domain.tool_results import ApiResource, ApiResourceList, PodLogs, ResourceResult, RolloutHistory
from autodevops.kernel.errors import ToolNotFound
from autodevops.servers._failures import unlike
from autodevops.servers.kubernetes import rollout
from autodevops.servers.kubernetes.cluster import MAX_OBJECTS, PODS, Cluster, Object
from autodevops.servers.kubernetes.discovery import ResourceType
from autodevops.servers.kubernetes.objects import tidy

MAX_LOG_LINES = 5000
MAX_LOG_BYTES = 1024 * 1024
ROLLED = ("Deployment", "StatefulSet", "DaemonSet")


def get_object(cluster: Cluster, word: str, name: str, namespace: str) -> ResourceResult:
    kind = cluster.type_of(word)
    item = cluster.read_object(kind, name, cluster.namespace_of(kind, namespace))
    return ResourceResult(resource=tidy(item, api_version=kind.api_version, kind=kind.kind, secret=kind.is_secret))


def pod_logs(
    cluster: Cluster, name: str, namespace: str, container: str, previous: bool, tail: int, since: int
) -> PodLogs:
    where = cluster.namespace_of(PODS, namespace)
    params = [("tailLines", str(tail + 1))]
    params += [("container", container)] if container else []
    params += [("previous", "true")] if previous else []
    params += [("sinceSeconds", str(since))] if since else []
    try:
        body = cluster.api.read(PODS.path(where, name) + "/log", params, missing=f"Pod {where}/{name}")
    except ToolNotFound as error:
        raise cluster.not_found(PODS, name, where) from error
    lines = body[-MAX_LOG_BYTES:].decode(errors="replace").splitlines()
    more = len(lines) > tail or len(body) > MAX_LOG_BYTES
    note = f"Only the last {min(tail, len(lines))} lines; raise tail_lines or give since_seconds." if more else ""
    return PodLogs(lines=tuple(lines[-tail:]), truncated=more, note=note)


def history(cluster: Cluster, word: str, name: str, namespace: str) -> RolloutHistory:
    kind = cluster.workload_type(word, ROLLED, "has no rollout history")
    where = cluster.namespace_of(kind, namespace)
    workload = cluster.read_object(kind, name, where)
    carriers, more = revisions_of(cluster, kind, workload, where)
    try:
        revisions = [
            rollout.from_replica_set(item)
            if kind.kind == "Deployment"
            else rollout.from_controller_revision(item, workload)
            for item in carriers
        ]
    except (KeyError, TypeError, ValueError) as error:
        raise unlike(cluster.api.connection().system, "a revision of another shape") from error
    revisions.sort(key=lambda item: (item.revision, item.created_at), reverse=True)
    return RolloutHistory(kind=kind.kind, namespace=where, name=name, revisions=tuple(revisions), truncated=more)


def revisions_of(
    cluster: Cluster, kind: ResourceType, workload: Object, namespace: str
) -> tuple[list[dict[str, Any]], bool]:
    """The ReplicaSets or ControllerRevisions that a workload owns, and whether there are more."""
    carrier = cluster.type_of("replicasets.apps" if kind.kind == "Deployment" else "controllerrevisions.apps")
    try:
        params = [("labelSelector", rollout.selector_text(workload["spec"]["selector"]))]
        items, more = cluster.page(carrier.path(namespace), params, MAX_OBJECTS, f"Kind {carrier.kind}")
        return rollout.owned_by(items, workload["metadata"]["uid"]), more != 0
    except (KeyError, TypeError) as error:
        raise unlike(cluster.api.connection().system, f"a {kind.kind} of another shape") from error


def api_resources(cluster: Cluster, containing: str, verb: str) -> ApiResourceList:
    word = containing.lower()
    found = (
        ApiResource(
            kind=item.kind,
            name=item.plural,
            api_version=item.api_version,
            namespaced=item.namespaced,
            verbs=item.verbs,
        )
        for item in cluster.types(fresh=True)
    )
    return ApiResourceList(
        resources=tuple(
            item
            for item in found
            if word in f"{item.kind} {item.name} {item.api_version}".lower() and (not verb or verb in item.verbs)
        )
    )
