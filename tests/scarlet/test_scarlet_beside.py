"""What runs beside Kubernetes: noticed by alerts and own baselines, with and without a cluster; one incident a cause,
for people, and nothing is proposed that is in no cluster."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scarlet.metric_memory import prometheus
from scarlet.response_world import START, World, signal

from autodevops.domain.action import OpenRevertPull
from autodevops.domain.alert import Alert
from autodevops.domain.hypothesis import Hypothesis
from autodevops.domain.investigation import Investigation
from autodevops.domain.remedy import Remedy
from autodevops.domain.signal import Blind, Look, Signal
from autodevops.domain.subject import Subject
from autodevops.domain.window import TimeWindow
from autodevops.scarlet.response.hands import Place
from autodevops.scarlet.watching import Watch
from autodevops.scarlet.watching.alerts import seen as alerts_seen
from autodevops.scarlet.watching.places import Places
from autodevops.scarlet.watching.sight import signals
from autodevops.settings import WatchSettings

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
JOBS = frozenset({"shop", "postgres", "node-exporter", "blackbox"})
CLUSTER: Mapping[str, list[dict[str, Any]]] = {
    "Deployment": [
        {"kind": "Deployment", "metadata": {"name": name, "namespace": "shop"}} for name in ("cart", "redis", "blog")
    ]
    + [{"kind": "Deployment", "metadata": {"name": "blog", "namespace": "press"}}],
    "Pod": [{"metadata": {"name": "cart-0", "namespace": "shop"}, "status": {"podIP": "10.244.1.9"}}],
    "Service": [{"metadata": {"name": "front", "namespace": "shop"}}],
    "Node": [{"metadata": {"name": "node-1"}, "status": {"addresses": [{"address": "10.0.0.10"}]}}],
    "Ingress": [{"metadata": {"name": "web", "namespace": "shop"}, "spec": {"rules": {"host": ["shop.example"]}}}],
}


@pytest.mark.parametrize(
    ("labels", "with_cluster", "without"),
    [
        # postgres_exporter, redis_exporter, node_exporter, blackbox_exporter and Ceph's own, on machines of their own
        ({"job": "postgres", "instance": "db-1:9187"}, "beside Service db-1", "beside Service db-1"),
        ({"job": "redis", "instance": "redis://cache-1:6379"}, "beside Service cache-1", "beside Service cache-1"),
        ({"job": "node", "instance": "db-1:9100"}, "beside Service db-1", "beside Service db-1"),
        ({"job": "node", "node": "db-1", "instance": "db-1:9100"}, "beside Service db-1", "beside Service db-1"),
        ({"job": "blackbox", "instance": "https://pay.example/"}, "beside Service pay.example",
         "beside Service pay.example"),
        ({"job": "ceph", "ceph_daemon": "osd.3", "instance": "ceph-1:9283"}, "beside Service ceph-1",
         "beside Service ceph-1"),
        ({"job": "shop"}, "beside Service shop", "beside Service shop"),  # sum by (job)
        ({"job": "shop", "instance": "localhost:8080"}, "beside Service shop", "beside Service shop"),
        # what is the cluster's, though it names no namespace
        ({"job": "kube-scheduler"}, "None", "None"),  # absent(up{job="kube-scheduler"})
        ({"job": "kubelet", "instance": "10.0.0.10:10250"}, "None", "None"),
        ({"node": "node-1", "job": "kube-state-metrics", "instance": "10.244.1.8:8080"}, "Node node-1", "Node node-1"),
        ({"job": "node-exporter", "instance": "10.0.0.10:9100"}, "Node 10.0.0.10", "beside Service 10.0.0.10"),
        ({"job": "node-exporter"}, "None", "beside Service node-exporter"),  # TargetDown of all of them
        ({"job": "blackbox", "instance": "https://shop.example/"}, "Ingress shop/web", "beside Service shop.example"),
        ({"job": "cart"}, "Deployment shop/cart", "beside Service cart"),
        ({"job": "cart", "instance": "10.244.1.9:8080"}, "Deployment shop/cart", "beside Service 10.244.1.9"),
        ({"job": "static", "instance": "cart.shop.svc:8080"}, "None", "beside Service cart.shop.svc"),
        ({"job": "static", "instance": "front:8080"}, "None", "beside Service front"),
        ({"severity": "critical"}, "None", "beside None"),  # KubeVersionMismatch and its like bear no labels
        # what names a namespace is in it
        ({"namespace": "shop", "job": "postgres", "instance": "db-1:9187"}, "Service shop/postgres",
         "Service shop/postgres"),
        ({"namespace": "kube-system", "job": "kube-dns"}, "Service kube-system/kube-dns",
         "Service kube-system/kube-dns"),
        ({"k8s_namespace_name": "shop", "service_name": "cart"}, "Deployment shop/cart", "None"),
    ],
)  # fmt: skip
def test_alert_without_a_namespace_is_the_cluster_s_or_of_what_runs_beside_it(
    labels: dict[str, str], with_cluster: str, without: str
) -> None:
    alert = Alert(labels={"alertname": "A", **labels}, state="firing", starts_at=NOON)
    for places, expected in ((Places(CLUSTER), with_cluster), (Places(cluster=False), without)):
        (found,) = signals(alerts_seen([alert]), places, JOBS)
        assert f"{'beside ' if found.beside else ''}{found.subject}" == expected
        assert not (found.beside and found.namespace)


def test_nothing_is_beside_a_cluster_that_was_never_seen() -> None:
    """Who cannot list nodes and pods cannot tell theirs from others."""
    alert = Alert(labels={"alertname": "A", "job": "postgres", "instance": "db-1:9187"}, state="firing", starts_at=NOON)
    (found,) = signals(alerts_seen([alert]), Places(), JOBS)
    assert not found.beside


COUNT, SUM = "http_request_duration_seconds_count", "http_request_duration_seconds_sum"


def counted(per_second: float, failing: float, hours: Any) -> Any:
    """A counter whose rate was `per_second` until five minutes ago and is `failing` since."""
    seconds = np.asarray(hours) * 3600
    since = np.clip(seconds + 300, 0, None)
    return (seconds - seconds.min() - since) * per_second + since * failing


def requests_of(labels: str) -> dict[str, Any]:
    """Ten requests a second, none of which failed until five minutes ago; then a third did."""
    return {
        f'{COUNT}{{{labels},status="200"}}': lambda hours: counted(10, 7, hours),
        f'{COUNT}{{{labels},status="500"}}': lambda hours: counted(0.001, 3, hours),
        f"up{{{labels}}}": lambda hours: np.ones_like(hours),
    }


def listed(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Kubernetes' answer: rows of the fields that were asked for."""

    def cell(item: Any, path: str) -> Any:
        for step in path.split("."):
            item = item.get(step) if isinstance(item, dict) else None
        return item

    items = CLUSTER.get(arguments["kind"], [])
    return {"rows": [[cell(item, path) for path in arguments["fields"]] for item in items]}


@pytest.mark.parametrize("cluster", [False, True])
async def test_own_baselines_know_services_without_a_namespace(cluster: bool) -> None:
    series = {
        **requests_of('job="shop",instance="shop-1:8080"'),
        **requests_of('namespace="shop",job="cart",instance="10.244.1.9:8080"'),
        **requests_of('job="blog",instance="blog-1:8080"'),  # two workloads bear this name: nobody can tell
    }
    tools = prometheus(NOON, series, hours=3, every=30, more={"kubernetes.list_resources": listed,
                       "kubernetes.list_events": {"items": []}})  # fmt: skip
    systems = ("prometheus", *(["kubernetes"] if cluster else []))
    settings = WatchSettings(sources=("objects", "metrics", "slo"))
    look = await Watch(tools, settings, systems=systems).look(NOON)
    assert not look.blind
    told = {f"{'beside ' if one.beside else ''}{one.subject}" for one in look.signals if one.source == "metric"}
    blog = set() if cluster else {"beside Service blog"}
    cart = "Deployment shop/cart" if cluster else "Service shop/cart"
    assert told == {"beside Service shop", cart, *blog}
    burning = {str(one.subject) for one in look.signals if one.source == "slo"}
    assert {"Service shop", cart} <= burning


async def test_what_runs_beside_kubernetes_is_watched_and_muted_by_the_empty_name() -> None:
    tools = prometheus(NOON, requests_of('job="shop",instance="shop-1:8080"'), hours=3, every=30)

    async def look(**settings: Any) -> Look:
        watch = Watch(tools, WatchSettings(sources=("metrics",), **settings), systems=("prometheus",))
        return await watch.look(NOON)

    hours = ("Tue 11:00-13:00",)
    assert (await look()).signals
    assert (await look(namespaces=("shop", ""))).signals
    assert not (await look(namespaces=("shop",))).signals
    for pattern in ("", "*"):
        muted = await look(maintenance={pattern: hours})
        assert muted.muted
        assert not muted.signals
    assert (await look(maintenance={"shop": hours})).signals


def outside(name: str, on: str, job: str, *, since: datetime = START) -> Signal:
    return Signal(
        key=f"alert/{name}//Service/{on}", source="alert", name=name, namespace="", severity="critical",
        subject=Subject(kind="Service", name=on, api_version="opentelemetry.io"), words=f"{name} of {on}",
        since=since, labels={"job": job, "instance": f"{on}:9187"}, beside=True,
    )  # fmt: skip


def down(on: str, *suffering: str) -> Hypothesis:
    def service(name: str) -> Subject:
        return Subject(kind="Service", name=name, api_version="opentelemetry.io")

    return Hypothesis(
        reason="DatabaseDown", subject=service(on), confidence=0.8, summary=f"{on} is down.", supports=(),
        suffering=tuple(map(service, suffering)),
    )  # fmt: skip


async def test_alerts_of_one_cause_are_one_incident_that_goes_to_people(tmp_path: Path) -> None:
    """The database by its host, who suffers by its job though the alert's address is another."""
    world = World(
        signals=[outside("PostgresqlDown", "db-1", "postgres"), outside("HighErrorRate", "shop-1", "shop")],
        causes=[down("db-1", "shop")],
    )
    async with world.loop(tmp_path / "checkpoints") as loop:
        await world.rounds(loop, 4)
        (incident,) = world.incidents
        assert (incident.namespace, incident.phase, incident.severity) == ("", "escalated", "critical")
        assert incident.place == "beside Kubernetes"
        assert len(incident.signals) == 2
        assert set(world.places) == {""}
        assert world.count("propose") == 0  # a restart of a Deployment is offered, and there is none here
        assert (world.count("diagnosis"), len(world.told)) == (1, 1)
        world.signals.append(outside("SlowAnswers", "shop-2", "shop"))
        await world.rounds(loop, 2)
        assert (len(world.incidents), len(world.told)) == (1, 1)
        world.signals.clear()
        await world.rounds(loop, 8)  # what may come back is held for a while
        assert world.phases == ["closed"]


async def test_a_namespace_and_what_runs_beside_it_are_investigated_apart(tmp_path: Path) -> None:
    world = World(signals=[outside("PostgresqlDown", "db-1", "postgres"), signal("HighErrors")])
    async with world.loop(tmp_path / "checkpoints") as loop:
        await world.rounds(loop, 2)
    assert world.places == ["", "shop"]


async def test_what_is_the_cluster_s_alone_is_still_investigated_in_the_configured_namespace(tmp_path: Path) -> None:
    node = signal("KubeNodeNotReady").model_copy(
        update={"namespace": "", "subject": Subject(kind="Node", name="node-1", api_version="v1")}
    )
    world = World(signals=[node])
    async with world.loop(tmp_path / "checkpoints") as loop:
        await world.rounds(loop, 2)
    assert world.places == [None]


async def test_cluster_out_of_sight_stops_nothing_beside_it(tmp_path: Path) -> None:
    world = World(
        signals=[outside("PostgresqlDown", "db-1", "postgres")],
        causes=[down("db-1")],
        blind=(Blind(system="kubernetes", words="refused"),),
        silent=("kubernetes",),
    )
    async with world.loop(tmp_path / "checkpoints") as loop:
        await world.rounds(loop, 2)
    assert "cannot be seen" not in world.told[0]


async def test_code_behind_it_may_still_be_taken_back(tmp_path: Path) -> None:
    class WithCommit(World):
        async def remedies(self, hypothesis: Hypothesis) -> tuple[Remedy, ...]:
            revert = OpenRevertPull(repository="shop/shop", sha="a" * 40, reason="it fails")
            return (*await super().remedies(hypothesis), Remedy(action=revert, kind="remediation", why="so"))

    world = WithCommit(signals=[outside("HighErrorRate", "shop-1", "shop")], causes=[down("shop")], stage="awaiting")
    async with world.loop(tmp_path / "checkpoints") as loop:
        await world.rounds(loop, 3)
    assert [one.proposal.action.kind for one in world.operations.values()] == ["open_revert_pull"]


@pytest.mark.parametrize(("host", "incidents"), [("db-1.internal", 1), ("db-1", 2)])
async def test_host_outside_is_one_cause_for_who_calls_it_and_for_who_scrapes_it(
    host: str, incidents: int, tmp_path: Path
) -> None:
    """A name without a dot is another one's in each namespace."""

    class Both(World):
        async def investigate(self, place: Place, window: TimeWindow) -> Investigation:
            here = Subject(kind="Service", name=host, namespace=place or "", api_version="opentelemetry.io")
            cart = Subject(kind="Deployment", name="cart", namespace="shop", api_version="apps/v1")
            self.causes = [down(host).model_copy(update={"subject": here, "suffering": (cart,) if place else ()})]
            return await super().investigate(place, window)

    world = Both(signals=[outside("PostgresqlDown", host, "postgres")])
    async with world.loop(tmp_path / "checkpoints") as loop:
        await world.rounds(loop, 2)
        world.signals.append(signal("HighErrors"))
        await world.rounds(loop, 3)
    assert len(world.incidents) == incidents
    assert sum(len(one.signals) for one in world.incidents) == 2
