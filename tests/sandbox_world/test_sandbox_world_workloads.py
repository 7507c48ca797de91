"""Workloads: what controllers would make of deploys, scalings, rollbacks and deleted pods."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from autodevops.sandbox.world.templates import pod_template, template_hash
from autodevops.sandbox.world.topology import load_topology
from autodevops.sandbox.world.workloads import History, Input, PodDeleted, Rolled, Scaled, replay

SHOP = load_topology("shop")
CATALOG = SHOP.by_name["catalog"]
PROXY = SHOP.by_name["kube-proxy"]
T0 = 1_000_000.0


def rolled(at: float, version: str) -> Rolled:
    return Rolled(at, pod_template(CATALOG, version, ""))


def history(*inputs: Input) -> History:
    return replay(CATALOG, SHOP.nodes, 4, 1, [Scaled(T0, 3), rolled(T0, "1.0"), *inputs])


def versions(found: History, at: float) -> list[str]:
    return sorted(pod.version for pod in found.pods if pod.ready(at))


def test_rollout_replaces_pods_one_by_one_and_keeps_serving() -> None:
    found = history(rolled(T0 + 1000, "2.0"))
    for second in range(995, 1100):
        assert len(versions(found, T0 + second)) >= 3
    assert versions(found, T0 + 999) == ["1.0"] * 3
    assert versions(found, T0 + 1090) == ["2.0"] * 3


def test_rollback_reuses_the_old_template_hash_under_a_new_revision() -> None:
    found = history(rolled(T0 + 1000, "2.0"), Rolled(T0 + 2000, undo=True))
    first, second, third = found.rollouts
    assert first.hash == third.hash != second.hash
    assert [r.revision for r in found.rollouts] == [1, 2, 3]
    assert [r.released for r in found.rollouts] == [True, True, False]
    assert versions(found, T0 + 2100) == ["1.0"] * 3


def test_rollback_in_the_middle_of_a_rollout_keeps_the_pods_that_are_right() -> None:
    plain = history(rolled(T0 + 1000, "2.0"))
    second_new = sorted(pod.ready_at for pod in plain.pods if pod.version == "2.0")[1]
    found = history(rolled(T0 + 1000, "2.0"), Rolled(second_new - 1, undo=True))
    survivors = [
        pod for pod in found.pods if pod.version == "1.0" and pod.created_at < T0 + 100 and pod.exists(T0 + 2000)
    ]
    assert len(survivors) == 2
    assert versions(found, T0 + 2000) == ["1.0"] * 3


def test_undo_without_an_earlier_revision_changes_nothing() -> None:
    assert len(history(Rolled(T0 + 10, undo=True)).rollouts) == 1


def test_deleted_pod_is_replaced() -> None:
    name = history().pods[0].name
    found = history(PodDeleted(T0 + 500, name))
    assert name not in [pod.name for pod in found.pods if pod.exists(T0 + 501)]
    assert len(versions(found, T0 + 600)) == 3


def test_stateful_pod_comes_back_under_its_name_with_another_uid() -> None:
    postgres = SHOP.by_name["postgres"]
    start: list[Input] = [Scaled(T0, 1), Rolled(T0, pod_template(postgres, "16.9", ""))]
    found = replay(postgres, SHOP.nodes, 9, 1, [*start, PodDeleted(T0 + 500, "postgres-0")])
    assert [pod.name for pod in found.pods] == ["postgres-0", "postgres-0"]
    assert len({pod.uid for pod in found.pods}) == 2


def test_daemon_pod_is_replaced_on_its_node() -> None:
    start: list[Input] = [Scaled(T0, 1), Rolled(T0, pod_template(PROXY, "v1", ""))]
    gone = replay(PROXY, SHOP.nodes, 12, 1, start).pods[2]
    found = replay(PROXY, SHOP.nodes, 12, 1, [*start, PodDeleted(T0 + 500, gone.name)])
    assert sorted(pod.node for pod in found.pods if pod.exists(T0 + 600)) == sorted(node.name for node in SHOP.nodes)


inputs = st.lists(
    st.one_of(
        st.builds(Scaled, st.floats(T0 + 1, T0 + 500), st.integers(0, 6)),
        st.builds(rolled, st.floats(T0 + 1, T0 + 500), st.sampled_from(["1.0", "2.0", "3.0"])),
        st.builds(lambda at: Rolled(at, undo=True), st.floats(T0 + 1, T0 + 500)),
    ),
    max_size=8,
)


@settings(max_examples=80, deadline=None)
@given(inputs)
def test_whatever_is_done_the_wanted_pods_stand_in_the_end(done: list[Input]) -> None:
    found = history(*done)
    end = T0 + 5000
    wanted = found.rollout(end)
    assert wanted is not None
    assert [pod.hash for pod in found.pods if pod.ready(end)] == [wanted.hash] * found.replicas(end)
    assert len({pod.name for pod in found.pods}) == len(found.pods)
    assert all(pod.created_at < pod.ready_at for pod in found.pods)


def test_template_hash_ignores_what_a_replica_set_adds() -> None:
    template = pod_template(CATALOG, "1.0", "")
    labels = {**template["metadata"]["labels"], "pod-template-hash": "x"}
    assert template_hash({**template, "metadata": {**template["metadata"], "labels": labels}}) == template_hash(
        template
    )
    assert template_hash(pod_template(CATALOG, "1.1", "")) != template_hash(template)
