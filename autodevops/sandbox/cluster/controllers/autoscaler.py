"""HorizontalPodAutoscalers: every 15 seconds a look at what pods use, and a new size for what they belong to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from autodevops.sandbox.basics.moments import rfc3339
from autodevops.sandbox.basics.quantities import parse_quantity
from autodevops.sandbox.cluster.controllers.autoscaler_limits import Past, bound
from autodevops.sandbox.cluster.controllers.autoscaler_metrics import (
    MetricError,
    Proposal,
    by_average,
    by_utilization,
    milli_quantity,
)
from autodevops.sandbox.cluster.controllers.pods import phase
from autodevops.sandbox.cluster.controllers.writes import replace, replace_spec
from autodevops.sandbox.cluster.kinds import KINDS
from autodevops.sandbox.cluster.meta import matches, set_condition
from autodevops.sandbox.cluster.recorder import Recorder
from autodevops.sandbox.cluster.store import Change, Json, Key, Store
from autodevops.sandbox.cluster.surroundings import Surroundings

_PERIOD = 15.0  # seconds
_SCALABLE = ("Deployment", "ReplicaSet", "ReplicationController", "StatefulSet")
_DOWN = (
    "unable to fetch metrics from resource metrics API: the server is currently unable to handle the request "
    "(get pods.metrics.k8s.io)"
)
_CPU_AT_80 = {
    "type": "Resource",
    "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}},
}
_FAILED = {
    "Resource": "FailedGetResourceMetric",
    "ContainerResource": "FailedGetContainerResourceMetric",
    "Pods": "FailedGetPodsMetric",
    "Object": "FailedGetObjectMetric",
    "External": "FailedGetExternalMetric",
}


@dataclass(frozen=True)
class _Metric:
    """What came of one metric: its name in sentences, its entry in the status, the replicas it asks for."""

    name: str
    status: Json
    replicas: int


class Autoscalers:
    """The loop over HorizontalPodAutoscalers. Before `active_from` (epoch s) it does nothing, so a replay is cheap."""

    name = "horizontal-pod-autoscaler"
    kinds = ("HorizontalPodAutoscaler",)

    def __init__(self, store: Store, surroundings: Surroundings, active_from: float = float("-inf")) -> None:
        self._store, self._surroundings, self._active_from = store, surroundings, active_from
        self._events = Recorder(store, "horizontal-pod-autoscaler")
        self._past: dict[str, Past] = {}

    def concerns(self, change: Change) -> Iterable[tuple[Key, float]]:
        if change.key.kind != "HorizontalPodAutoscaler" or change.type == "DELETED":
            return []
        same = change.before is not None and change.before["spec"] == change.object["spec"]
        return [] if same else [(change.key, _PERIOD)]

    def reconcile(self, key: Key) -> float | None:
        item = self._store.get(*key)
        if item is None:
            return None
        if self._store.now < self._active_from:
            return self._active_from
        self._look(item)
        return self._store.now + _PERIOD

    def _look(self, item: Json) -> None:
        now, before = self._store.now, item.get("status", {})
        conditions: list[Json] = [dict(one) for one in before.get("conditions", ())]
        target, problem = self._target(item)
        if target is None:
            self._events.warning(item, "FailedGetScale", problem)
            message = f"the HPA controller was unable to get the target's current scale: {problem}"
            set_condition(conditions, "AbleToScale", "False", now, "FailedGetScale", message)
            self._write(item, {**before, "conditions": conditions})
            return
        got = "the HPA controller was able to get the target's current scale"
        set_condition(conditions, "AbleToScale", "True", now, "SucceededGetScale", got)
        current = int(target["spec"].get("replicas", 1))
        past = self._past.setdefault(item["metadata"]["uid"], Past([(now, current)]))
        least, most = int(item["spec"].get("minReplicas", 1)), int(item["spec"]["maxReplicas"])
        desired, reason, metrics = current, "", list[Json]()
        if current == 0 and least != 0:
            message = "scaling is disabled since the replica count of the target is zero"
            set_condition(conditions, "ScalingActive", "False", now, "ScalingDisabled", message)
        elif current > most:
            desired, reason = most, "Current number of replicas above Spec.MaxReplicas"
        elif current < least:
            desired, reason = least, "Current number of replicas below Spec.MinReplicas"
        else:
            best, metrics = self._measure(item, target, current, conditions)
            if best is None:
                self._write(item, {**before, "currentReplicas": current, "conditions": conditions})
                return
            reason = f"{best.name} above target" if best.replicas > current else "All metrics below target"
            bounded = bound(item["spec"], past, current, best.replicas, now)
            set_condition(conditions, "AbleToScale", bounded.able[0], now, *bounded.able[1:])
            set_condition(conditions, "ScalingLimited", bounded.limited[0], now, *bounded.limited[1:])
            desired = bounded.replicas
        status: Json = {**before, "currentReplicas": current, "desiredReplicas": desired, "currentMetrics": metrics}
        if desired != current:
            replace_spec(self._store, target, replicas=desired)
            message = f"the HPA controller was able to update the target scale to {desired}"
            set_condition(conditions, "AbleToScale", "True", now, "SucceededRescale", message)
            self._events.normal(item, "SuccessfulRescale", f"New size: {desired}; reason: {reason}")
            past.changed(now, desired - current)
            status["lastScaleTime"] = rfc3339(now)
        self._write(item, {**status, "conditions": conditions})

    def _write(self, item: Json, status: Json) -> None:
        if status != item.get("status"):
            replace(self._store, item, status=status)

    def _target(self, item: Json) -> tuple[Json | None, str]:
        """What is scaled, or the sentence that says why it cannot be found."""
        reference, namespace = item["spec"]["scaleTargetRef"], item["metadata"]["namespace"]
        kind, name = reference["kind"], reference["name"]
        group = str(reference.get("apiVersion", "")).rpartition("/")[0]
        if kind not in _SCALABLE or KINDS[kind].group != group:
            return None, f'no matches for kind "{kind}" in group "{group}"'
        found = self._store.get(kind, namespace, name)
        plural = f"{KINDS[kind].plural}.{group}" if group else KINDS[kind].plural
        return found, f'{plural} "{name}" not found'

    # --- metrics ---

    def _measure(
        self, item: Json, target: Json, current: int, conditions: list[Json]
    ) -> tuple[_Metric | None, list[Json]]:
        """The metric that asks for most, and the status of all; None when they cannot be relied on."""
        pods = self._pods(target)
        specs: Sequence[Json] = item["spec"].get("metrics") or [_CPU_AT_80]
        found: list[_Metric] = []
        first: tuple[str, str, str] | None = None
        failed = 0
        for spec in specs:
            try:
                found.append(self._metric(spec, pods, current))
            except MetricError as error:
                reason, (inner, outer) = _FAILED.get(spec["type"], "InvalidMetricSourceType"), _words(spec, error)
                self._events.warning(item, reason, inner)
                first, failed = first or (reason, inner, outer), failed + 1
        best = max(found, key=lambda one: one.replicas, default=None)
        if first is not None and (best is None or best.replicas < current):
            message = f"the HPA was unable to compute the replica count: {first[1]}"
            set_condition(conditions, "ScalingActive", "False", self._store.now, first[0], message)
            said = f"invalid metrics ({failed} invalid out of {len(specs)}), first error is: {first[2]}"
            self._events.warning(item, "FailedComputeMetricsReplicas", said)
            return None, []
        if best is None:
            return None, []
        message = f"the HPA was able to successfully calculate a replica count from {best.name}"
        set_condition(conditions, "ScalingActive", "True", self._store.now, "ValidMetricFound", message)
        return best, [one.status for one in found]

    def _pods(self, target: Json) -> list[Json]:
        selector = target["spec"].get("selector")
        if target["kind"] == "ReplicationController":
            selector = {"matchLabels": selector}
        pods = self._store.items("Pod", target["metadata"]["namespace"])
        return [pod for pod in pods if matches(selector, pod["metadata"].get("labels") or {})]

    def _metric(self, spec: Json, pods: Sequence[Json], current: int) -> _Metric:
        """Raises MetricError."""
        kind = spec["type"]
        if kind not in ("Resource", "ContainerResource"):
            raise MetricError(_absent(spec, kind))
        source = spec["resource" if kind == "Resource" else "containerResource"]
        resource, container, goal = source["name"], source.get("container", ""), source["target"]
        usage = self._usage(pods, resource, container)
        now, word = self._store.now, "container resource" if container else "resource"
        found: Proposal
        if goal.get("averageValue") is not None:
            amount = int(parse_quantity(str(goal["averageValue"])) * 1000)
            found, name = by_average(pods, usage, resource, amount, current, now), f"{resource} {word}"
        elif goal.get("averageUtilization") is not None:
            found = by_utilization(pods, usage, resource, container, goal["averageUtilization"], current, now)
            name = f"{resource} {word} utilization (percentage of request)"
        else:
            raise MetricError("invalid resource metric source: neither an average utilization target nor an average "
                              "value (usage) target was set")  # fmt: skip
        value: Json = {"averageValue": milli_quantity(found.average)}
        if found.utilization is not None:
            value["averageUtilization"] = found.utilization
        part = {"name": resource, **({"container": container} if container else {}), "current": value}
        return _Metric(name, {"type": kind, _field(kind): part}, found.replicas)

    def _usage(self, pods: Sequence[Json], resource: str, container: str) -> dict[str, int]:
        """Use by pod name, in thousandths; of one container only where it is the pod's only one. Raises MetricError."""
        now = self._store.now
        if not self._surroundings.component("metrics-server", now):
            raise MetricError(f"unable to get metrics for resource {resource}: {_DOWN}")
        ask = {"cpu": self._surroundings.cpu, "memory": self._surroundings.memory}.get(resource)
        found: dict[str, int] = {}
        for pod in pods if ask is not None else ():
            names = [one["name"] for one in pod["spec"]["containers"]]
            if phase(pod) != "Running" or (container and names != [container]):
                continue
            value = ask(pod, now) if ask is not None else None
            if value is not None:
                found[pod["metadata"]["name"]] = round(value * 1000)
        if not found:
            raise MetricError(
                f"unable to get metrics for resource {resource}: no metrics returned from resource metrics API"
            )
        return found


def _field(kind: str) -> str:
    return kind[0].lower() + kind[1:]


def _words(spec: Json, error: MetricError) -> tuple[str, str]:
    """An error as its own event has it, and as the sentence about all metrics repeats it."""
    kind = spec["type"]
    if kind in ("Resource", "ContainerResource"):
        source = spec[_field(kind)]
        usage = "usage" if source["target"].get("averageValue") is not None else "utilization"
        inner = f"failed to get {source['name']} {usage}: {error}"
        word = "resource" if kind == "Resource" else "container"
        return inner, f"failed to get {source['name']} {word} metric value: {inner}"
    if kind in ("Pods", "Object", "External"):
        return str(error), f"failed to get {kind.lower()} metric value: {error}"
    return str(error), str(error)


def _absent(spec: Json, kind: str) -> str:
    """What a cluster without a metrics adapter says of the other kinds of metrics."""
    if kind in ("Pods", "Object"):
        name = spec[_field(kind)]["metric"]["name"]
        missing = "no custom metrics API (custom.metrics.k8s.io) registered"
        return f"unable to get metric {name}: unable to fetch metrics from custom metrics API: {missing}"
    if kind == "External":
        name = spec["external"]["metric"]["name"]
        missing = f"the server could not find the requested resource (get {name}.external.metrics.k8s.io)"
        return f"unable to get external metric {name}: unable to fetch metrics from external metrics API: {missing}"
    return f'unknown metric source type "{kind}"'
