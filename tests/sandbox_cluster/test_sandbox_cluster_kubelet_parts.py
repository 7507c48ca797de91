"""The kubelet's pure parts: probes counted instead of asked, image names, references, lives read from history."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sandbox_cluster.kubelet_bench import BORN, cluster_of, key_of_pod, pod_of, told

from autodevops.sandbox.cluster.kubelet.box import duration
from autodevops.sandbox.cluster.kubelet.environment import environment, expand, pull_credentials
from autodevops.sandbox.cluster.kubelet.images import BadName, image_id, qualified, with_tag
from autodevops.sandbox.cluster.kubelet.lives import ContainerRun, lives
from autodevops.sandbox.cluster.kubelet.probes import complaints, flips
from autodevops.sandbox.cluster.store import Json, Store
from autodevops.sandbox.cluster.surroundings import Answer, PlainSurroundings, Program, Pull

_PIECES = st.lists(st.tuples(st.floats(1.0, 100.0), st.sampled_from(["", "refused", "500"])), min_size=1, max_size=6)


def _asked(probe: Json, answers: list[Answer], first: float, state: bool, until: float) -> list[tuple[float, bool]]:
    """The same by asking every time, as a real prober does."""
    found, streak, before, number = [], 0, None, 0
    while (moment := first + number * probe["periodSeconds"]) <= until:
        good = not [one for one in answers if one.after <= moment + 1e-6][-1].failure
        streak = streak + 1 if good == before else 1
        before, number = good, number + 1
        if good != state and streak >= probe["successThreshold" if good else "failureThreshold"]:
            state = good
            found.append((moment, good))
    return found


@given(_PIECES, st.integers(1, 15), st.integers(1, 4), st.integers(1, 4), st.booleans())
def test_counted_probes_flip_when_asked_ones_would(
    pieces: list[tuple[float, str]], period: int, success: int, failure: int, state: bool
) -> None:
    starts = [0.0, *itertools.accumulate(round(length) for length, _ in pieces)]
    answers = [Answer(float(at), text) for at, (_, text) in zip(starts, pieces, strict=False)]
    probe = {"periodSeconds": period, "successThreshold": success, "failureThreshold": failure}
    until = starts[-1] + 100
    found = [one for one in flips(probe, answers, 0.0, 0.5, state) if one[0] <= until]
    assert found == _asked(probe, answers, 0.5, state, until)


@given(_PIECES, st.integers(1, 15), st.one_of(st.just(math.inf), st.floats(10.0, 300.0)))
def test_every_failure_of_a_piece_that_ends_is_counted(
    pieces: list[tuple[float, str]], period: int, until: float
) -> None:
    starts = [0.0, *itertools.accumulate(round(length) for length, _ in pieces)]
    answers = [Answer(float(at), text) for at, (_, text) in zip(starts, [*pieces, (0.0, "")], strict=False)]
    told = sum(times for _, _, times in complaints({"periodSeconds": period}, answers, 0.0, 0.5, until))
    end = min(until, starts[-1])
    questions = [0.5 + number * period for number in range(int(end / period) + 2) if 0.5 + number * period <= end]
    assert told == sum(bool([one for one in answers if one.after <= at][-1].failure) for at in questions)


@pytest.mark.parametrize(
    ("image", "full", "shown"),
    [
        ("nginx", "nginx:latest", "docker.io/library/nginx:latest"),
        ("shop/web:1", "shop/web:1", "docker.io/shop/web:1"),
        ("registry.local:5000/shop/web:1", "registry.local:5000/shop/web:1", "registry.local:5000/shop/web:1"),
        ("localhost/web", "localhost/web:latest", "localhost/web:latest"),
        ("web@sha256:" + "a" * 64, "web@sha256:" + "a" * 64, "docker.io/library/web@sha256:" + "a" * 64),
    ],
)
def test_image_names_are_completed(image: str, full: str, shown: str) -> None:
    assert (with_tag(image), qualified(with_tag(image))) == (full, shown)
    assert "@sha256:" in image_id(with_tag(image))


@pytest.mark.parametrize(
    ("image", "message"),
    [
        ("web:1:2", "invalid reference format"),
        ("web :1", "invalid reference format"),
        ("Nginx", "invalid reference format: repository name (library/Nginx) must be lowercase"),
        ("shop/Web:1", "invalid reference format: repository name (shop/Web) must be lowercase"),
    ],
)
def test_image_names_that_are_none(image: str, message: str) -> None:
    with pytest.raises(BadName) as caught:
        with_tag(image)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.35, "350ms"), (1.204, "1.204s"), (10, "10s"), (80, "1m20s"), (300, "5m0s"), (3661.5, "1h1m1.5s")],
)
def test_durations_are_written_as_go_does(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_an_environment_is_made_of_all_its_sources() -> None:
    store = Store(0.0)
    meta = {"namespace": "shop"}
    store.create({"kind": "ConfigMap", "metadata": {"name": "c", **meta}, "data": {"HOST": "db"}})
    store.create({"kind": "Secret", "metadata": {"name": "s", **meta}, "data": {"password": "aHVudGVyMg=="}})
    pod = pod_of("web")
    pod["metadata"] |= {"uid": "u", "labels": {"app": "shop"}}
    limits = {"limits": {"memory": "64Mi", "cpu": "1500m"}}
    refs = [
        ("PASSWORD", {"secretKeyRef": {"name": "s", "key": "password"}}),
        ("APP", {"fieldRef": {"fieldPath": "metadata.labels['app']"}}),
        ("IP", {"fieldRef": {"fieldPath": "status.podIP"}}),
        ("MEMORY", {"resourceFieldRef": {"resource": "limits.memory", "divisor": "1Mi"}}),
        ("CPU", {"resourceFieldRef": {"resource": "limits.cpu"}}),
    ]
    env = [{"name": name, "valueFrom": source} for name, source in refs]
    env.append({"name": "URL", "value": "pg://$(PASSWORD)@$(DB_HOST)/$$(X)/$(NONE)"})
    container = {"name": "web", "resources": limits, "env": env}
    container["envFrom"] = [{"prefix": "DB_", "configMapRef": {"name": "c"}}]
    found = environment(store, pod, container, {"podIP": "10.244.0.9", "hostIP": "10.0.0.1"})
    assert found == {
        "DB_HOST": "db",
        "PASSWORD": "hunter2",
        "APP": "shop",
        "IP": "10.244.0.9",
        "MEMORY": "64",
        "CPU": "2",
        "URL": "pg://hunter2@db/$(X)/$(NONE)",
    }
    assert expand("no reference", {}) == "no reference"


def test_credentials_come_from_the_pod_or_else_its_service_account() -> None:
    store = Store(0.0)
    meta = {"namespace": "shop"}
    text = "eyJhdXRocyI6IHsiZ2hjci5pbyI6IHsidXNlcm5hbWUiOiAiYSJ9fX0="  # {"auths": {"ghcr.io": {"username": "a"}}}
    store.create({"kind": "Secret", "metadata": {"name": "reg", **meta}, "data": {".dockerconfigjson": text}})
    pulls = [{"name": "reg"}, {"name": "lost"}]
    store.create({"kind": "ServiceAccount", "metadata": {"name": "default", **meta}, "imagePullSecrets": pulls})
    assert pull_credentials(store, pod_of("web")) == ([{"registry": "ghcr.io", "username": "a"}], ["lost"])
    assert pull_credentials(store, pod_of("web", imagePullSecrets=[{"name": "no"}])) == ([], ["no"])


def test_lives_have_the_exact_moments_of_runs() -> None:
    programs = {"web:1": Program(ends=7.25, code=1, reason="Error")}
    cluster = cluster_of(PlainSurroundings(programs=programs), "n1")
    cluster.at(BORN, lambda store: store.create(pod_of("web")))
    cluster.at(BORN + 12, lambda store: store.delete(key_of_pod("web"), 0))
    cluster.at(BORN + 60, lambda store: store.create(pod_of("web")))
    cluster.advance(BORN + 61)
    first, second = lives(cluster.store.history(key_of_pod("web")))
    run, cut = first.runs
    assert run == ContainerRun("web", 0, run.started, run.started + 7.25, 1, "Error")
    assert (cut.attempt, cut.ended, cut.code) == (1, BORN + 12, 137)
    assert first.ready == ((run.started, run.ended), (cut.started, BORN + 12))
    assert (first.created, first.deleted, first.gone) == (BORN, BORN + 12, BORN + 12)
    assert (first.node, first.ip, second.runs, second.gone) == ("n1", "10.244.0.2", (), None)


def test_a_settled_pod_writes_nothing() -> None:
    cluster = cluster_of(PlainSurroundings(), "n1")
    probe = {"readinessProbe": {"httpGet": {"port": 80}}, "livenessProbe": {"httpGet": {"port": 80}}}
    cluster.at(BORN, lambda store: store.create(pod_of("web", container=probe)))
    cluster.advance(BORN + 60)
    written = len(cluster.store.log)
    cluster.advance(BORN + 90 * 86400)
    assert len(cluster.store.log) == written


def test_a_new_image_starts_a_container_again_and_mends_a_wrong_one() -> None:
    surroundings = PlainSurroundings(pulls={"gone:1": Pull(1.0, error="not found")})
    cluster = cluster_of(surroundings, "n1")
    cluster.at(BORN, lambda store: store.create(pod_of("web")))
    cluster.at(BORN, lambda store: store.create(pod_of("wrong", container={"image": "gone:1"})))

    def mend(item: Json) -> None:
        item["spec"]["containers"][0]["image"] = "web:2"

    for name in ("web", "wrong"):
        cluster.at(BORN + 600, lambda store, name=name: store.edit(key_of_pod(name), mend))  # type: ignore[misc]
    cluster.advance(BORN + 620)
    statuses = [
        (cluster.store.get(*key_of_pod(name)) or {})["status"]["containerStatuses"][0] for name in ("web", "wrong")
    ]
    assert [(one["image"], one["ready"], one["restartCount"]) for one in statuses] == [
        ("docker.io/library/web:2", True, 1),
        ("docker.io/library/web:2", True, 0),
    ]
    assert "Normal Killing Container web definition changed, will be restarted" in told(cluster, "web")
