"""Kubernetes objects as the states that kinds and guardrails judge. Reads, always anew, and decides nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from autodevops.domain.plan import BudgetState, NodeState, WorkloadState
from autodevops.domain.subject import Subject
from autodevops.executor.kinds import Errand, Progress
from autodevops.kernel.errors import ToolError, ToolNotFound
from autodevops.kernel.ids import content_digest
from autodevops.toolbox.protocol import Tools

Object = Mapping[str, Any]


async def read_object(tools: Tools, subject: Subject) -> Object:
    """Raises ToolNotFound when it does not exist."""
    arguments = {"kind": subject.kind, "name": subject.name, "namespace": subject.namespace}
    data = (await tools.call("kubernetes.get_resource", arguments)).data
    item = data.get("resource") if isinstance(data, dict) else None
    if not isinstance(item, dict):
        raise ToolError(f"{subject} came back as something else than an object.", "Look at it with kubectl.")
    return item


async def read_list(tools: Tools, kind: str, namespace: str, field_selector: str = "") -> list[Object]:
    """Whole objects. Raises ToolError when there are more than one answer holds: nothing is decided on a part."""
    arguments = {
        "kind": kind,
        "namespace": namespace,
        "field_selector": field_selector,
        "output": "full",
    }
    answer = await tools.call("kubernetes.list_resources", arguments)
    if answer.truncated:
        raise ToolError(f"There are more objects of kind {kind} in {namespace or 'the cluster'} than one answer holds.")
    items = answer.data.get("items") if isinstance(answer.data, dict) else None
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


async def read_again(tools: Tools, errand: Errand[Any]) -> Object | Progress:
    """The errand's subject as it is now; `lost` when it is gone, or another has its name."""
    subject = errand.action.subject
    try:
        item = await read_object(tools, subject)
    except ToolNotFound:
        return Progress(state="lost", words=f"{subject} is gone.")
    if str(item["metadata"].get("uid", "")) != errand.pre.bound["uid"]:
        return Progress(state="lost", words=f"{subject} is another object of that name now.")
    return item


async def read_scalers(tools: Tools, subject: Subject) -> list[Object]:
    """The autoscalers that decide how many pods a workload has."""

    def is_about(scaler: Object) -> bool:
        target = (scaler.get("spec") or {}).get("scaleTargetRef") or {}
        return (target.get("kind"), target.get("name")) == (subject.kind, subject.name)

    return [one for one in await read_list(tools, "HorizontalPodAutoscaler", subject.namespace) if is_about(one)]


async def read_workload(tools: Tools, subject: Subject) -> WorkloadState:
    return workload_state(await read_object(tools, subject), subject)


async def still_there(tools: Tools, subject: Subject) -> WorkloadState | None:
    """None when it is gone."""
    try:
        return await read_workload(tools, subject)
    except ToolNotFound:
        return None


def workload_state(item: Object, subject: Subject) -> WorkloadState:
    """`rolling` follows `kubectl rollout status`: pods of another template, or a template nobody has looked at yet.

    That its pods are not ready does not make it so, nor does a rollout that has been given up on
    (ProgressDeadlineExceeded).
    """
    metadata, spec, status = item["metadata"], item.get("spec") or {}, item.get("status") or {}
    replicas = asked_for(item)
    generation = int(metadata.get("generation") or 0)
    unseen = int(status.get("observedGeneration") or 0) < generation
    if subject.kind == "DaemonSet":
        ready = int(status.get("numberReady") or 0)
        behind = int(status.get("updatedNumberScheduled") or 0) < replicas
    elif subject.kind == "StatefulSet":
        ready = int(status.get("readyReplicas") or 0)
        revisions = status.get("currentRevision"), status.get("updateRevision")
        behind = bool(revisions[1]) and revisions[0] != revisions[1]
    else:
        ready = int(status.get("readyReplicas") or 0)
        updated = int(status.get("updatedReplicas") or 0)
        behind = updated < replicas or int(status.get("replicas") or 0) > updated
    given_up = any(
        one.get("type") == "Progressing" and one.get("reason") == "ProgressDeadlineExceeded"
        for one in status.get("conditions") or []
    )
    return WorkloadState(
        subject=subject,
        uid=str(metadata.get("uid", "")),
        generation=generation,
        resource_version=str(metadata.get("resourceVersion", "")),
        replicas=replicas,
        ready=ready,
        rolling=unseen or (behind and not given_up),
        paused=bool(spec.get("paused")),
        max_unavailable=max_unavailable(item, subject.kind),
        template=content_digest(spec.get("template") or {}),
    )


def asked_for(item: Object) -> int:
    """How many pods it shall have; a DaemonSet as many as there are nodes for it."""
    spec, status = item.get("spec") or {}, item.get("status") or {}
    if "desiredNumberScheduled" in status:
        return int(status["desiredNumberScheduled"] or 0)
    replicas = spec.get("replicas")
    return 1 if replicas is None else int(replicas)


def max_unavailable(item: Object, kind: str) -> int:
    """Pods that a rollout may leave without a ready replacement, as the controllers compute it."""
    spec, replicas = item.get("spec") or {}, asked_for(item)
    if kind == "Deployment":
        strategy = spec.get("strategy") or {}
        if strategy.get("type") == "Recreate":
            return replicas
        rolling = strategy.get("rollingUpdate") or {}
        away = _share(rolling.get("maxUnavailable", "25%"), replicas, up=False)
        surge = _share(rolling.get("maxSurge", "25%"), replicas, up=True)
        return min(replicas, max(away, 0 if surge else 1))
    strategy = spec.get("updateStrategy") or {}
    if strategy.get("type") == "OnDelete":
        return 0
    rolling = strategy.get("rollingUpdate") or {}
    return min(replicas, max(1, _share(rolling.get("maxUnavailable", 1), replicas, up=True)))


def _share(value: object, of: int, *, up: bool) -> int:
    text = str(value)
    if not text.endswith("%"):
        return int(text)
    exact = of * int(text[:-1])
    return -(-exact // 100) if up else exact // 100


async def read_budgets(tools: Tools, namespace: str, labels: Mapping[str, str]) -> tuple[BudgetState, ...]:
    """The disruption budgets that cover pods with these labels. An unreadable selector counts as covering."""
    found = await read_list(tools, "PodDisruptionBudget", namespace)
    return tuple(
        BudgetState(
            namespace=namespace,
            name=str(item["metadata"]["name"]),
            allowed=int((item.get("status") or {}).get("disruptionsAllowed") or 0),
        )
        for item in found
        if selects((item.get("spec") or {}).get("selector"), labels)
    )


def selects(selector: object, labels: Mapping[str, str]) -> bool:
    """Whether a LabelSelector picks these labels; no selector picks nothing, an empty one everything."""
    if not isinstance(selector, Mapping):
        return False
    if any(labels.get(key) != value for key, value in (selector.get("matchLabels") or {}).items()):
        return False
    for one in selector.get("matchExpressions") or []:
        key, values = one["key"], one.get("values") or []
        holds = {
            "In": key in labels and labels[key] in values,
            "NotIn": labels.get(key) not in values,
            "Exists": key in labels,
            "DoesNotExist": key not in labels,
        }
        if not holds.get(one.get("operator"), True):
            return False
    return True


def pod_labels(item: Object) -> dict[str, str]:
    """The labels that a workload gives its pods."""
    template = (item.get("spec") or {}).get("template") or {}
    return dict((template.get("metadata") or {}).get("labels") or {})


def is_ready(item: Object) -> bool:
    """Whether a pod or a node says that it is."""
    conditions = (item.get("status") or {}).get("conditions") or []
    return any(one.get("type") == "Ready" and one.get("status") == "True" for one in conditions)


def controller_of(item: Object) -> Mapping[str, Any] | None:
    """The owner that makes it again."""
    return next((one for one in item["metadata"].get("ownerReferences") or [] if one.get("controller")), None)


def node_state(item: Object) -> NodeState:
    metadata = item["metadata"]
    return NodeState(
        name=str(metadata["name"]),
        uid=str(metadata.get("uid", "")),
        ready=is_ready(item),
        schedulable=not (item.get("spec") or {}).get("unschedulable"),
    )
