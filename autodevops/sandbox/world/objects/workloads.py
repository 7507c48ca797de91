"""Deployments with their ReplicaSets, StatefulSets, DaemonSets and autoscalers, as their controllers report them."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import TYPE_CHECKING

from autodevops.sandbox.basics.moments import rfc3339
from autodevops.sandbox.basics.quantities import parse_quantity
from autodevops.sandbox.world.objects.meta import condition, metadata, object_uid, owner_reference
from autodevops.sandbox.world.objects.pods import replica_set_name
from autodevops.sandbox.world.templates import Json, common_labels, selector
from autodevops.sandbox.world.workloads import History, Pod, Rollout

if TYPE_CHECKING:
    from autodevops.sandbox.world.world import World

_REVISION = "deployment.kubernetes.io/revision"
_HISTORY_LIMIT = 10


def workloads(histories: Sequence[History], at: float) -> dict[str, list[Json]]:
    """Deployments, ReplicaSets, StatefulSets and DaemonSets."""
    found: dict[str, list[Json]] = {"deployments": [], "replicasets": [], "statefulsets": [], "daemonsets": []}
    for history in histories:
        if history.rollout(at) is None:
            continue
        match history.service.kind:
            case "Deployment":
                found["deployments"].append(_deployment(history, at))
                found["replicasets"] += _replica_sets(history, at)
            case "StatefulSet":
                found["statefulsets"].append(_stateful_set(history, at))
            case "DaemonSet":
                found["daemonsets"].append(_daemon_set(history, at))
    return found


def _live(history: History, at: float) -> list[Pod]:
    return [pod for pod in history.pods if pod.exists(at)]


def _changes(history: History, at: float) -> list[float]:
    """Moments at which the workload's object changed, until now."""
    moments = [rollout.at for rollout in history.rollouts] + [when for when, _ in history.scalings]
    for pod in history.pods:
        moments += [pod.created_at, pod.ready_at, pod.deleted_at]
    return sorted(moment for moment in moments if moment <= at)


def _generation(history: History, at: float) -> int:
    moments = {rollout.at for rollout in history.rollouts} | {when for when, _ in history.scalings}
    return sum(moment <= at for moment in moments)


def _current(history: History, at: float) -> Rollout:
    rollout = history.rollout(at)
    assert rollout is not None, "a workload without a rollout does not exist yet"
    return rollout


def _deployment(history: History, at: float) -> Json:
    service, rollout, replicas = history.service, _current(history, at), history.replicas(at)
    pods = _live(history, at)
    updated = [pod for pod in pods if pod.hash == rollout.hash]
    ready = [pod for pod in pods if pod.ready(at)]
    generation = _generation(history, at)
    created = history.rollouts[0].at
    status: Json = {"observedGeneration": generation}
    counts = {
        "replicas": len(pods),
        "updatedReplicas": len(updated),
        "readyReplicas": len(ready),
        "availableReplicas": len(ready),
        "unavailableReplicas": max(0, max(replicas, len(pods)) - len(ready)),
    }
    status |= {name: count for name, count in counts.items() if count}
    status["conditions"] = _deployment_conditions(history, rollout, replicas, at)
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata(
            "Deployment",
            service.name,
            service.namespace,
            created,
            _changes(history, at)[-1],
            labels=common_labels(service),
            annotations={_REVISION: str(_revision(history, rollout.hash, at)), **rollout.annotations},
            generation=generation,
        ),
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": selector(service)},
            "template": copy.deepcopy(rollout.template),
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "25%", "maxSurge": "25%"}},
            "revisionHistoryLimit": _HISTORY_LIMIT,
            "progressDeadlineSeconds": 600,
        },
        "status": status,
    }


def _deployment_conditions(history: History, rollout: Rollout, replicas: int, at: float) -> list[Json]:
    created = history.rollouts[0].at
    name = replica_set_name(history.service, rollout.hash)
    wanted = [pod for pod in history.pods if pod.hash == rollout.hash and pod.exists(at)]
    stale = [pod for pod in history.pods if pod.hash != rollout.hash and pod.exists(at)]
    done = not stale and len(wanted) == replicas and all(pod.ready(at) for pod in wanted)
    steps = [rollout.at] + [pod.ready_at for pod in wanted if pod.ready_at <= at]
    ready = sum(pod.ready(at) for pod in history.pods)
    available = ready >= replicas - replicas // 4
    first_ready = min((pod.ready_at for pod in history.pods), default=created)
    if done:
        reason, message = "NewReplicaSetAvailable", f'ReplicaSet "{name}" has successfully progressed.'
    else:
        reason, message = "ReplicaSetUpdated", f'ReplicaSet "{name}" is progressing.'
    return [
        condition(
            "Available",
            available,
            first_ready,
            "MinimumReplicasAvailable" if available else "MinimumReplicasUnavailable",
            "Deployment has minimum availability." if available else "Deployment does not have minimum availability.",
            lastUpdateTime=first_ready,
        ),
        condition("Progressing", True, created, reason, message, lastUpdateTime=max(steps)),
    ]


def _revision(history: History, template_hash: str, at: float) -> int:
    """The revision of a ReplicaSet: the newest rollout that wanted it (a rollback renumbers the old one)."""
    return max(r.revision for r in history.rollouts if r.hash == template_hash and r.at <= at)


def _replica_sets(history: History, at: float) -> list[Json]:
    service, current = history.service, _current(history, at)
    seen: dict[str, list[Rollout]] = {}
    for rollout in history.rollouts:
        if rollout.at <= at:
            seen.setdefault(rollout.hash, []).append(rollout)
    newest = sorted(seen.values(), key=lambda rollouts: rollouts[-1].revision)[-_HISTORY_LIMIT - 1 :]
    replicas = history.replicas(at)
    owner = owner_reference(
        "apps/v1", "Deployment", service.name, object_uid("Deployment", service.namespace, service.name)
    )
    found = []
    for rollouts in newest:
        rollout = rollouts[-1]
        pods = [pod for pod in _live(history, at) if pod.hash == rollout.hash]
        ready = sum(pod.ready(at) for pod in pods)
        name = replica_set_name(service, rollout.hash)
        annotations = {
            **rollout.annotations,
            "deployment.kubernetes.io/desired-replicas": str(replicas),
            "deployment.kubernetes.io/max-replicas": str(replicas + -(-replicas // 4)),
            _REVISION: str(rollout.revision),
        }
        if len(rollouts) > 1:
            annotations["deployment.kubernetes.io/revision-history"] = ",".join(str(r.revision) for r in rollouts[:-1])
        template = copy.deepcopy(rollout.template)
        labels = {**template["metadata"].get("labels", {}), "pod-template-hash": rollout.hash}
        template["metadata"]["labels"] = labels
        moments = [rollouts[0].at, rollout.at]
        for pod in history.pods:
            if pod.hash == rollout.hash:
                moments += [pod.created_at, pod.ready_at, pod.deleted_at]
        status: Json = {"replicas": len(pods)}
        if pods:
            status["fullyLabeledReplicas"] = len(pods)
        if ready:
            status |= {"readyReplicas": ready, "availableReplicas": ready}
        generation = 1 + sum(1 for pod in history.pods if pod.hash == rollout.hash and pod.created_at <= at)
        status["observedGeneration"] = generation
        found.append(
            {
                "apiVersion": "apps/v1",
                "kind": "ReplicaSet",
                "metadata": metadata(
                    "ReplicaSet",
                    name,
                    service.namespace,
                    rollouts[0].at,
                    max(moment for moment in moments if moment <= at),
                    labels=labels,
                    annotations=annotations,
                    owner=owner,
                    generation=generation,
                ),
                "spec": {
                    "replicas": len(pods) if rollout.hash != current.hash else min(replicas, len(pods)),
                    "selector": {"matchLabels": {**selector(service), "pod-template-hash": rollout.hash}},
                    "template": template,
                },
                "status": status,
            }
        )
    return found


def _stateful_set(history: History, at: float) -> Json:
    service, rollout = history.service, _current(history, at)
    pods = _live(history, at)
    ready = sum(pod.ready(at) for pod in pods)
    generation = _generation(history, at)
    revision = f"{service.name}-{rollout.hash}"
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "data", "creationTimestamp": None},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": service.storage}},
            "storageClassName": "standard",
            "volumeMode": "Filesystem",
        },
        "status": {"phase": "Pending"},
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": metadata(
            "StatefulSet",
            service.name,
            service.namespace,
            history.rollouts[0].at,
            _changes(history, at)[-1],
            labels=common_labels(service),
            generation=generation,
        ),
        "spec": {
            "replicas": history.replicas(at),
            "selector": {"matchLabels": selector(service)},
            "template": copy.deepcopy(rollout.template),
            "volumeClaimTemplates": [claim] if service.storage else [],
            "serviceName": service.name,
            "podManagementPolicy": "OrderedReady",
            "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}},
            "revisionHistoryLimit": _HISTORY_LIMIT,
            "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Retain", "whenScaled": "Retain"},
        },
        "status": {
            "observedGeneration": generation,
            "replicas": len(pods),
            "readyReplicas": ready,
            "availableReplicas": ready,
            "currentReplicas": len(pods),
            "updatedReplicas": sum(pod.hash == rollout.hash for pod in pods),
            "currentRevision": revision,
            "updateRevision": revision,
            "collisionCount": 0,
        },
    }


def _daemon_set(history: History, at: float) -> Json:
    service, rollout = history.service, _current(history, at)
    pods = _live(history, at)
    ready = sum(pod.ready(at) for pod in pods)
    generation = _generation(history, at)
    return {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": metadata(
            "DaemonSet",
            service.name,
            service.namespace,
            history.rollouts[0].at,
            _changes(history, at)[-1],
            labels=common_labels(service),
            generation=generation,
        ),
        "spec": {
            "selector": {"matchLabels": selector(service)},
            "template": copy.deepcopy(rollout.template),
            "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1, "maxSurge": 0}},
            "revisionHistoryLimit": _HISTORY_LIMIT,
        },
        "status": {
            "currentNumberScheduled": len(pods),
            "numberMisscheduled": 0,
            "desiredNumberScheduled": len(pods),
            "numberReady": ready,
            "observedGeneration": generation,
            "updatedNumberScheduled": sum(pod.hash == rollout.hash for pod in pods),
            "numberAvailable": ready,
        },
    }


def autoscalers(world: World, at: float) -> list[Json]:
    """HorizontalPodAutoscalers with the utilisation they see, looked at once a minute."""
    found = []
    looked = at - at % 60.0
    for service in world.topology.services:
        if not service.hpa_max:
            continue
        history = world.history(service.name)
        replicas = history.replicas(at)
        readings = world.readings([looked - 60.0, looked])
        pods = [pod for pod in history.pods if pod.ready(looked)]
        used = sum(float(values[1] - values[0]) / 60.0 for values in map(readings.cpu_seconds, pods))
        wanted = float(parse_quantity(service.resources.cpu_request or "0")) * len(pods)
        percent = round(100 * used / wanted) if wanted else 0
        average = f"{round(1000 * used / len(pods))}m" if pods else "0"
        created = history.rollouts[0].at
        found.append(
            {
                "apiVersion": "autoscaling/v2",
                "kind": "HorizontalPodAutoscaler",
                "metadata": metadata(
                    "HorizontalPodAutoscaler",
                    service.name,
                    service.namespace,
                    created,
                    looked,
                    labels=common_labels(service),
                ),
                "spec": {
                    "scaleTargetRef": {"kind": "Deployment", "name": service.name, "apiVersion": "apps/v1"},
                    "minReplicas": min(service.replicas, service.hpa_max),
                    "maxReplicas": service.hpa_max,
                    "metrics": [
                        {
                            "type": "Resource",
                            "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}},
                        }
                    ],
                },
                "status": {
                    "lastScaleTime": rfc3339(created),
                    "currentReplicas": len(pods),
                    "desiredReplicas": replicas,
                    "currentMetrics": [
                        {
                            "type": "Resource",
                            "resource": {
                                "name": "cpu",
                                "current": {"averageValue": average, "averageUtilization": percent},
                            },
                        }
                    ],
                    "conditions": [
                        condition(
                            "AbleToScale", True, created, "ReadyForNewScale", "recommended size matches current size"
                        ),
                        condition(
                            "ScalingActive", True, created, "ValidMetricFound",
                            "the HPA was able to successfully calculate a replica count from cpu resource utilization"
                            " (percentage of request)",
                        ),
                        condition(
                            "ScalingLimited", False, created, "DesiredWithinRange",
                            "the desired count is within the acceptable range",
                        ),
                    ],
                },
            }
        )  # fmt: skip
    return found
