"""What is a sign of trouble and what is on its way: objects, alerts, silences; a scripted Prometheus for own baselines
and error budgets."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from autodevops.cli.app import app
from autodevops.domain.alert import Alert
from autodevops.domain.series import Series
from autodevops.domain.signal import Look, Signal
from autodevops.domain.tool_results import Silence, SilenceList
from autodevops.investigation.pressure_families import PressureKind
from autodevops.investigation.request_families import FAMILIES
from autodevops.kernel.errors import ToolUnavailable
from autodevops.scarlet.watching import Watch
from autodevops.scarlet.watching.alerts import seen as alerts_seen
from autodevops.scarlet.watching.object_rules import signs
from autodevops.scarlet.watching.places import Places
from autodevops.scarlet.watching.pressures import NAMES, NEEDS, Pressures
from autodevops.scarlet.watching.requests import Asked, Requests
from autodevops.scarlet.watching.sample_table import COLUMNS, STEP
from autodevops.scarlet.watching.sight import signals
from autodevops.settings import WatchSettings
from autodevops.toolbox.testing import ScriptedTools

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
Objects = dict[str, list[dict[str, Any]]]


def ago(minutes: float) -> str:
    return (NOON - timedelta(minutes=minutes)).isoformat().replace("+00:00", "Z")


def pod(
    name: str = "cart-5d9c8b7f6d-bcdfg",
    *,
    age: float = 60,
    phase: str = "Running",
    ready: bool = True,
    since: float = 59,
    namespace: str = "shop",
    owner: tuple[str, str] = ("ReplicaSet", "cart-5d9c8b7f6d"),
    scheduled: bool = True,
    state: Mapping[str, Any] | None = None,
    last: Mapping[str, Any] | None = None,
    restarts: int = 0,
    **metadata: Any,
) -> dict[str, Any]:
    """A pod made `age` minutes ago whose readiness changed `since` minutes ago."""
    conditions = [
        {"type": "PodScheduled", "status": str(scheduled), "lastTransitionTime": ago(age), "reason": "Unschedulable"},
        {"type": "Ready", "status": str(ready), "lastTransitionTime": ago(since), "message": "not yet"},
    ]
    status = {"name": "main", "restartCount": restarts, "state": state or {"running": {"startedAt": ago(age - 0.5)}}}
    return {
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "creationTimestamp": ago(age),
            "ownerReferences": [{"kind": owner[0], "name": owner[1], "controller": True}],
            **metadata,
        },
        "status": {
            "phase": phase,
            "conditions": conditions,
            "containerStatuses": [{**status, "lastState": last or {}}] if scheduled else [],
        },
    }


def ended(minutes: float, code: int = 1, reason: str = "Error", ran: float = 1.0) -> dict[str, Any]:
    return {
        "terminated": {
            "exitCode": code, "reason": reason, "startedAt": ago(minutes + ran), "finishedAt": ago(minutes),
        }
    }  # fmt: skip


def deployment(replicas: int = 2, available: int = 2, since: float = 30, **conditions: Any) -> dict[str, Any]:
    whole = {"Available": str(available >= replicas), "Progressing": "True", **conditions}
    return {
        "kind": "Deployment",
        "metadata": {"name": "cart", "namespace": "shop", "creationTimestamp": ago(600)},
        "spec": {"replicas": replicas},
        "status": {
            "availableReplicas": available,
            "conditions": [
                {"type": kind, "status": status, "lastTransitionTime": ago(since), "message": "m"}
                for kind, status in whole.items()
            ],
        },
    }


def job(name: str, failed: float | None = None, complete: float | None = None, **status: Any) -> dict[str, Any]:
    conditions = [
        {"type": kind, "status": "True", "lastTransitionTime": ago(at)}
        for kind, at in (("Failed", failed), ("Complete", complete))
        if at is not None
    ]
    owners = [{"kind": "CronJob", "name": "nightly", "controller": True}]
    return {
        "kind": "Job",
        "metadata": {"name": name, "namespace": "shop", "creationTimestamp": ago(90), "ownerReferences": owners},
        "status": {"conditions": conditions, **status},
    }


BACK_OFF = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 20s"}}
PULL = {"waiting": {"reason": "ErrImagePull", "message": "not found"}}
CREATING = {"waiting": {"reason": "ContainerCreating"}}
YOUNG = "cart-5d9c8b7f6d-zzzzz"
OF_JOB = ("Job", "nightly-1")

CASES: dict[str, tuple[Objects, set[str]]] = {
    "nothing": ({}, set()),
    "a pod that runs": ({"Pod": [pod()]}, set()),
    "crashes": ({"Pod": [pod(ready=False, state=BACK_OFF)]}, {"CrashLoopBackOff"}),
    "a job's pod that crashes is tried again": ({"Pod": [pod(ready=False, state=BACK_OFF, owner=OF_JOB)]}, set()),
    "cannot be pulled": ({"Pod": [pod(phase="Pending", ready=False, state=PULL)]}, {"ImagePullBackOff"}),
    "was killed for memory": ({"Pod": [pod(last=ended(2, 137, "OOMKilled"), restarts=1)]}, {"OOMKilled"}),
    "was killed for memory long ago": ({"Pod": [pod(last=ended(30, 137, "OOMKilled"), restarts=1)]}, set()),
    "ended once": ({"Pod": [pod(last=ended(2), restarts=1)]}, set()),
    "ends again and again": ({"Pod": [pod(last=ended(2), restarts=4)]}, {"ContainerRestarting"}),
    "ended after days": ({"Pod": [pod(last=ended(2, ran=5000), restarts=4)]}, set()),
    "completed": ({"Pod": [pod(phase="Succeeded", ready=False, state=ended(2, 0, "Completed"), owner=OF_JOB)]}, set()),
    "waits for a node": (
        {"Pod": [pod(phase="Pending", ready=False, scheduled=False, age=3)]}, {"Unschedulable"},
    ),
    "was just made": ({"Pod": [pod(phase="Pending", ready=False, scheduled=False, age=0.5)]}, set()),
    "is being created for long": ({"Pod": [pod(phase="Pending", ready=False, state=CREATING)]}, {"PodNotStarting"}),
    "starts as its siblings did": (
        {"Pod": [pod(since=55), pod(YOUNG, age=8, ready=False, since=8)], "Deployment": [deployment()]},
        set(),
    ),
    "starts for longer than its siblings": (
        {"Pod": [pod(since=59), pod(YOUNG, age=8, ready=False, since=8)], "Deployment": [deployment()]},
        {"PodNotReady"},
    ),
    "was ready and is not": ({"Pod": [pod(ready=False, since=3)]}, {"PodNotReady"}),
    "leaves": ({"Pod": [pod(ready=False, since=1, deletionTimestamp=ago(1))]}, set()),
    "should have left": ({"Pod": [pod(ready=False, since=1, deletionTimestamp=ago(20))]}, {"StuckTerminating"}),
    "scaled to nothing": ({"Deployment": [deployment(0, 0)]}, set()),
    "all pods are missing": ({"Deployment": [deployment(2, 0)]}, {"ReplicasUnavailable"}),
    "is scaled out": (
        {"Pod": [pod(), *(pod(f"cart-5d9c8b7f6d-zzzz{n}", age=1, ready=False, since=1) for n in "bcd")],
         "Deployment": [deployment(4, 1, since=1.5)]},
        set(),
    ),
    "a rollout within its deadline": ({"Deployment": [deployment()]}, set()),
    "a rollout past its deadline": ({"Deployment": [deployment(Progressing="False")]}, {"RolloutStuck"}),
    "pods are refused": ({"Deployment": [deployment(ReplicaFailure="True")]}, {"FailedCreate"}),
    "a job that failed": ({"Job": [job("nightly-1", failed=30)]}, {"JobFailed"}),
    "a job that tries again": ({"Job": [job("nightly-1", failed_pods=2)]}, set()),
    "a job whose next run succeeded": ({"Job": [job("nightly-1", failed=30), job("nightly-2", complete=5)]}, set()),
    "a job whose last run succeeded before": (
        {"Job": [job("nightly-1", complete=30), job("nightly-2", failed=5)]}, {"JobFailed"},
    ),
}  # fmt: skip


def look(objects: Objects) -> list[Signal]:
    places = Places(objects)
    return signals(signs(objects, places, NOON), places)


@pytest.mark.parametrize(("kubelet", "told"), [("v1.20.2", []), ("v1.21.0", ["SystemOOM"])])
def test_a_container_at_its_own_limit_is_no_want_of_the_node(kubelet: str, told: list[str]) -> None:
    """A kubelet before 1.21 on Linux 5 or newer calls it SystemOOM, as a real one did."""
    info = {"kubeletVersion": kubelet, "kernelVersion": "6.18.44"}
    ready = {"type": "Ready", "status": "True", "lastTransitionTime": ago(60)}
    node = {"kind": "Node", "metadata": {"name": "node-1"}, "status": {"nodeInfo": info, "conditions": [ready]}}
    event = {
        "reason": "SystemOOM",
        "message": "System OOM encountered, victim process: python3.11, pid: 15575",
        "involvedObject": {"kind": "Node", "name": "node-1"},
        "lastTimestamp": ago(1),
    }
    objects: Objects = {"Node": [node], "Event": [event]}
    assert [one.name for one in signs(objects, Places(objects), NOON)] == told


@pytest.mark.parametrize("case", CASES)
def test_state_of_an_object_is_a_sign_or_is_on_its_way(case: str) -> None:
    objects, names = CASES[case]
    found = look(objects)
    assert {signal.name for signal in found} == names
    if "Deployment" in objects:
        assert {str(signal.subject) for signal in found} <= {"Deployment shop/cart"}
    if "Job" in objects:
        assert {str(signal.subject) for signal in found} <= {"CronJob shop/nightly"}


async def test_pod_keeps_its_workload_while_workloads_cannot_be_listed() -> None:
    objects: Objects = {"Pod": [pod(ready=False, state=BACK_OFF)], "Deployment": [deployment()]}
    away: set[str] = set()

    def value(item: Any, path: str) -> Any:
        for step in path.split("."):
            item = item.get(step) if isinstance(item, dict) else None
        return item

    def listed(arguments: Mapping[str, Any]) -> dict[str, Any]:
        if arguments["kind"] in away:
            raise ToolUnavailable("It is away.")
        fields = arguments["fields"]
        rows = [[value(item, path) for path in fields] for item in objects.get(arguments["kind"], [])]
        return {"columns": fields, "rows": rows}

    tools = ScriptedTools({"kubernetes.list_resources": listed, "kubernetes.list_events": {"items": []}})
    watch = Watch(tools, WatchSettings(sources=("objects",)), systems=("kubernetes",))
    before = await watch.look(NOON)
    away.add("Deployment")
    after = await watch.look(NOON)
    assert [str(signal.subject) for signal in before.signals] == ["Deployment shop/cart"]
    assert after.signals == before.signals
    assert [one.hides for one in after.blind] == [("object/Deployment/",)]


@given(st.sampled_from(sorted(CASES)), st.sampled_from(("a", "pay-1", "zz9")))
@settings(max_examples=40, deadline=None)
def test_renaming_a_namespace_renames_its_signals_and_nothing_else(case: str, name: str) -> None:
    objects = CASES[case][0]
    renamed = {
        kind: [{**item, "metadata": {**item["metadata"], "namespace": name}} for item in items]
        for kind, items in objects.items()
    }
    assert [signal.key for signal in look(renamed)] == [
        signal.key.replace("/shop/", f"/{name}/") for signal in look(objects)
    ]


@pytest.mark.parametrize(
    ("labels", "subject"),
    [
        ({"namespace": "shop", "deployment": "cart", "job": "kube-state-metrics", "pod": "kube-state-metrics-1"},
         "Deployment shop/cart"),
        ({"namespace": "shop", "pod": "cart-5d9c8b7f6d-bcdfg", "container": "main"}, "Deployment shop/cart"),
        ({"namespace": "shop", "service": "cart"}, "Deployment shop/cart"),
        ({"job": "cart"}, "Deployment shop/cart"),
        ({"node": "node-1", "namespace": "monitoring", "job": "kube-state-metrics", "pod": "kube-state-metrics-1"},
         "Node node-1"),
        ({"instance": "node-2:9100", "job": "node-exporter", "namespace": "monitoring"}, "Node node-2"),
        ({"instance": "https://shop.example/", "job": "blackbox"}, "Ingress shop/front"),
        ({"instance": "https://other.example/", "job": "blackbox"}, "Service other.example"),
        ({"namespace": "shop", "container": "cart"}, "Deployment shop/cart"),
        ({"namespace": "shop"}, "Namespace shop"),
    ],
)  # fmt: skip
def test_alert_is_about_the_most_particular_thing_its_labels_name(labels: dict[str, str], subject: str) -> None:
    host = {"kind": "Ingress", "metadata": {"name": "front", "namespace": "shop"}}
    places = Places(
        {
            "Pod": [pod()],
            "Deployment": [deployment()],
            "Ingress": [{**host, "spec": {"rules": {"host": ["shop.example"]}}}],
        }
    )
    alert = Alert(labels={"alertname": "A", **labels}, state="firing", starts_at=NOON)
    (found,) = signals(alerts_seen([alert]), places)
    assert str(found.subject) == subject
    assert found.namespace == ("shop" if "shop" in subject else "")  # where it is looked into


async def test_alerts_that_wait_out_their_for_are_told_apart_from_those_that_fire() -> None:
    alerts = [
        {"labels": {"alertname": name, "namespace": "shop", "deployment": "cart"}, "state": state, "starts_at": ago(3)}
        for name, state in (("Slow", "firing"), ("AtMaximum", "pending"))
    ]
    tools = ScriptedTools({"prometheus.list_alerts": {"alerts": alerts}})
    watch = Watch(tools, WatchSettings(sources=("alerts",)), systems=("prometheus",))
    found = await watch.pending(NOON)
    assert [(one.name, str(one.subject)) for one in found] == [("AtMaximum", "Deployment shop/cart")]
    assert [one.name for one in (await watch.look(NOON)).signals] == ["Slow"]


@pytest.mark.parametrize(
    ("level", "state", "severity"),
    [
        ("page", "firing", "critical"), ("warning", "firing", "minor"), ("", "firing", "major"),
        ("info", "firing", None), ("critical", "suppressed", None), ("critical", "pending", None),
    ],
)  # fmt: skip
def test_alert_bears_its_severity_and_harmless_or_silenced_ones_are_none(
    level: str, state: str, severity: str | None
) -> None:
    alert = Alert.model_validate({"labels": {"severity": level}, "state": state, "starts_at": NOON})
    assert [one.severity for one in alerts_seen([alert])] == ([severity] if severity else [])


class Prometheus:
    """Workloads whose rates are functions of time, scripted as far as the watch asks. `None` is a gap."""

    def __init__(self, **workloads: Mapping[str, Callable[[float], float | None]]) -> None:
        self.workloads = workloads
        self.silences: tuple[Silence, ...] = ()
        self.tools = ScriptedTools(
            {
                "prometheus.list_metrics": lambda call: {
                    "names": [] if OUTSIDE in str(call["match"]) else [COUNT, COUNT.replace("_count", "_sum")]
                },
                "prometheus.query_instant": self.instant,
                "prometheus.query_range": self.window,
                "prometheus.list_silences": lambda _: SilenceList(silences=self.silences),
            }
        )

    def watch(self, **given: Any) -> Watch:
        return Watch(
            self.tools,
            WatchSettings(**{"sources": ("metrics", "slo"), **given}),
            systems=("prometheus", "alertmanager"),
        )

    def instant(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        query, at = arguments["query"], datetime.fromisoformat(arguments["time"]).timestamp()
        rows: list[tuple[dict[str, str], float | None]] = []
        if OUTSIDE in query:
            pass
        elif query.startswith("count"):
            rows = [
                ({"namespace": "shop", "service": name, "http_response_status_code": "200"}, 1.0)
                for name in self.workloads
            ]
        else:
            seconds = float(re.search(r"\[(\d+)s\]", query)[1])  # type: ignore[index]
            moments = [at - back for back in range(0, int(seconds), int(seconds / 50))]
            kind = "failed" if "status_code" in query else "asked"
            rows = [
                ({"namespace": "shop", "service": name}, sum(rates[kind](one) or 0.0 for one in moments) / len(moments))
                for name, rates in self.workloads.items()
            ]
        return result("vector", [Series(labels=labels, samples=((at, value),)) for labels, value in rows])

    def window(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        query, step = arguments["query"], int(arguments["step_seconds"])
        start, end = (int(datetime.fromisoformat(arguments[key]).timestamp()) for key in ("start", "end"))
        kind = "failed" if "status_code" in query else "took" if "_sum" in query else "asked"
        series = []
        for name, rates in self.workloads.items():
            if 'service="' in query and f'service="{name}"' not in query:
                continue
            told = {at: (rates[kind](at), rates["asked"](at)) for at in range(start, end + 1, step)}
            ratio = " / " in query
            samples = tuple(
                (float(at), value / asked if ratio and asked else value)
                for at, (value, asked) in told.items()
                if value is not None
            )
            series.append(Series(labels={"namespace": "shop", "service": name}, samples=samples))
        return result("matrix", series)


def result(kind: str, series: list[Series]) -> dict[str, Any]:
    return {"result_type": kind, "series": [one.model_dump() for one in series]}


COUNT = "http_server_request_duration_seconds_count"
OUTSIDE = 'exported_namespace=""'  # of what runs beside Kubernetes
NOW = NOON.timestamp()


def noisy(level: float, at: float) -> float:
    return level * (1 + 0.05 * math.sin(at * 12.9898) * math.cos(at * 78.233))


def steady(
    asked: Callable[[float], float | None] = lambda at: noisy(20.0, at),
    share: Callable[[float], float] = lambda _: 0.002,
    seconds: Callable[[float], float] = lambda _: 0.05,
) -> dict[str, Callable[[float], float | None]]:
    def times(factor: Callable[[float], float]) -> Callable[[float], float | None]:
        return lambda at: None if (rate := asked(at)) is None else rate * noisy(factor(at), at + 1)

    return {"asked": asked, "failed": times(share), "took": times(seconds)}


def late(before: float, after: float, *, minutes: float = 5) -> Callable[[float], float]:
    return lambda at: after if at >= NOW - 60 * minutes else before


def daily(before: float, after: float) -> Callable[[float], float]:
    """For twenty minutes of each day, the last five of which are to come."""
    return lambda at: after if (at - NOW + 900) % 86_400 < 1200 else before


async def watched(prometheus: Prometheus, **given: Any) -> Look:
    return await prometheus.watch(**given).look(NOON)


METRICS: dict[str, tuple[Mapping[str, Callable[[float], float | None]], set[str]]] = {
    "steady": (steady(), set()),
    "fails": (steady(share=late(0.002, 0.1)), {"ErrorRateUp"}),
    "fails each day at this hour": (steady(share=daily(0.002, 0.05)), set()),
    "fails a little more": (steady(share=late(0.002, 0.006)), set()),
    "fails, asked by hardly anybody": (steady(lambda at: noisy(0.01, at), share=late(0.0, 0.2)), set()),
    "is slow": (steady(seconds=late(0.05, 0.2)), {"LatencyUp"}),
    "is quicker": (steady(seconds=late(0.2, 0.05)), set()),
    "is asked no more": (steady(lambda at: noisy(late(20, 0.5)(at), at)), {"TrafficGone"}),
    "is asked twice as often": (steady(lambda at: noisy(late(20, 40)(at), at)), set()),
    "was not seen for ten minutes": (
        steady(lambda at: None if NOW - 900 <= at < NOW - 300 else noisy(20.0, at)), set(),
    ),
    "is not seen any more": (steady(lambda at: None if at >= NOW - 300 else noisy(20.0, at)), set()),
}  # fmt: skip


async def test_workload_is_judged_by_its_own_past_and_a_gap_is_no_fall() -> None:
    prometheus = Prometheus(**{re.sub(r"\W+", "-", name): rates for name, (rates, _) in METRICS.items()})
    found = await watched(prometheus, sources=("metrics",))
    assert not found.blind
    told = {(signal.subject.name, signal.name) for signal in found.signals if signal.subject}
    assert told == {(re.sub(r"\W+", "-", name), one) for name, (_, names) in METRICS.items() for one in names}
    assert all(NOON - timedelta(minutes=8) <= signal.since <= NOON for signal in found.signals)


async def test_only_new_moments_are_asked_for_and_a_signal_lasts_until_half_way_back() -> None:
    def share(at: float) -> float:
        """Bad for an hour and a half, then a little less each minute, half an hour long."""
        return 0.002 if at < NOW - 300 else 0.1 * min(1.0, max(0.02, 1 - (at - NOW - 5400) / 1800))

    prometheus = Prometheus(cart=steady(share=share))
    watch = prometheus.watch(sources=("metrics",))
    lasted = []
    for minute in range(0, 130, 5):
        seen = await watch.look(NOON + timedelta(minutes=minute))
        lasted.append(bool(seen.signals))
    assert lasted == [minute <= 105 for minute in range(0, 130, 5)]
    spans = [
        datetime.fromisoformat(str(call["end"])) - datetime.fromisoformat(str(call["start"]))
        for tool, call in prometheus.tools.calls
        if tool == "prometheus.query_range" and call["step_seconds"] == STEP
    ]
    assert spans[0] == timedelta(seconds=STEP * (COLUMNS - 1))
    assert max(spans[3:]) == timedelta(minutes=5, seconds=STEP)


async def test_budget_that_burns_fast_is_critical_and_a_small_service_burns_nothing() -> None:
    prometheus = Prometheus(
        checkout=steady(share=late(0.002, 0.5, minutes=20)),
        slowly=steady(share=lambda at: 0.04 if at >= NOW - 7 * 3600 else 0.001),
        declared=steady(share=lambda _: 0.02),
        small=steady(lambda _: 0.00003, share=lambda _: 0.5),
        well=steady(),
    )
    found = await watched(prometheus, sources=("slo",), objectives={"shop/decl*": 99.9})
    told = {(signal.subject.name, signal.severity) for signal in found.signals if signal.subject}
    assert told == {("checkout", "critical"), ("slowly", "major"), ("declared", "critical")}
    asked = [str(call["query"]) for tool, call in prometheus.tools.calls if tool == "prometheus.query_instant"]
    assert {re.findall(r'service=~?"(.*?)"', query)[0] for query in asked if "259200s" in query} == {"small"}


async def test_a_budget_burns_since_its_failures_began_and_not_since_a_window_did() -> None:
    """So that it is one trouble with what began then, be it earlier or later than the short window."""

    def again(at: float) -> float:
        return 0.5 if at >= NOW - 180 or NOW - 3000 <= at < NOW - 1500 else 0.002

    prometheus = Prometheus(
        checkout=steady(share=late(0.002, 0.5, minutes=25)),
        cart=steady(share=again),
        always=steady(share=lambda _: 0.2),
    )
    found = await watched(prometheus, sources=("slo",))
    since = {
        signal.subject.name: (NOON - signal.since).total_seconds() / 60 for signal in found.signals if signal.subject
    }
    assert since == {"checkout": 25.0, "cart": 3.0, "always": pytest.approx(120, abs=1)}


async def test_budget_burns_since_failures_began_and_not_since_its_windows_do() -> None:
    """Where Prometheus is young, windows of days hold its minutes alone, and the slowest pair burns first."""
    young = steady(lambda at: noisy(20.0, at) if at >= NOW - 1500 else None, share=late(0.0, 0.3, minutes=2))
    (found,) = (await watched(Prometheus(shop=young), sources=("slo",))).signals
    assert abs(found.since - (NOON - timedelta(minutes=2))) <= timedelta(minutes=1)


@pytest.mark.parametrize(
    ("pod", "workload"),
    [
        ("cart-57db74b4f8-mpncr", "cart"),
        ("web-2-7c9fd8b5-x2b4k", "web-2"),
        ("node-exporter-x2b4k", "node-exporter"),
        ("orders-db-0", "orders-db"),
        ("nightly-28273920-x2b4k", "nightly"),
        ("toolbox", "toolbox"),
        ("grafana-enterprise", "grafana-enterprise"),
    ],
)
def test_where_only_pods_are_told_a_row_is_their_workloads(pod: str, workload: str) -> None:
    """A release's new pods have no past of their own, and what its old ones did says nothing of after a rollback."""
    asked = Asked(FAMILIES[0], "namespace", "pod", 'code=~"5.."', timed=True, bucketed=True)
    assert asked.labels == ("namespace", "workload")
    replaced = re.search(r'label_replace\(.*, "workload", "\$1", "pod", "(.*)"\)\)$', asked.query("asked", "2m"))
    assert replaced is not None
    found = re.fullmatch(replaced[1], pod)
    assert found is not None
    assert found[1] == workload
    asked.table.fill("asked", asked.labels, [Series(labels={"namespace": "shop", "workload": workload}, samples=())])
    only = re.fullmatch(r'namespace="shop",pod=~"(.*)"', asked.only([0]))
    assert only is not None
    matcher = re.compile(only[1].replace("\\\\", "\\"))  # as PromQL reads its string
    assert matcher.fullmatch(pod)
    assert not matcher.fullmatch(f"{workload}-admin-57db74b4f8-mpncr")


@pytest.mark.parametrize("kind", get_args(PressureKind))
def test_every_kind_of_pressure_has_a_name_and_words(kind: PressureKind) -> None:
    name, words = NAMES[kind]
    assert name.isalnum()
    assert words.format(0.5) != words


async def test_pressure_is_told_of_who_came_to_it_lately_and_not_of_who_is_made_so() -> None:
    def near(arguments: Mapping[str, Any]) -> dict[str, Any]:
        pods = {"Deployment shop/cart": YOUNG, "CronJob shop/nightly": "nightly-1-zzzzz", "used to it": "db-0"}
        if datetime.fromisoformat(arguments["time"]) < NOON:
            pods = {"used to it": "db-0"}
        if "container_cpu" not in arguments["query"]:
            pods = {}
        rows = [{"namespace": "shop", "pod": name, "container": "main"} for name in pods.values()]
        return result("vector", [Series(labels=labels, samples=((NOW, 0.97),)) for labels in rows])

    tools = ScriptedTools({"prometheus.query_instant": near})
    requests = Requests(tools)
    requests.names = frozenset(NEEDS)
    batch = pod("nightly-1-zzzzz", owner=OF_JOB)
    places = Places({"Pod": [pod(YOUNG), batch], "Deployment": [deployment()], "Job": [job("nightly-1")]})
    found = await Pressures(requests, lambda: places).look(NOON)
    assert {(str(one.subject), one.name) for one in found} == {
        ("Deployment shop/cart", "CPUSaturated"), ("Deployment shop/cart", "CPUThrottled"),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("matchers", "muted"),
    [
        (['namespace="shop"'], True),
        (['namespace=~"shop|pay"', 'service="cart"'], True),
        (['namespace!="shop"'], False),
        (['alertname="HighErrorRate"', 'namespace="shop"'], False),
        (['alertname=~"Error.*"'], True),
        (['namespace=~"sho"'], False),
        (["nonsense"], False),
    ],
)
async def test_silence_mutes_what_bears_its_labels(matchers: list[str], muted: bool) -> None:
    prometheus = Prometheus(cart=steady(share=late(0.002, 0.1)))
    hour = timedelta(hours=1)
    prometheus.silences = (
        Silence(
            silence_id="1", state="active", matchers=tuple(matchers), starts_at=NOON - hour, ends_at=NOON + hour,
            created_by="ada", comment="work",
        ),
    )  # fmt: skip
    found = await watched(prometheus, sources=("metrics",))
    assert (bool(found.muted), bool(found.signals)) == (muted, not muted)
    assert bool((await watched(prometheus, sources=("metrics",), maintenance={"sh*": "Tue 11:00-13:00"})).muted)


def test_people_are_shown_what_she_sees_and_what_she_cannot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    shown = CliRunner().invoke(app, ["scarlet", "watch", "--once"])
    assert shown.exit_code == 0
    assert "BLIND     kubernetes: " in shown.output
    assert "nothing is the matter in what can be seen" in shown.output
