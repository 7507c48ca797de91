"""The horizontal autoscaler: how many pods it wants, how fast it goes, what it says when it cannot tell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from sandbox_cluster.running import NAMESPACE, Bench, workload

from autodevops.sandbox.cluster.controllers.autoscaler import Autoscalers
from autodevops.sandbox.cluster.controllers.autoscaler_limits import Past, bound
from autodevops.sandbox.cluster.controllers.autoscaler_metrics import milli_quantity
from autodevops.sandbox.cluster.controllers.deployment import Deployments
from autodevops.sandbox.cluster.controllers.replicaset import ReplicaSets
from autodevops.sandbox.cluster.store import Json
from autodevops.sandbox.cluster.surroundings import PlainSurroundings

CPU = {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}}}
MEMORY = {"type": "Resource", "resource": {"name": "memory", "target": {"averageValue": "100Mi"}}}


@dataclass
class Load(PlainSurroundings):
    """A load that all pods share; `steps` are (from epoch s, cores in all)."""

    steps: tuple[tuple[float, float], ...] = ()
    pods: int = 2
    bytes_each: float | None = None

    def cpu(self, pod: Json, at: float) -> float | None:
        total = next((cores for since, cores in reversed(self.steps) if since <= at), None)
        return None if total is None else total / self.pods

    def memory(self, pod: Json, at: float) -> float | None:
        return self.bytes_each


def bench(load: PlainSurroundings, requests: Json | None = None, replicas: int = 2, active_from: float = float("-inf"),
          **spec: Any) -> Bench:  # fmt: skip
    made = Bench(surroundings=load)
    store = made.store
    made.run(Deployments(store), ReplicaSets(store), Autoscalers(store, load, active_from)).pods()
    item = workload("Deployment", replicas=replicas)
    requests = {"cpu": "500m", "memory": "128Mi"} if requests is None else requests
    item["spec"]["template"]["spec"]["containers"][0]["resources"] = {"requests": requests}
    store.create(item)
    reference = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    full = {"scaleTargetRef": reference, "minReplicas": 2, "maxReplicas": 10, "metrics": [CPU], **spec}
    meta = {"name": "web", "namespace": NAMESPACE}
    kind = "HorizontalPodAutoscaler"
    store.create({"apiVersion": "autoscaling/v2", "kind": kind, "metadata": meta, "spec": full})
    return made


def size(made: Bench) -> int:
    return int(made.get("Deployment", "web")["spec"]["replicas"])


def said(made: Bench, condition: str) -> tuple[str, str, str]:
    return made.condition("HorizontalPodAutoscaler", "web", condition)


@pytest.mark.parametrize(
    ("cores", "expected"),
    [
        (0.50, 2),  # 50 %, as wanted
        (0.54, 2),  # within the tolerance
        (0.75, 3),
        (1.00, 4),
        (0.10, 2),  # minReplicas
    ],
)
def test_the_size_follows_the_use_of_requests(cores: float, expected: int) -> None:
    made = bench(Load(steps=((0.0, cores),)))
    made.until(90.0)
    assert size(made) == expected


def test_a_rise_is_followed_and_said() -> None:
    made = bench(Load(steps=((0.0, 1.0),)))
    made.until(80.0)
    name = "cpu resource utilization (percentage of request)"
    assert made.events("SuccessfulRescale") == [f"New size: 4; reason: {name} above target"]
    status = made.get("HorizontalPodAutoscaler", "web")["status"]
    assert status["currentMetrics"] == [
        {
            "type": "Resource",
            "resource": {"name": "cpu", "current": {"averageUtilization": 100, "averageValue": "500m"}},
        }
    ]
    assert said(made, "ScalingActive") == (
        "True",
        "ValidMetricFound",
        "the HPA was able to successfully calculate a replica count from cpu resource utilization "
        "(percentage of request)",
    )


def test_it_goes_down_only_after_five_minutes_of_less() -> None:
    made = bench(Load(steps=((0.0, 2.0), (600.0, 0.2)), pods=8), replicas=8)
    made.until(880.0)
    assert size(made) == 8
    assert said(made, "AbleToScale") == (
        "True",
        "ScaleDownStabilized",
        "recent recommendations were higher than current one, applying the highest recent recommendation",
    )
    made.until(960.0)
    assert size(made) == 2
    assert made.events("SuccessfulRescale") == ["New size: 2; reason: All metrics below target"]
    made.until(1000.0)
    assert said(made, "ScalingLimited")[:2] == ("True", "TooFewReplicas")


def test_memory_is_compared_as_an_amount() -> None:
    made = bench(Load(bytes_each=200 * 1024 * 1024.0), metrics=[MEMORY])
    made.until(20.0)
    assert size(made) == 4
    status = made.get("HorizontalPodAutoscaler", "web")["status"]
    assert status["currentMetrics"][0]["resource"]["current"] == {"averageValue": "209715200"}
    assert said(made, "ScalingActive")[2].endswith("from memory resource")


NONE_KNOWN = "failed to get cpu utilization: unable to get metrics for resource cpu: "
CASES: list[tuple[str, Json, Json, str]] = [
    ("no metrics yet", {"steps": ()}, {}, f"{NONE_KNOWN}no metrics returned from resource metrics API"),
    (
        "metrics-server down",
        {"steps": ((0.0, 1.0),), "components": {"metrics-server": [(0.0, False)]}},
        {},
        f"{NONE_KNOWN}unable to fetch metrics from resource metrics API: the server is currently unable to handle the "
        "request (get pods.metrics.k8s.io)",
    ),
    (
        "pods just started",
        {"steps": ((0.0, 1.0),)},
        {},
        "failed to get cpu utilization: did not receive metrics for targeted pods (pods might be unready)",
    ),
]


@pytest.mark.parametrize(("load", "requests", "message"), [one[1:] for one in CASES], ids=[one[0] for one in CASES])
def test_what_it_says_when_it_cannot_tell(load: Json, requests: Json, message: str) -> None:
    made = bench(Load(**load))
    made.until(31.0)
    assert size(made) == 2
    assert said(made, "ScalingActive") == (
        "False",
        "FailedGetResourceMetric",
        f"the HPA was unable to compute the replica count: {message}",
    )
    assert made.events("FailedGetResourceMetric") == [message]
    assert made.events("FailedComputeMetricsReplicas") == [
        f"invalid metrics (1 invalid out of 1), first error is: failed to get cpu resource metric value: {message}"
    ]


def test_a_container_without_a_request_is_named() -> None:
    made = bench(Load(steps=((0.0, 1.0),)), requests={"memory": "1Mi"})
    made.until(90.0)
    pod = made.names("Pod")[0]
    assert said(made, "ScalingActive")[2] == (
        "the HPA was unable to compute the replica count: failed to get cpu utilization: "
        f"missing request for cpu in container main of Pod {pod}"
    )


def test_a_target_that_is_not_there_is_named() -> None:
    reference = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "gone"}
    made = bench(Load(steps=((0.0, 1.0),)), scaleTargetRef=reference)
    made.until(20.0)
    assert said(made, "AbleToScale") == (
        "False",
        "FailedGetScale",
        'the HPA controller was unable to get the target\'s current scale: deployments.apps "gone" not found',
    )


@pytest.mark.parametrize(
    ("replicas", "expected", "reason"),
    [
        (1, 2, "New size: 2; reason: Current number of replicas below Spec.MinReplicas"),
        (12, 10, "New size: 10; reason: Current number of replicas above Spec.MaxReplicas"),
    ],
)
def test_bounds_hold_without_metrics(replicas: int, expected: int, reason: str) -> None:
    made = bench(Load(), replicas=replicas)
    made.until(20.0)
    assert size(made) == expected
    assert made.events("SuccessfulRescale") == [reason]


def test_a_target_scaled_to_nothing_is_left_alone() -> None:
    made = bench(Load(steps=((0.0, 1.0),)), replicas=0)
    made.until(100.0)
    assert size(made) == 0
    assert said(made, "ScalingActive")[:2] == ("False", "ScalingDisabled")


def test_before_it_is_active_it_does_and_costs_nothing() -> None:
    made = bench(Load(steps=((0.0, 1.0),)), active_from=86400.0)
    made.until(86399.0)
    assert size(made) == 2
    assert "status" not in made.get("HorizontalPodAutoscaler", "web")
    made.until(86400.0)
    assert size(made) == 4


SLOW_UP = {"scaleUp": {"policies": [{"type": "Pods", "value": 1, "periodSeconds": 60}]}}
HALF_DOWN = {
    "scaleDown": {
        "stabilizationWindowSeconds": 0,
        "policies": [{"type": "Percent", "value": 50, "periodSeconds": 60}],
    }
}
NEVER_DOWN = {"scaleDown": {"stabilizationWindowSeconds": 0, "selectPolicy": "Disabled"}}


@pytest.mark.parametrize(
    ("behavior", "current", "desired", "expected", "reason"),
    [
        (None, 3, 20, 6, "ScaleUpLimit"),
        (None, 1, 20, 4, "ScaleUpLimit"),
        (None, 8, 20, 10, "TooManyReplicas"),
        (None, 3, 1, 2, "TooFewReplicas"),
        (None, 3, 4, 4, "DesiredWithinRange"),
        (SLOW_UP, 3, 9, 4, "ScaleUpLimit"),
        (HALF_DOWN, 8, 2, 4, "ScaleDownLimit"),
        (NEVER_DOWN, 8, 2, 8, "ScaleDownLimit"),
        ({"scaleUp": {}}, 3, 9, 7, "ScaleUpLimit"),  # the defaults: 4 pods or double, whichever is more
    ],
)
def test_behavior_bounds_how_fast_it_goes(
    behavior: Json | None, current: int, desired: int, expected: int, reason: str
) -> None:
    spec: Json = {"minReplicas": 2, "maxReplicas": 10, **({"behavior": behavior} if behavior is not None else {})}
    found = bound(spec, Past(), current, desired, 1000.0)
    assert (found.replicas, found.limited[1]) == (expected, reason)


def test_a_policy_counts_what_was_changed_in_its_period() -> None:
    spec = {"minReplicas": 1, "maxReplicas": 10, "behavior": SLOW_UP}
    past = Past()
    past.changed(1000.0, 1)
    assert bound(spec, past, 4, 9, 1030.0).replicas == 4
    assert bound(spec, past, 4, 9, 1061.0).replicas == 5


@pytest.mark.parametrize(
    ("value", "text"), [(250, "250m"), (2000, "2"), (0, "0"), (104857600000, "104857600"), (10**12, "1G")]
)
def test_amounts_are_written_as_quantities(value: int, text: str) -> None:
    assert milli_quantity(value) == text
