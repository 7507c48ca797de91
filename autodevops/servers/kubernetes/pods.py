"""Writes to single pods: delete, and evict, which asks the disruption budgets first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from autodevops.domain.tool_results import Undo, WriteResult
from autodevops.kernel.errors import ToolError, ToolNotFound, ToolRejected
from autodevops.servers.kubernetes.api import Reply
from autodevops.servers.kubernetes.changes import controller_of, said, subject
from autodevops.servers.kubernetes.cluster import MAX_OBJECTS, PODS, Cluster, Object

BAD_REQUEST, TOO_MANY_REQUESTS = 400, 429
MIRROR = "kubernetes.io/config.mirror"


def delete(
    cluster: Cluster, name: str, namespace: str, uid: str, grace: int | None, dry_run: bool, version: str = ""
) -> WriteResult:
    """Raises Conflict when it is not at the resource version `version`, if one is given."""
    where = cluster.namespace_of(PODS, namespace)
    pod = expected(cluster, name, where, uid)
    options = _options(pod, grace, dry_run)
    if version:
        options["preconditions"]["resourceVersion"] = version
    try:
        reply = cluster.write("DELETE", PODS.path(where, name), options, dry_run=dry_run, missing=f"Pod {name}")
    except ToolNotFound as error:
        raise cluster.not_found(PODS, name, where) from error
    forced = ["Without grace the program is not asked to end, and its node may still run it."] if grace == 0 else []
    return _gone("delete_pod", "is deleted", pod, dry_run, [*reply.warnings, *forced])


def evict(cluster: Cluster, name: str, namespace: str, uid: str, grace: int | None, dry_run: bool) -> WriteResult:
    """Raises ToolRejected, naming the budget, when a PodDisruptionBudget does not allow it now."""
    where = cluster.namespace_of(PODS, namespace)
    pod = expected(cluster, name, where, uid)
    reply = evict_once(cluster, pod, grace, dry_run)
    if reply.status == TOO_MANY_REQUESTS:
        raise ToolRejected(
            f"{subject(PODS, pod)} may not be evicted now: {blocked_by(cluster, pod, reply)}",
            "Wait until more of its pods are healthy and ask again; scaling it up makes room. "
            "delete_pod asks no budget.",
        )
    return _gone("evict_pod", "is evicted", pod, dry_run, reply.warnings)


def evict_once(cluster: Cluster, pod: Object, grace: int | None, dry_run: bool) -> Reply:
    """The answer, a disruption budget's 429 included. Raises ToolError for every other refusal."""
    name, where = pod["metadata"]["name"], pod["metadata"].get("namespace", "")
    body = {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"name": name, "namespace": where},
        "deleteOptions": _options(pod, grace, dry_run),
    }
    path, params = f"{PODS.path(where, name)}/eviction", [("dryRun", "All")] if dry_run else []
    reply = cluster.api.send("POST", path, params, body)
    if reply.status == BAD_REQUEST and b'no kind \\"Eviction\\"' in reply.body:  # before Kubernetes 1.22
        reply = cluster.api.send("POST", path, params, body | {"apiVersion": "policy/v1beta1"})
    if 200 <= reply.status < 300 or (reply.status == TOO_MANY_REQUESTS and b"disruption budget" in reply.body):
        return reply  # another 429 is an API server that has too much to do
    if b"more than one PodDisruptionBudget" in reply.body:
        raise ToolRejected(
            f"{subject(PODS, pod)} cannot be evicted: it has more than one PodDisruptionBudget.",
            "Let only one budget select it, or use delete_pod, which asks none.",
        )
    raise cluster.api.refusal(reply, f"Pod {where}/{name}")


def blocked_by(cluster: Cluster, pod: Object, reply: Reply) -> str:
    """The API server's sentence with its cause, and what the budgets of that pod say of themselves."""
    status = reply.document
    causes = [cause.get("message", "") for cause in (status.get("details") or {}).get("causes") or []]
    told = [str(status.get("message") or "a disruption budget forbids it").rstrip("."), *filter(None, causes)]
    return f"{' '.join(f'{text.rstrip(chr(46))}.' for text in told)}{_budgets(cluster, pod)}"


def expected(cluster: Cluster, name: str, namespace: str, uid: str) -> Object:
    """The pod. Raises ToolRejected when its name belongs to another pod by now."""
    pod = cluster.read_object(PODS, name, namespace)
    if uid and pod["metadata"].get("uid") != uid:
        raise ToolRejected(
            f"{subject(PODS, pod)} is not the pod with uid {uid} any more.", "Read it again, and decide anew."
        )
    return pod


def _options(pod: Object, grace: int | None, dry_run: bool) -> dict[str, Any]:
    options: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "DeleteOptions",
        "preconditions": {"uid": pod["metadata"].get("uid")},
    }
    if grace is not None:
        options["gracePeriodSeconds"] = grace
    if dry_run:
        options["dryRun"] = ["All"]
    return options


def _gone(tool: str, done: str, pod: Object, dry_run: bool, warnings: Sequence[str]) -> WriteResult:
    owner = controller_of(pod)
    what = subject(PODS, pod)
    follows = f"{owner['kind']} {owner['name']} makes a new pod in its place." if owner else "Nobody makes a new one."
    mirror = MIRROR in (pod["metadata"].get("annotations") or {})
    return WriteResult(
        tool=tool,
        subject=what,
        dry_run=dry_run,
        changed=True,
        summary=said(f"{what} {done}. {follows}", dry_run),
        undo=Undo(possible=False, note=f"A pod does not come back; {follows}"),
        warnings=(
            *warnings,
            *([] if owner else ["No controller owns this pod: it is gone for good."]),
            *(["It is a static pod: its node's kubelet shows it again at once."] if mirror else []),
        ),
        uid=str(pod["metadata"].get("uid", "")),
    )


def _budgets(cluster: Cluster, pod: Object) -> str:
    """What each disruption budget that selects the pod allows now."""
    try:
        kind = cluster.type_of("poddisruptionbudgets.policy")
        found, _ = cluster.page(kind.path(pod["metadata"].get("namespace", "")), (), MAX_OBJECTS, "Kind PDB")
    except ToolError:
        return ""  # not allowed to look: the API server's own sentence stands
    labels = pod["metadata"].get("labels") or {}
    told = []
    for budget in found:
        spec, status = budget.get("spec") or {}, budget.get("status") or {}
        selector = spec.get("selector") or {}
        wanted = selector.get("matchLabels") or {}
        if selector.get("matchExpressions") or not wanted.items() <= labels.items():
            continue  # of budgets that select by expressions the API server's sentence has to do
        rule = "minAvailable" if "minAvailable" in spec else "maxUnavailable"
        told.append(
            f" PodDisruptionBudget {budget['metadata']['name']} ({rule} {spec.get(rule)}): "
            f"{status.get('currentHealthy', 0)} of {status.get('expectedPods', 0)} pods are healthy, "
            f"{status.get('desiredHealthy', 0)} must stay, {status.get('disruptionsAllowed', 0)} may go."
        )
    return "".join(told)
