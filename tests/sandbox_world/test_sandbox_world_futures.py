"""What people do changes what comes, as it would: the cure cures, and nothing else does."""

from __future__ import annotations

import pytest
from sandbox_world.worlds import START, error_ratio, log_lines, make_world, objects, pods_of, releases_of, total

from autodevops.sandbox.world.faults.effects import Verb
from autodevops.sandbox.world.world import World

NOW = START.timestamp()


def upstream_words(world: World, app: str, start: float, end: float) -> set[str]:
    """What a service says of calls that failed it."""
    lines = log_lines(world, start, end, app)
    return {
        entry.line.partition('"msg":"')[2].partition('"')[0] or entry.line
        for _, entry in lines
        if entry.metadata["detected_level"] == "error" and "upstream call failed" in entry.line
    }


def test_a_rollback_heals_the_service_and_its_callers_and_undoing_it_brings_the_errors_back() -> None:
    world, clock = make_world()
    assert error_ratio(world, "checkout", NOW - 900, NOW) > 0.25
    world.do("undo", "@payment")
    clock.advance(900)
    for service in ("payment", "checkout", "frontend"):
        assert error_ratio(world, service, NOW + 300, NOW + 900) < 0.02
    assert {pod.version for pod in pods_of(world, "payment")} == {releases_of(world, "payment")[-2].version}
    world.do("undo", "@payment")
    clock.advance(900)
    assert error_ratio(world, "payment", NOW + 1200, NOW + 1800) == pytest.approx(0.35, abs=0.04)


def test_a_rollback_can_go_back_to_a_named_image_and_stays_where_there_is_none_of_it() -> None:
    world, clock = make_world()
    (image,) = {pod.main["image"] for pod in pods_of(world, "payment")}
    bad = image.rpartition(":")[2]
    oldest, *_, before, _bad = (release.version for release in releases_of(world, "payment"))
    for wanted, runs in (
        ("nobody/has:it", bad),
        (image.replace(bad, oldest), oldest),
        (image.replace(bad, before), before),
    ):
        world.do("undo", "@payment", image=wanted)
        clock.advance(300)
        assert {pod.version for pod in pods_of(world, "payment")} == {runs}


def test_a_write_that_touches_nothing_leaves_what_comes_later_as_it_would_have_been() -> None:
    """Whoever compares a world with one in which somebody acted compares the action, not other names and other luck."""
    lives = []
    for written in (False, True):
        world, clock = make_world("release-of-two-services")
        if written:
            notes = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "notes"}}
            world.do("apply", "ConfigMap/shop/notes", **notes)
        clock.advance(60)
        world.do("restart", "@payment")
        clock.advance(600)
        lives.append([(pod.name, pod.uid, pod.created_at, pod.ready_at) for pod in world.all_pods()])
    assert lives[0] == lives[1]


def test_a_stateful_set_goes_back_to_its_revision_before_as_well() -> None:
    world, clock = make_world("cache-stampede")
    world.do("undo", "@redis")
    clock.advance(300)
    (pod,) = pods_of(world, "redis")
    assert "REDIS_MAXMEMORY" not in {one["name"] for one in pod.main.get("env", ())}


@pytest.mark.parametrize(
    ("verb", "target", "body"),
    [
        ("restart", "@payment", {}),
        ("scale", "@payment", {"replicas": 6}),
        ("undo", "@shipping", {}),
        ("delete", "ConfigMap/no-such-thing", {}),
    ],
    ids=["restart", "more pods", "another service's rollback", "nothing"],
)
def test_what_does_not_touch_the_cause_does_not_end_the_errors(
    verb: Verb, target: str, body: dict[str, object]
) -> None:
    world, clock = make_world()
    before = {pod.uid for pod in pods_of(world, "payment")}
    world.do(verb, target, **body)
    clock.advance(900)
    assert error_ratio(world, "payment", NOW + 300, NOW + 900) == pytest.approx(0.35, abs=0.04)
    if target == "@payment":
        assert {pod.uid for pod in pods_of(world, "payment")} != before


def test_a_service_scaled_to_zero_is_refused_in_the_clients_words_until_it_is_back() -> None:
    world, clock = make_world("healthy")
    world.do("scale", "@payment", replicas=0)
    clock.advance(600)
    assert pods_of(world, "payment") == []
    assert error_ratio(world, "checkout", NOW + 120, NOW + 600) > 0.99
    served = total(world, "payment", [NOW + 120, NOW + 600])
    assert served[0] == served[1]
    said = {words for words in upstream_words(world, "checkout", NOW + 120, NOW + 600) if "payment" in words}
    (address,) = (one["spec"]["clusterIP"] for one in objects(world, "Service") if one["metadata"]["name"] == "payment")
    assert said == {f"upstream call failed: payment: dial tcp {address}:8080: connect: connection refused"}
    world.do("scale", "@payment", replicas=3)
    clock.advance(600)
    assert error_ratio(world, "checkout", NOW + 800, NOW + 1200) < 0.02


def test_a_selector_put_right_heals() -> None:
    world, clock = make_world("selector-mismatch")
    assert error_ratio(world, "checkout", NOW - 300, NOW) > 0.99
    assert len([pod for pod in pods_of(world, "payment") if pod.ready(NOW)]) == 3, "the pods are well"
    world.do("patch", "Service/payment", spec={"selector": {"app.kubernetes.io/name": "payment"}})
    clock.advance(600)
    assert error_ratio(world, "checkout", NOW + 60, NOW + 600) < 0.02


def test_without_its_config_map_a_new_pod_never_starts_and_the_old_ones_serve_on() -> None:
    world, clock = make_world("healthy")
    old = {pod.uid for pod in pods_of(world, "catalog")}
    world.do("delete", "ConfigMap/catalog-config")
    clock.advance(300)
    assert error_ratio(world, "catalog", NOW, NOW + 300) < 0.02, "a mounted file outlives its ConfigMap"
    world.do("restart", "@catalog")
    clock.advance(600)
    new = [pod for pod in pods_of(world, "catalog") if pod.uid not in old]
    assert new
    for pod in new:
        (status,) = pod.item["status"]["containerStatuses"]
        assert status["state"] == {"waiting": {"reason": "ContainerCreating"}}
        assert not pod.all_runs
    told = [one["message"] for one in objects(world, "Event") if one["reason"] == "FailedMount"]
    assert any('configmap "catalog-config" not found' in message for message in told)
    assert len(old & {pod.uid for pod in pods_of(world, "catalog")}) >= 2
    assert error_ratio(world, "catalog", NOW + 400, NOW + 900) < 0.02


def test_a_deleted_pod_is_replaced_and_serves_its_share() -> None:
    world, clock = make_world("healthy")
    gone, *rest = pods_of(world, "cart")
    world.do("delete", f"Pod/{gone.name}")
    clock.advance(600)
    (new,) = [pod for pod in pods_of(world, "cart") if pod not in rest]
    assert new != gone
    counts = {
        pod.name: sum(float(c.count[1] - c.count[0]) for c in world.readings([NOW + 300, NOW + 600]).http(pod))
        for pod in (new, *rest)
    }
    assert counts[new.name] == pytest.approx(sum(counts.values()) / len(counts), rel=0.1)
