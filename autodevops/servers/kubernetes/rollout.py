"""Rollout history: a Deployment's ReplicaSets, a StatefulSet's or DaemonSet's ControllerRevisions, as revisions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from autodevops.domain.tool_results import Revision

REVISION = "deployment.kubernetes.io/revision"
CHANGE_CAUSE = "kubernetes.io/change-cause"


def selector_text(selector: Mapping[str, Any]) -> str:
    """A LabelSelector object as the label selector parameter spells it."""
    parts = [f"{key}={value}" for key, value in (selector.get("matchLabels") or {}).items()]
    for expression in selector.get("matchExpressions") or []:
        key, operator, values = expression["key"], expression["operator"], ",".join(expression.get("values") or [])
        spelled = {"In": f"{key} in ({values})", "NotIn": f"{key} notin ({values})", "Exists": key}
        parts.append(spelled.get(operator, f"!{key}"))
    return ",".join(parts)


def owned_by(items: Iterable[dict[str, Any]], uid: str) -> list[dict[str, Any]]:
    """Those whose controller is `uid`; a selector alone may match another workload's."""
    return [
        item
        for item in items
        if any(owner.get("uid") == uid for owner in item["metadata"].get("ownerReferences") or [])
    ]


def from_replica_set(item: Mapping[str, Any]) -> Revision:
    metadata, spec, status = item["metadata"], item["spec"], item.get("status") or {}
    annotations = metadata.get("annotations") or {}
    return _revision(
        metadata,
        spec.get("template") or {},
        number=int(annotations.get(REVISION, 0)),
        replicas=status.get("replicas") or 0,
        ready=status.get("readyReplicas") or 0,
    )


def from_controller_revision(item: Mapping[str, Any], workload: Mapping[str, Any]) -> Revision:
    """The workload's own status says how many replicas run its newest revision; older ones are not counted there."""
    status = workload.get("status") or {}
    metadata = item["metadata"]
    newest = status.get("updateRevision") == metadata["name"]
    return _revision(
        metadata,
        ((item.get("data") or {}).get("spec") or {}).get("template") or {},
        number=int(item.get("revision") or 0),
        replicas=(status.get("updatedReplicas") or 0) if newest else 0,
        ready=0,
    )


def _revision(
    metadata: Mapping[str, Any], template: Mapping[str, Any], *, number: int, replicas: int, ready: int
) -> Revision:
    inner = template.get("metadata") or {}
    annotations = {**(inner.get("annotations") or {}), **(metadata.get("annotations") or {})}
    containers = (template.get("spec") or {}).get("containers") or []
    return Revision(
        revision=number,
        created_at=metadata["creationTimestamp"],
        owner=metadata["name"],
        images={container["name"]: container.get("image", "") for container in containers},
        replicas=replicas,
        ready_replicas=ready,
        change_cause=annotations.get(CHANGE_CAUSE, ""),
        labels={**(inner.get("labels") or {}), **(metadata.get("labels") or {})},
        annotations=annotations,
        template=dict(template),
    )
