"""Disruption budgets: what their status counts and which evictions they refuse."""

from __future__ import annotations

import pytest
from sandbox_cluster.running import NAMESPACE, Bench, workload

from autodevops.sandbox.cluster.controllers.deployment import Deployments
from autodevops.sandbox.cluster.controllers.disruption import DisruptionBudgets, EvictionDenied, may_evict
from autodevops.sandbox.cluster.controllers.replicaset import ReplicaSets
from autodevops.sandbox.cluster.store import Json, Key


def bench(never: tuple[str, ...] = (), replicas: int = 4, **spec: object) -> Bench:
    made = Bench()
    made.run(Deployments(made.store), ReplicaSets(made.store), DisruptionBudgets(made.store)).pods(never=never)
    made.store.create(workload("Deployment", replicas=replicas))
    meta = {"name": "web", "namespace": NAMESPACE}
    budget = {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": meta}
    made.store.create({**budget, "spec": {"selector": {"matchLabels": {"app": "web"}}, **spec}})
    made.until(20.0)
    return made


def pod(made: Bench, number: int = 0) -> Json:
    return made.get("Pod", made.names("Pod")[number])


@pytest.mark.parametrize(
    ("spec", "desired", "allowed"),
    [
        ({"minAvailable": 3}, 3, 1),
        ({"minAvailable": "50%"}, 2, 2),
        ({"minAvailable": "60%"}, 3, 1),
        ({"maxUnavailable": 1}, 3, 1),
        ({"maxUnavailable": "30%"}, 2, 2),  # rounded up, as for every budget
        ({"maxUnavailable": 0}, 4, 0),
    ],
)
def test_the_status_counts_as_the_budget_says(spec: Json, desired: int, allowed: int) -> None:
    status = bench(**spec).get("PodDisruptionBudget", "web")["status"]
    numbers = {name: value for name, value in status.items() if name != "conditions"}
    assert numbers == {
        "observedGeneration": 1,
        "disruptionsAllowed": allowed,
        "currentHealthy": 4,
        "desiredHealthy": desired,
        "expectedPods": 4,
    }
    (condition,) = status["conditions"]
    expected = ("True", "SufficientPods") if allowed else ("False", "InsufficientPods")
    assert (condition["status"], condition["reason"]) == expected


def test_an_eviction_uses_the_budget_up_and_the_next_is_refused() -> None:
    made = bench(minAvailable=3)
    first, second = pod(made, 0), pod(made, 1)
    assert may_evict(made.store, first, dry_run=True) is None
    assert may_evict(made.store, first) is None
    made.store.delete(Key("Pod", NAMESPACE, first["metadata"]["name"]))
    refused = may_evict(made.store, second)
    assert isinstance(refused, EvictionDenied)
    assert (refused.code, refused.reason, str(refused)) == (
        429,
        "TooManyRequests",
        "Cannot evict pod as it would violate the pod's disruption budget.",
    )
    message = "The disruption budget web needs 3 healthy pods and has 4 currently"
    assert refused.causes == [{"reason": "DisruptionBudget", "message": message}]
    made.until(40.0)
    assert may_evict(made.store, second) is None


def test_a_budget_nobody_has_looked_at_yet_asks_to_try_again() -> None:
    made = bench(minAvailable=3)
    made.edit("PodDisruptionBudget", "web", minAvailable=1)
    refused = may_evict(made.store, pod(made))
    assert isinstance(refused, EvictionDenied)
    assert refused.retry_after == 10
    assert refused.causes[0]["message"] == "The disruption budget web is still being processed by the server."


@pytest.mark.parametrize(("policy", "refused"), [("IfHealthyBudget", True), ("AlwaysAllow", False)])
def test_a_pod_that_is_not_ready_may_go_only_if_the_policy_says_so(policy: str, refused: bool) -> None:
    made = bench(never=("shop/web:1",), minAvailable=3, unhealthyPodEvictionPolicy=policy)
    assert (may_evict(made.store, pod(made)) is not None) == refused


def test_a_pod_no_budget_speaks_of_may_go_and_one_of_two_budgets_may_not() -> None:
    made = bench(minAvailable=3)
    other = {**pod(made), "metadata": {**pod(made)["metadata"], "labels": {"app": "else"}}}
    assert may_evict(made.store, other) is None
    budget = made.get("PodDisruptionBudget", "web")
    made.store.create({**budget, "metadata": {"name": "second", "namespace": NAMESPACE}})
    refused = may_evict(made.store, pod(made))
    assert refused is not None
    assert refused.code == 500


def test_pods_of_nobody_are_counted_by_a_whole_number_only() -> None:
    made = bench(replicas=0, maxUnavailable=1)
    assert "No matching pods found" in made.events("NoPods")
    template = workload("Deployment")["spec"]["template"]
    meta = {**template["metadata"], "name": "stray", "namespace": NAMESPACE}
    made.store.create({"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": template["spec"]})
    made.store.edit(Key("Deployment", NAMESPACE, "web"), lambda one: one["spec"].update(paused=True))
    made.until(40.0)
    status = made.get("PodDisruptionBudget", "web")["status"]
    assert (status["expectedPods"], status["disruptionsAllowed"]) == (0, 0)
    assert made.events("UnmanagedPods")[0].startswith("Pods selected by this PodDisruptionBudget (selector: ")
