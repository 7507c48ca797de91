"""Resource pressures, leaks, neighbours and surges: what counts as a cause, and what is only full."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from investigation.traced_pictures import END, make_picture, suffering

from autodevops.domain.finding import Finding
from autodevops.domain.subject import Subject
from autodevops.investigation.graph import CallGraph, Edge
from autodevops.investigation.inventory import build
from autodevops.investigation.picture import MemoryUse, NodeLoad, Picture, Saturation, Signal, Trend
from autodevops.investigation.pressure_families import PRESSURES, present
from autodevops.investigation.rules import LAST_STAGE, RULES, hpa_at_maximum
from autodevops.investigation.rules.neighbours import neighbour_edges

CASES: list[dict[str, Any]] = yaml.safe_load(Path(__file__).with_name("pressures.yaml").read_text("utf-8"))
_MIB = 1024 * 1024
_NOTED: Any = "ev-noted"
_WORKLOADS = {"cart": {"nodes": ["n1"]}, "batch": {"nodes": ["n1"]}, "shop": {"nodes": ["n2"]}}
_ONSET = timedelta(minutes=25)


def _picture(case: dict[str, Any]) -> Picture:
    picture = make_picture({"workloads": _WORKLOADS, **case})
    inventory = picture.inventory

    def subject(name: str) -> Subject:
        found = inventory.of_name(name)
        assert found is not None
        return found

    loads = tuple(
        NodeLoad(
            load["node"],
            load["capacity"],
            {("shop", f"{name}-0"): cores for name, cores in load["now"].items()},
            {("shop", f"{name}-0"): cores for name, cores in load["before"].items()},
            load["idle"],
            load.get("stolen"),
            (_NOTED,),
        )
        for load in case.get("loads", [])
    )
    hurt = [subject(name) for name in case.get("suffering", {})]
    calls = [Edge(subject(a), subject(b), "calls", _NOTED) for a, b in case.get("calls", [])]
    return picture.having(
        saturation=tuple(
            Saturation(subject(name), f"{name}-0", "app", ratio, _NOTED, kind, "pool", before)
            for kind, name, ratio, before in case.get("use", [])
        ),
        memory=tuple(_memory(subject(name), told) for name, told in case.get("memory", {}).items()),
        trends=tuple(_trend(subject(name), told) for name, told in case.get("trends", {}).items()),
        node_loads=loads,
        signals=tuple(_rate(subject(name), *levels) for name, levels in case.get("rates", {}).items()),
        graph=CallGraph.of([*picture.graph.edges, *calls, *neighbour_edges(loads, hurt, inventory)]),
    )


def _memory(subject: Subject, told: dict[str, Any]) -> MemoryUse:
    lives, count = told.get("lives", 1), max(3, round(told["hours"] * 30))
    ramp = np.linspace(0.0, 1.0, count)
    if "level_from" in told:
        ramp = np.minimum(1.0, ramp / told["level_from"])
    life = told["from"] + (told["to"] - told["from"]) * ramp + 0.4 * np.sin(np.arange(count) * 1.7)
    pause = np.full(1, 8.0)
    values = np.concatenate([part for _ in range(lives) for part in (life, pause)][:-1]) * _MIB
    times = END.timestamp() - 120.0 * np.arange(len(values), dtype=np.float64)[::-1]
    return MemoryUse(subject, f"{subject.name}-0", "app", times, values, told["limit"] * _MIB, _NOTED)


def _trend(subject: Subject, told: dict[str, float]) -> Trend:
    """Used, as a share of one, over six hours: level, then a line over the last `hours`."""
    ago = np.arange(0.0, 6 * 3600.0, 300.0)[::-1] / 3600.0
    values = told["to"] - (told["to"] - told["from"]) * np.minimum(1.0, ago / told["hours"])
    values += 0.002 * np.sin(np.arange(len(values)) * 1.7)
    return Trend(subject, "Memory", "app", END.timestamp() - 3600.0 * ago, values, _NOTED)


def _rate(subject: Subject, before: float, after: float) -> Signal:
    times = np.arange((END - timedelta(hours=2)).timestamp(), END.timestamp() + 1, 30.0)
    onset = (END - _ONSET).timestamp()
    values = np.where(times < onset, before, after) * (1 + 0.03 * np.sin(times))
    return Signal(subject, "request_rate", times, values, {}, _NOTED)


def _findings(picture: Picture, given: tuple[Finding, ...]) -> list[Finding]:
    earlier = given
    for stage in range(1, LAST_STAGE + 1):
        chosen = [
            r for r in RULES if r.stage == stage and (r.id[:5] in ("MET01", "MET02") or r.reason == "TrafficChanged")
        ]
        earlier += tuple(finding for rule in chosen for finding in rule.check(picture, earlier))
    return [f for f in earlier[len(given) :] if f.reason != "TrafficChanged"]


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_what_is_full_is_a_cause_only_where_it_is_new_and_felt(case: dict[str, Any]) -> None:
    picture = _picture(case)
    ahead = timedelta(minutes=case.get("earlier_by", 0))
    given = tuple(
        f.model_copy(update={"onset": f.onset - ahead if f.onset else None}) for f in suffering(case, picture)
    )
    found = _findings(picture, given)
    assert [[f.reason, f.subject.name, f.severity] for f in found] == case["expect"], [f.message for f in found]


@pytest.mark.parametrize(("hours", "due"), [(6.0, 90.0), (2.0, 30.0)])
def test_what_runs_out_says_when(hours: float, due: float) -> None:
    (found,) = _findings(_picture({"trends": {"cart": {"from": 0.4, "to": 0.88, "hours": hours}}}), ())
    assert found.due is not None
    assert (found.due - END).total_seconds() / 60 == pytest.approx(due, rel=0.15)
    assert "Memory of cart (app): 88 % used" in found.message


def test_only_families_whose_metrics_exist_are_asked_for() -> None:
    assert [family.kind for family in present(())] == ["memory"]
    hikari = {"hikaricp_connections_active", "hikaricp_connections_max", "hikaricp_connections_pending"}
    assert [family.name for family in present(hikari)] == ["cAdvisor", "HikariCP"]
    assert [family.name for family in present(hikari - {"hikaricp_connections_pending"})] == ["cAdvisor"]


@pytest.mark.parametrize("family", PRESSURES, ids=[f"{family.kind} {family.name}" for family in PRESSURES])
def test_a_family_asks_for_what_it_needs(family: Any) -> None:
    assert all(f"{need}{{" in family.query for need in family.needs if need != "kube_pod_container_resource_limits")
    assert family.query.count("(") == family.query.count(")")
    assert "<s>" in family.query


_FULL = {
    "currentReplicas": 4,
    "conditions": [{"type": "ScalingLimited", "status": "True", "reason": "TooManyReplicas"}],
}
_BY_CPU = {"type": "Resource", "resource": {"name": "cpu"}}
_BY_RATE = {"type": "Pods", "pods": {"metric": {"name": "requests_per_second"}}}


def _scaled(metric: dict[str, Any], pods: list[Any], held_back: float | None) -> list[Finding]:
    """What is said of an autoscaler at its maximum of four, whose workload is slow and has these pods."""
    spec = {"maxReplicas": 4, "scaleTargetRef": {"kind": "Deployment", "name": "cart"}, "metrics": [metric]}
    scaler = {"metadata": {"name": "cart"}, "spec": spec, "status": _FULL}
    cart = {"metadata": {"name": "cart", "uid": "cart"}, "spec": {"replicas": 4}, "status": {"replicas": len(pods)}}
    owner = [{"kind": "Deployment", "name": "cart", "controller": True}]
    made = [{"metadata": {"name": f"cart-{i}", "ownerReferences": owner}, **pod} for i, pod in enumerate(pods)]
    lists: dict[str, Any] = {"Deployment": [cart], "HorizontalPodAutoscaler": [scaler], "Pod": made}
    picture = make_picture({"workloads": _WORKLOADS})
    slow = suffering({"suffering": {"cart": "LatencyIncreased"}}, picture)
    throttling = [] if held_back is None else [_rate(slow[0].subject, 0.0, held_back)]
    picture = picture.having(
        inventory=build("shop", lists, known=True),
        listed={"HorizontalPodAutoscaler": _NOTED},
        signals=tuple(dataclasses.replace(one, kind="cpu_throttling") for one in throttling),
    )
    return list(hpa_at_maximum.RULE.check(picture, slow))


_PLACED = {"spec": {"nodeName": "node-1"}, "status": {"phase": "Running"}}
_WAITS = {"status": {"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False"}]}}


@pytest.mark.parametrize(
    ("metric", "held_back", "severity"),
    [(_BY_CPU, 0.6, "error"), (_BY_CPU, 0.02, "warning"), (_BY_CPU, None, "error"), (_BY_RATE, 0.02, "error")],
    ids=["pods wait for their limit", "pods have CPU left", "nobody measures it", "it goes by something else"],
)
def test_an_autoscaler_at_its_maximum_says_little_while_its_pods_have_cpu_left(
    metric: dict[str, Any], held_back: float | None, severity: str
) -> None:
    (found,) = _scaled(metric, [_PLACED] * 4, held_back)
    assert (found.severity, found.confidence < 0.5) == (severity, severity == "warning")


@pytest.mark.parametrize(
    "pods", [[_PLACED] * 3, [*[_PLACED] * 3, _WAITS]], ids=["a quota allows no more", "no node has room"]
)
def test_a_maximum_does_not_limit_where_the_pods_that_were_asked_for_did_not_come(pods: list[Any]) -> None:
    assert _scaled(_BY_CPU, pods, 0.6) == []
