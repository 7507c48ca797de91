"""Nodes that fall silent, lose their runtime, come under pressure, are tainted; and what becomes of their pods."""

from __future__ import annotations

import pytest
from sandbox_cluster.kubelet_bench import BORN, START, cluster_of, key_of_pod, pod_of, seen, told

from autodevops.sandbox.basics.moments import parse_rfc3339
from autodevops.sandbox.cluster.cluster import Cluster
from autodevops.sandbox.cluster.kubelet import shown_lease, shown_node
from autodevops.sandbox.cluster.kubelet.lives import lives
from autodevops.sandbox.cluster.meta import condition_of, is_ready
from autodevops.sandbox.cluster.store import Json, Key
from autodevops.sandbox.cluster.surroundings import NodeState, PlainSurroundings, Program

FAULT = BORN + 1000.0
"""When tests break nodes."""
SILENT = NodeState(kubelet=False)
OFF = NodeState(kubelet=False, runtime=False, network=False)


def _world(*states: tuple[float, NodeState], **more: object) -> PlainSurroundings:
    return PlainSurroundings(nodes={"n1": [(0.0, NodeState()), *((FAULT + at, one) for at, one in states)]}, **more)  # type: ignore[arg-type]


def _node(cluster: Cluster, moment: float) -> Json:
    return next(one for one in cluster.store.at("Node", moment) if one["metadata"]["name"] == "n1")


def _ready(cluster: Cluster, moment: float) -> tuple[str, str, str]:
    found = condition_of(_node(cluster, moment), "Ready")
    assert found is not None
    return found["status"], found["reason"], found["message"]


def _taints(cluster: Cluster, moment: float) -> set[str]:
    return {
        f"{one['key'].partition('/')[2]}:{one['effect']}" for one in _node(cluster, moment)["spec"].get("taints", ())
    }


def _with_pods(surroundings: PlainSurroundings, *pods: Json) -> Cluster:
    cluster = cluster_of(surroundings, "n1", "n2")
    for pod in pods:
        cluster.at(BORN, lambda store, pod=pod: store.create(pod))  # type: ignore[misc]
    return cluster


def test_a_silent_node_is_written_off_and_its_pods_evicted_but_not_gone() -> None:
    cluster = _with_pods(_world((0.0, SILENT)), pod_of("web"), pod_of("other", node="n2"))
    cluster.advance(FAULT + 1000)
    healthy = ("True", "KubeletReady", "kubelet is posting ready status")
    assert _ready(cluster, FAULT + 25) == healthy
    unknown = ("Unknown", "NodeStatusUnknown", "Kubelet stopped posting node status.")
    assert _ready(cluster, FAULT + 50) == unknown
    assert _taints(cluster, FAULT + 50) == {"unreachable:NoSchedule", "unreachable:NoExecute"}
    assert "Normal NodeNotReady Node n1 status is now: NodeNotReady" in told(cluster, "n1")
    assert [is_ready(seen(cluster, "web", FAULT + at) or {}) for at in (25, 50)] == [True, False]
    assert "Warning NodeNotReady Node is not ready" in told(cluster, "web")
    marked = [bool((seen(cluster, "web", FAULT + at) or {})["metadata"].get("deletionTimestamp")) for at in (320, 360)]
    assert marked == [False, True]
    assert "Normal TaintManagerEviction Marking for deletion Pod shop/web" in told(cluster, "web")
    assert cluster.store.get(*key_of_pod("web")) is not None
    assert is_ready(cluster.store.get(*key_of_pod("other")) or {})


def test_a_node_that_comes_back_in_time_keeps_its_pods() -> None:
    cluster = _with_pods(_world((0.0, SILENT), (200.0, NodeState())), pod_of("web"))
    cluster.advance(FAULT + 1000)
    assert _ready(cluster, FAULT + 201)[0] == "True"
    assert _taints(cluster, FAULT + 205) == set()
    assert "Normal NodeReady Node n1 status is now: NodeReady" in told(cluster, "n1")
    assert "Normal TaintManagerEviction Cancelling deletion of Pod shop/web" in told(cluster, "web")
    pod = cluster.store.get(*key_of_pod("web"))
    assert pod is not None
    assert is_ready(pod)
    assert pod["status"]["containerStatuses"][0]["restartCount"] == 0


def test_a_short_silence_is_not_noticed() -> None:
    cluster = _with_pods(_world((0.0, SILENT), (15.0, NodeState())), pod_of("web"))
    cluster.advance(FAULT + 100)
    conditions = {_ready(cluster, FAULT + at)[0] for at in range(0, 100, 5)}
    assert conditions == {"True"}


def test_evicted_pods_go_when_their_kubelet_returns() -> None:
    cluster = _with_pods(_world((0.0, SILENT), (900.0, NodeState())), pod_of("web"))
    cluster.advance(FAULT + 899)
    assert cluster.store.get(*key_of_pod("web")) is not None
    cluster.advance(FAULT + 910)
    assert cluster.store.get(*key_of_pod("web")) is None


def test_a_program_that_ended_while_nobody_looked_is_started_again_on_return() -> None:
    program = {"web:1": Program(ends=1020.0, code=1, reason="Error")}
    cluster = _with_pods(_world((0.0, SILENT), (100.0, NodeState()), programs=program), pod_of("web"))
    cluster.advance(FAULT + 200)
    (life,) = lives(cluster.store.history(key_of_pod("web")))
    first, second = life.runs
    assert first.ended == pytest.approx(first.started + 1020, abs=1.0)
    assert second.started > FAULT + 100


def test_a_machine_that_was_off_starts_everything_anew() -> None:
    cluster = _with_pods(_world((0.0, OFF), (120.0, NodeState())), pod_of("web"))
    cluster.advance(FAULT + 300)
    pod = cluster.store.get(*key_of_pod("web"))
    assert pod is not None
    (status,) = pod["status"]["containerStatuses"]
    assert (status["restartCount"], status["lastState"]["terminated"]["exitCode"], status["ready"]) == (1, 255, True)
    (life,) = lives(cluster.store.history(key_of_pod("web")))
    assert [run.ended for run in life.runs] == [FAULT, None]
    assert any(one.startswith("Warning Rebooted Node n1 has been rebooted, boot id: ") for one in told(cluster, "n1"))
    assert "Normal SandboxChanged Pod sandbox changed, it will be killed and re-created." in told(cluster, "web")


def test_a_node_without_a_runtime_says_so_and_starts_nothing() -> None:
    cluster = _with_pods(_world((0.0, NodeState(runtime=False)), (150.0, NodeState())), pod_of("web"))
    cluster.at(FAULT + 10, lambda store: store.create(pod_of("late")))
    cluster.advance(FAULT + 200)
    assert _ready(cluster, FAULT + 20)[0] == "True"
    assert _ready(cluster, FAULT + 40) == ("False", "KubeletNotReady", "container runtime is down")
    assert _taints(cluster, FAULT + 40) == {"not-ready:NoSchedule", "not-ready:NoExecute"}
    late = seen(cluster, "late", FAULT + 140)
    assert late is not None
    assert late.get("status", {}).get("podIP") is None
    assert _ready(cluster, FAULT + 151)[0] == "True"
    assert is_ready(cluster.store.get(*key_of_pod("late")) or {})


@pytest.mark.parametrize(
    ("state", "condition", "taint", "event", "message"),
    [
        (
            NodeState(memory_pressure=True),
            "KubeletHasInsufficientMemory",
            "memory-pressure",
            "NodeHasInsufficientMemory",
            "The node was low on resource: memory. Threshold quantity: 100Mi, available: ",
        ),
        (
            NodeState(disk_pressure=True),
            "KubeletHasDiskPressure",
            "disk-pressure",
            "NodeHasDiskPressure",
            "The node was low on resource: ephemeral-storage. Threshold quantity: ",
        ),
    ],
)
def test_pressure_is_told_and_evicts_who_uses_more_than_asked(
    state: NodeState, condition: str, taint: str, event: str, message: str
) -> None:
    hungry = pod_of("hungry", container={"name": "web", "image": "hungry:1"})
    modest = pod_of("modest", container={"resources": {"requests": {"memory": "1Gi", "ephemeral-storage": "1Gi"}}})
    system = pod_of("system", priority=2_000_001_000)
    surroundings = _world((0.0, state), (300.0, NodeState()), memory_bytes={"hungry:1": 900 * 1024.0**2})
    cluster = _with_pods(surroundings, hungry, modest, system)
    cluster.advance(FAULT + 200)
    assert taint + ":NoSchedule" in _taints(cluster, FAULT + 1)
    assert f"Normal {event} Node n1 status is now: {event}" in told(cluster, "n1")
    reasons = {one["reason"] for one in _node(cluster, FAULT + 1)["status"]["conditions"]}
    assert condition in reasons
    pod = cluster.store.get(*key_of_pod("hungry"))
    assert pod is not None
    assert (pod["status"]["phase"], pod["status"]["reason"]) == ("Failed", "Evicted")
    assert pod["status"]["message"].startswith(message)
    if state.memory_pressure:
        wanted = "Container web was using 900Mi, request is 0, has larger consumption of memory. "
        assert pod["status"]["message"].endswith(wanted)
    assert (condition_of(pod, "DisruptionTarget") or {})["reason"] == "TerminationByKubelet"
    for name in ("modest", "system"):
        assert is_ready(cluster.store.get(*key_of_pod(name)) or {}), name
    cluster.advance(FAULT + 301)
    assert _taints(cluster, FAULT + 301) == set()


def test_a_pod_that_comes_to_a_node_under_pressure_is_rejected() -> None:
    cluster = _with_pods(_world((0.0, NodeState(disk_pressure=True))))
    cluster.at(FAULT + 50, lambda store: store.create(pod_of("late")))
    cluster.advance(FAULT + 60)
    status = (cluster.store.get(*key_of_pod("late")) or {})["status"]
    wanted = ("Failed", "Evicted", "Pod was rejected: The node had condition: [DiskPressure]. ")
    assert (status["phase"], status["reason"], status["message"]) == wanted
    assert "containerStatuses" not in status


def test_a_taint_somebody_sets_evicts_who_does_not_tolerate_it() -> None:
    brave = [{"key": "gpu", "operator": "Exists"}]
    patient = [{"key": "gpu", "operator": "Exists", "tolerationSeconds": 60}]
    pods = (pod_of("shy"), pod_of("brave", tolerations=brave), pod_of("patient", tolerations=patient))
    cluster = _with_pods(_world(), *pods)
    taint = {"key": "gpu", "value": "yes", "effect": "NoExecute"}
    cluster.at(FAULT, lambda store: store.edit(Key("Node", "", "n1"), lambda one: one["spec"].update(taints=[taint])))
    cluster.advance(FAULT + 100)
    there = [[bool(seen(cluster, name, FAULT + at)) for at in (10, 50, 80)] for name in ("shy", "brave", "patient")]
    assert there == [[False, False, False], [True, True, True], [True, True, False]]


def test_a_cordon_is_a_taint() -> None:
    cluster = _with_pods(_world())
    cluster.at(
        FAULT, lambda store: store.edit(Key("Node", "", "n1"), lambda one: one["spec"].update(unschedulable=True))
    )
    cluster.advance(FAULT + 1)
    assert _taints(cluster, FAULT + 1) == {"unschedulable:NoSchedule"}


def test_nobody_is_written_off_while_the_controller_manager_is_down() -> None:
    surroundings = _world((0.0, SILENT))
    surroundings.components["kube-controller-manager"] = [(0.0, True), (FAULT, False), (FAULT + 500, True)]
    cluster = _with_pods(surroundings, pod_of("web"))
    cluster.advance(FAULT + 600)
    assert _ready(cluster, FAULT + 490)[0] == "True"
    assert _ready(cluster, FAULT + 510)[0] == "Unknown"


def test_heartbeats_are_shown_and_never_stored() -> None:
    surroundings = _world((0.0, SILENT))
    cluster = cluster_of(surroundings, "n1")
    cluster.advance(FAULT + 10)
    before = len(cluster.store.log)
    cluster.advance(FAULT + 30)
    assert len(cluster.store.log) == before
    lease = cluster.store.get("Lease", "kube-node-lease", "n1")
    assert lease is not None
    renewed = [parse_rfc3339(shown_lease(lease, at, surroundings)["spec"]["renewTime"]) for at in (BORN, FAULT + 30)]
    assert BORN - 10 <= renewed[0] <= BORN
    assert FAULT - 10 <= renewed[1] <= FAULT
    shown = shown_node(_node(cluster, FAULT + 30), FAULT + 30, surroundings)
    beats = [parse_rfc3339(one["lastHeartbeatTime"]) for one in shown["status"]["conditions"]]
    assert all(FAULT - 301 <= beat <= FAULT for beat in beats)


def test_a_disk_that_hangs_on_another_node_keeps_a_pod_waiting_until_it_is_let_go() -> None:
    volumes = [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]
    cluster = cluster_of(_world(), "n1", "n2")
    spec = {"accessModes": ["ReadWriteOnce"], "csi": {"driver": "ebs.csi.aws.com", "volumeHandle": "vol-1"}}
    cluster.store.create({"kind": "PersistentVolume", "metadata": {"name": "pvc-1"}, "spec": spec})
    claim = {"name": "data", "namespace": "shop"}
    cluster.store.create({"kind": "PersistentVolumeClaim", "metadata": claim, "spec": {"volumeName": "pvc-1"}})
    cluster.at(BORN, lambda store: store.create(pod_of("old", node="n2", volumes=volumes)))
    cluster.at(FAULT, lambda store: store.create(pod_of("new", volumes=volumes)))
    cluster.at(FAULT + 60, lambda store: store.delete(key_of_pod("old")))
    cluster.advance(FAULT + 120)
    assert is_ready(seen(cluster, "old", FAULT) or {})
    assert [is_ready(seen(cluster, "new", FAULT + at) or {}) for at in (59, 100)] == [False, True]
    wanted = 'Warning FailedAttachVolume Multi-Attach error for volume "pvc-1" Volume is already used by pod(s) old'
    assert wanted in told(cluster, "new")


def test_addresses_are_a_nodes_own_and_not_given_twice() -> None:
    pods = [pod_of(f"web-{number}", node=f"n{1 + number % 2}") for number in range(20)]
    cluster = _with_pods(_world(), *pods)
    cluster.advance(FAULT)
    found = {(one["spec"]["nodeName"], one["status"]["podIP"]) for one in cluster.store.items("Pod")}
    assert len({ip for _, ip in found}) == 20
    assert {(node, ip.rpartition(".")[0]) for node, ip in found} == {("n1", "10.244.0"), ("n2", "10.244.1")}


def test_the_course_is_the_same_however_time_is_let_pass() -> None:
    def history(step: float) -> list[tuple[float, str, str]]:
        surroundings = _world((0.0, SILENT), (100.0, NodeState()), programs={"crash:1": Program(ends=9.0, code=1)})
        cluster = _with_pods(surroundings, pod_of("web"), pod_of("crash", container={"image": "crash:1"}))
        moment = START
        while moment < FAULT + 300:
            moment += step
            cluster.advance(moment)
        return [(one.at, one.type, str(one.key)) for one in cluster.store.log if one.at <= FAULT + 300]

    assert history(10_000.0) == history(7.3)
