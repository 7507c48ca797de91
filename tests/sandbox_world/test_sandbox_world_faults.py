"""Every shipped scenario is what it says: something is to be seen, somebody is told, and what helps does help.

One world a scenario serves all checks. What remedies do is tried on some scenarios of each kind, named below: done to
all of them it would take minutes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from sandbox_world.worlds import START, MovingClock, make_world

from autodevops.sandbox.basics.moments import parse_rfc3339
from autodevops.sandbox.cluster.meta import is_ready
from autodevops.sandbox.prometheus.rules import Alerting, Group, shipped_rules
from autodevops.sandbox.promql.labels import value_of
from autodevops.sandbox.world.metrics import WorldMetrics
from autodevops.sandbox.world.remedies import carry_out
from autodevops.sandbox.world.scenario import Remediation, Scenario, shipped_scenarios
from autodevops.sandbox.world.world import World

ALL = {scenario.name: scenario for scenario in shipped_scenarios()}
TOLD_WITHIN = 900.0  # seconds from the onset
WAITING = 1000.0  # messages
SETTLES = timedelta(minutes=8)
# One or two of each kind of remedy: rollback, scale, patch, apply, delete, uncordon, drain, what follows a patch.
TRIED = (
    "bad-deploy", "cache-stampede", "config-change", "connections-exhausted", "cpu-throttling", "hpa-blind",
    "ingress-wrong-backend", "missing-config-map", "network-delay-node", "network-policy-block", "node-cordoned",
    "pvc-selector", "rbac-denied", "target-port-mismatch",
)  # fmt: skip
ORDINARY = {"Unhealthy"}  # a program that starts is asked whether it is ready before it is


@dataclass(frozen=True)
class Seen:
    """What anybody can see of a world: how much services fail, how slow they are, what is not as wanted."""

    errors: dict[str, float]
    slow: dict[str, float]
    wrong: frozenset[str]

    @property
    def anything(self) -> bool:
        return bool(self.errors or self.slow or self.wrong)

    @property
    def amount(self) -> float:
        """A request that fails is worse than a hundred that are slow."""
        return 100.0 * sum(self.errors.values()) + sum(self.slow.values()) + len(self.wrong)


def look(world: World) -> Seen:
    now = world.now()
    usual = world.readings(np.linspace(START.timestamp() - 3 * 3600, START.timestamp() - 2.5 * 3600, 3))
    lately = world.readings(np.linspace(now - 90, now, 3))
    errors, slow = {}, {}
    wrong = set()
    for service in world.topology.services:
        if not service.routes:
            continue
        if service.consumes is not None and lately.queue(service.name)[0].max() > WAITING:
            wrong.add(f"a backlog before {service.name}")
        failing = float(np.nan_to_num(lately.error_ratio(service.name)).mean())
        if failing > 0.02:
            errors[service.name] = failing
        before = float(np.nan_to_num(usual.latency_mean(service.name)).mean())
        after = float(np.nan_to_num(lately.latency_mean(service.name)).mean())
        if after > 1.6 * before and after - before > 0.004:
            slow[service.name] = after / before
    if lately.request_rate(world.topology.entry).mean() < 0.5 * usual.request_rate(world.topology.entry).mean():
        wrong.add("few requests")
    store = world.cluster.store
    for pod in store.items("Pod"):
        if pod.get("status", {}).get("phase") not in ("Succeeded", "Failed") and not is_ready(pod):
            wrong.add(f"unready {pod['metadata']['name'].rpartition('-')[0]}")
        for status in pod.get("status", {}).get("containerStatuses", ()):
            ended = status.get("lastState", {}).get("terminated")
            if ended and now - parse_rfc3339(ended["finishedAt"]) < 1800.0:
                wrong.add(f"restarted {pod['metadata']['name'].rpartition('-')[0]}")
    for item in store.items("Deployment"):
        status, wanted = item.get("status", {}), item["spec"]["replicas"]
        if min(status.get("updatedReplicas", 0), status.get("availableReplicas", 0)) < wanted:
            wrong.add(f"short {item['metadata']['name']}")
    for claim in store.items("PersistentVolumeClaim"):
        if claim.get("status", {}).get("phase") != "Bound":
            wrong.add(f"unbound {claim['metadata']['name']}")
    for item in store.items("CronJob"):
        status = item.get("status", {})
        last = status.get("lastScheduleTime", "")
        if last > status.get("lastSuccessfulTime", "") and now - parse_rfc3339(last) > 120.0:
            wrong.add(f"not succeeding {item['metadata']['name']}")
    return Seen(errors, slow, frozenset(wrong))


def warnings(world: World) -> set[str]:
    """Reasons of the last hour's warning events."""
    return {
        str(event["reason"])
        for event in world.cluster.store.items("Event")
        if event["type"] == "Warning" and world.now() - parse_rfc3339(event["lastTimestamp"]) < 3600.0
    } - ORDINARY


def groups() -> tuple[Group, ...]:
    """The shipped groups, those that read requests last: they cost the most."""
    return tuple(sorted(shipped_rules(), key=lambda group: group.name == "services"))


def alerts(world: World, at: float) -> list[str]:
    """Names of alerts at a moment, no further than the first rule that has one worth a page or a ticket."""
    alerting = Alerting(WorldMetrics(world), groups())
    for group in alerting.groups:
        for rule in group.rules:
            if rule.labels["severity"] != "info" and alerting.of(group, rule, int(at * 1000)):
                return [rule.alert]
    return []


def at_start(scenario: Scenario) -> tuple[World, MovingClock]:
    world, clock = make_world(scenario)
    assert world.course.epochs
    return world, clock


def _exists(world: World) -> bool:
    subject = world.scenario.truth.subject
    assert subject is not None
    kind = "Node" if subject.kind == "Node" else subject.kind
    if world.cluster.store.get(kind, subject.namespace, subject.name) is not None:
        return True
    if subject.namespace == "kube-system" and subject.name == "kube-scheduler":
        return True  # as where a provider runs it: its lease is all that shows of it
    service = world.topology.by_name.get(subject.name)
    return service is not None and service.kind == "External"


@pytest.mark.parametrize("name", [name for name, one in ALL.items() if one.truth.verdict == "explained"])
def test_what_is_wrong_can_be_seen_and_somebody_is_told(name: str) -> None:
    scenario = ALL[name]
    world, clock = at_start(scenario)
    truth = scenario.truth
    assert truth.onset is not None
    assert truth.remediations
    assert _exists(world)
    before = look(world)
    assert before.anything or warnings(world)
    assert alerts(world, min(world.now(), world.origin_at + truth.onset + TOLD_WITHIN))
    if name in TRIED:
        _try_remedies(world, clock, truth.remediations, before)


def _try_remedies(world: World, clock: MovingClock, remedies: tuple[Remediation, ...], before: Seen) -> None:
    """On one world, what leaves things as they are comes first, what ends the incident last."""
    by_effect = {
        remedy.effect: remedy for remedy in reversed(remedies) if not _makes_a_revision_twice(remedy, remedies)
    }
    for effect in ("nothing", "relieves", "worsens", "resolves"):
        if effect not in by_effect:
            continue
        carry_out(world, by_effect[effect])
        clock.now += SETTLES
        assert world.course.epochs
        after = look(world)
        match effect:
            case "nothing":
                assert after.anything
                assert set(after.errors) >= set(before.errors)
            case "relieves":
                assert after.amount < before.amount
            case "worsens":
                assert after.amount > before.amount
            case "resolves":
                if "not succeeding" in "".join(before.wrong):
                    clock.now += timedelta(minutes=20)  # the next run of the job
                    assert world.course.epochs
                    after = look(world)
                assert not after.anything, after


def _makes_a_revision_twice(remedy: Remediation, remedies: tuple[Remediation, ...]) -> bool:
    """A restart before a rollback would leave the wrong revision to go back to."""
    back = {one.subject for one in remedies if one.action == "rollback" and one.effect == "resolves"}
    return remedy.effect != "resolves" and remedy.subject in back and remedy.action in ("restart", "patch")


@pytest.mark.parametrize("name", [name for name, one in ALL.items() if one.truth.verdict == "healthy"])
def test_healthy_world_is_silent(name: str) -> None:
    world, _ = at_start(ALL[name])
    assert not look(world).anything
    assert warnings(world) <= {"BackOff"}
    firing = [one for one in Alerting(WorldMetrics(world), groups()).at(int(world.now() * 1000)) if one.firing]
    assert [value_of(one.labels, "alertname") for one in firing] == []


def test_recovered_pods_were_killed_for_their_memory_once_each() -> None:
    world, _ = at_start(ALL["recovered-oom"])
    pods = [pod for pod in world.pods(world.now()) if pod.service == "inventory"]
    assert [[run.reason for run in pod.runs if run.reason == "OOMKilled"] for pod in pods] == [["OOMKilled"]] * 2
    assert all(pod.ready(world.now()) for pod in pods)


def test_job_says_what_it_may_not() -> None:
    world, _ = at_start(ALL["rbac-denied"])
    pod = [one for one in world.all_pods() if one.name.startswith("config-snapshot-")][-1]
    lines = [line for _, line in world.container_log("shop", pod.name, "snapshot", previous=False, since=None, tail=1)]
    assert lines == [
        'fatal: configmaps is forbidden: User "system:serviceaccount:shop:config-snapshot" cannot list resource '
        '"configmaps" in API group "" in the namespace "shop"'
    ]


def test_change_by_a_pipeline_has_its_merged_pull_request() -> None:
    from autodevops.sandbox.world.git import world_repositories

    world, _ = at_start(ALL["quota-cpu"])
    pull = next(one for one in world_repositories(world)[0].pulls if one.title.startswith("quota:"))
    assert pull.merged_at is not None
    assert 0 < world.origin_at - 35 * 60 - pull.merged_at.timestamp() < 600
    assert [one.path for one in pull.files] == ["deploy/shared/compute.resourcequota.yaml"]


def test_example_in_the_docs_is_a_scenario(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs/sandbox.md").read_text("utf-8")
    blocks = re.findall(r"```yaml\n(title:.*?)```", page, re.DOTALL)
    assert blocks
    for block in blocks:
        (tmp_path / "example.yaml").write_text(block, "utf-8")
        world, _ = make_world(tmp_path / "example.yaml")
        assert "cart" in look(world).errors


def test_every_scenario_says_what_people_notice() -> None:
    assert [one.name for one in ALL.values() if not one.summary] == []


def test_all_is_well_by_night_and_by_day() -> None:
    """Jobs that run at night run well, too."""
    for hour in (0, 3, 9, 21):
        clock = MovingClock()
        clock.now = clock.now.replace(hour=hour)
        world = World("healthy", 1, clock.now, clock)
        alerting = Alerting(WorldMetrics(world), shipped_rules())
        assert [one.rule.alert for one in alerting.at(int(world.now() * 1000)) if one.firing] == [], hour


def test_cleaning_a_cron_job_leaves_its_newest_jobs_and_those_of_others() -> None:
    world, _ = at_start(ALL["no-room-for-new-jobs"])
    (cleaned,) = [one for one in ALL["no-room-for-new-jobs"].truth.remediations if one.action == "clean_jobs"]

    def jobs(name: str) -> list[str]:
        found = (item["metadata"]["name"] for item in world.cluster.store.items("Job", cleaned.subject.namespace))
        return sorted(one for one in found if one.startswith(f"{name}-"))

    mine, others = jobs(cleaned.subject.name), jobs("load-facts")
    carry_out(world, cleaned)
    assert jobs(cleaned.subject.name) == mine[-3:] != mine
    assert jobs("load-facts") == others
