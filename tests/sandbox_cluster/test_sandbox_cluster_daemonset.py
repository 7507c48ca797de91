"""DaemonSets: which nodes get a pod, and how pods are exchanged."""

from __future__ import annotations

from typing import Any

import pytest
from sandbox_cluster.running import Bench, workload

from autodevops.sandbox.cluster.controllers.daemonset import DaemonSets
from autodevops.sandbox.cluster.controllers.daemonset_parts import suits
from autodevops.sandbox.cluster.store import Json, Key

TAINT = {"key": "dedicated", "value": "db", "effect": "NoSchedule"}


def node(name: str = "node-0", labels: Json | None = None, taints: list[Json] | None = None) -> Json:
    meta = {"name": name, "labels": {"kubernetes.io/hostname": name, **(labels or {})}}
    return {"apiVersion": "v1", "kind": "Node", "metadata": meta, "spec": {"taints": taints} if taints else {}}


def bench(count: int = 3, never: tuple[str, ...] = (), ends: Any = None, **spec: Any) -> Bench:
    made = Bench()
    made.run(DaemonSets(made.store)).pods(never=never, ends=ends)
    for number in range(count):
        made.store.create(node(f"node-{number}"))
    made.store.create(workload("DaemonSet", "agent", **spec))
    made.until(30.0)
    return made


def _set(**pod: Any) -> Json:
    item = workload("DaemonSet")
    item["spec"]["template"]["spec"] |= pod
    return item


def _affinity(*expressions: Json) -> Json:
    terms = {"nodeSelectorTerms": [{"matchExpressions": [*expressions]}]}
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}}


@pytest.mark.parametrize(
    ("item", "on", "expected"),
    [
        (_set(), node(), (True, True)),
        (_set(nodeSelector={"disk": "ssd"}), node(), (False, False)),
        (_set(nodeSelector={"disk": "ssd"}), node(labels={"disk": "ssd"}), (True, True)),
        (_set(nodeName="other"), node(), (False, False)),
        (_set(), node(taints=[TAINT]), (False, True)),
        (_set(), node(taints=[{**TAINT, "effect": "NoExecute"}]), (False, False)),
        (_set(), node(taints=[{**TAINT, "effect": "PreferNoSchedule"}]), (True, True)),
        (_set(tolerations=[{"key": "dedicated", "value": "db"}]), node(taints=[TAINT]), (True, True)),
        (_set(tolerations=[{"operator": "Exists"}]), node(taints=[TAINT]), (True, True)),
        (_set(), node(taints=[{"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}]), (True, True)),
        (_set(affinity=_affinity({"key": "disk", "operator": "Exists"})), node(), (False, False)),
        (_set(affinity=_affinity({"key": "disk", "operator": "DoesNotExist"})), node(), (True, True)),
    ],
)
def test_nodes_that_fit(item: Json, on: Json, expected: tuple[bool, bool]) -> None:
    assert suits(item, on) == expected


def _bound(made: Bench) -> list[str]:
    required = "requiredDuringSchedulingIgnoredDuringExecution"
    pods = [made.get("Pod", name)["spec"]["affinity"]["nodeAffinity"][required] for name in made.names("Pod")]
    return sorted(one["nodeSelectorTerms"][0]["matchFields"][0]["values"][0] for one in pods)


def test_every_node_has_its_pod_and_a_new_node_gets_one() -> None:
    made = bench()
    assert _bound(made) == ["node-0", "node-1", "node-2"]
    assert made.get("DaemonSet", "agent")["status"] == {
        "currentNumberScheduled": 3,
        "numberMisscheduled": 0,
        "desiredNumberScheduled": 3,
        "numberReady": 3,
        "observedGeneration": 1,
        "updatedNumberScheduled": 3,
        "numberAvailable": 3,
    }
    assert len(made.events("SuccessfulCreate")) == 3
    made.store.create(node("node-3"))
    made.until(60.0)
    assert _bound(made) == ["node-0", "node-1", "node-2", "node-3"]
    keys = {one["key"] for one in made.get("Pod", made.names("Pod")[0])["spec"]["tolerations"]}
    assert "node.kubernetes.io/unreachable" in keys


def test_a_taint_that_is_not_tolerated_at_all_drives_the_pod_away() -> None:
    made = bench()
    made.store.edit(
        Key("Node", "", "node-1"), lambda one: one["spec"].update(taints=[{**TAINT, "effect": "NoExecute"}])
    )
    made.until(60.0)
    assert _bound(made) == ["node-0", "node-2"]


@pytest.mark.parametrize(
    ("rolling", "most"),
    [({"maxUnavailable": 1}, 3), ({"maxUnavailable": "100%"}, 3), ({"maxSurge": 1}, 5)],  # one more, one on its way out
)
def test_an_update_exchanges_every_pod_within_its_limits(rolling: Json, most: int) -> None:
    made = bench(updateStrategy={"type": "RollingUpdate", "rollingUpdate": rolling})
    made.image("DaemonSet", "agent", "shop/agent:2")
    made.until(120.0)
    alive, seen = 3, 3
    for change in [one for one in made.store.log if one.key.kind == "Pod" and one.at > 30.0]:
        alive += (change.type == "ADDED") - (change.type == "DELETED")
        seen = max(seen, alive)
    images = {made.get("Pod", name)["spec"]["containers"][0]["image"] for name in made.names("Pod")}
    assert images == {"shop/agent:2"}
    assert len(made.names("Pod")) == 3
    assert seen <= most
    assert made.get("DaemonSet", "agent")["status"]["updatedNumberScheduled"] == 3


def test_a_bad_update_stops_after_its_first_pod() -> None:
    made = bench(never=("shop/agent:2",))
    made.image("DaemonSet", "agent", "shop/agent:2")
    made.until(120.0)
    images = [made.get("Pod", name)["spec"]["containers"][0]["image"] for name in made.names("Pod")]
    assert sorted(images) == ["shop/agent:2", "shop/web:1", "shop/web:1"]
    assert made.get("DaemonSet", "agent")["status"]["numberUnavailable"] == 1


def test_failed_daemon_pods_are_killed_ever_more_seldom() -> None:
    made = bench(count=1, ends={"shop/web:1": (2.0, 1)})
    made.until(300.0)
    killed = made.events("FailedDaemonPod")
    assert 4 <= len(killed) <= 12
    assert killed[0].startswith("Found failed daemon pod shop/agent-")
