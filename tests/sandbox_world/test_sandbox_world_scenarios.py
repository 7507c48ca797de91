"""Scenario files: what ships loads, what is wrong is named."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from sandbox_world.worlds import make_world

from autodevops.kernel.errors import UsageError
from autodevops.sandbox.basics.moments import parse_duration
from autodevops.sandbox.world import topology
from autodevops.sandbox.world.faults.effects import Modifier, Write
from autodevops.sandbox.world.scenario import Scenario, load_scenario, shipped_scenarios

GOOD = """
title: A test
faults:
  - kind: errors
    target: payment
    onset: -10m
    intensity: 0.2
truth: {verdict: explained, reason: ErrorRateIncreased, subject: {kind: Deployment, name: payment}, onset: -10m}
"""


def test_every_shipped_scenario_loads_and_has_a_truth_that_says_something() -> None:
    scenarios = {scenario.name: scenario for scenario in shipped_scenarios()}
    assert {"bad-deploy", "healthy", "bad-deploy-latency", "recovered", "red-herring"} <= scenarios.keys()
    for name, scenario in scenarios.items():
        assert scenario.title, name
        explained = scenario.truth.verdict == "explained"
        assert (scenario.truth.subject is not None, bool(scenario.truth.reason)) == (explained, explained), name


def test_truth_names_every_workload_that_got_a_bad_revision_and_that_taking_it_back_helps() -> None:
    """Bad: its pod spec was edited, or a version was released of which a fault says what it does."""
    for scenario in shipped_scenarios():
        truth = scenario.truth
        for kind, name in _bad_revisions(scenario) if truth.verdict == "explained" else ():
            assert (kind, name) in {(one.kind, one.name) for one in truth.subjects}, (scenario.name, name)
            back = "patch" if kind == "CronJob" else "rollback"
            assert any(
                (one.action, one.subject.kind, one.subject.name, one.effect) == (back, kind, name, "resolves")
                for one in truth.remediations
            ), (scenario.name, name)


def _bad_revisions(scenario: Scenario) -> Iterator[tuple[str, str]]:
    effects = [effect for fault in scenario.faults for effect in fault.effects(0.0)]
    bent = {(one.service, one.version) for one in effects if isinstance(one, Modifier)}
    for one in effects:
        if isinstance(one, Write) and one.verb == "patch" and '"template": {"spec"' in json.dumps(one.body):
            kind, *_, name = one.object.split("/")
            yield kind, name
        elif isinstance(one, Write) and one.verb == "deploy" and (one.object[1:], one.body["version"]) in bent:
            yield topology.load_topology(scenario.topology).by_name[one.object[1:]].kind, one.object[1:]


def test_truth_names_subject_and_onset() -> None:
    truth = load_scenario("bad-deploy").truth
    assert truth.verdict == "explained"
    assert truth.subject is not None
    assert (truth.subject.kind, truth.subject.namespace, truth.subject.name) == ("Deployment", "shop", "payment")
    assert truth.onset == -1200


def test_scenario_is_read_from_a_file_and_from_a_folder(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "scenario.yaml").write_text(GOOD)
    (tmp_path / "other.yaml").write_text(GOOD)
    assert load_scenario(tmp_path / "mine").name == "mine"
    assert load_scenario(str(tmp_path / "other.yaml")).name == "other"


def test_a_scenario_brings_the_topology_that_its_file_names(tmp_path: Path) -> None:
    shipped = Path(topology.__file__).parent / "topologies" / "kiosk.yaml"
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "stand.yaml").write_text(
        shipped.read_text("utf-8").replace("namespace: shop", "namespace: stand")
    )
    (tmp_path / "mine.yaml").write_text(f"topology: own/stand.yaml\n{GOOD.replace('payment', 'cart')}")
    world, _ = make_world(tmp_path / "mine.yaml")
    assert world.topology.namespace == "stand"
    (tmp_path / "mine.yaml").write_text(f"topology: own/none.yaml\n{GOOD.replace('payment', 'cart')}")
    with pytest.raises(UsageError, match="There is no topology"):
        make_world(tmp_path / "mine.yaml")


def test_unknown_scenario_is_named_with_those_there_are() -> None:
    with pytest.raises(UsageError, match=r"no-such-scenario.*bad-deploy, .*healthy"):
        load_scenario("no-such-scenario")


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (("intensity: 0.2", "intensity: 2"), "faults.0.errors.intensity"),
        (("intensity: 0.2", "intensity: 0.2\n    strength: 1"), "faults.0.errors.strength"),
        (("kind: errors", "kind: gremlins"), "faults.0"),
        (("onset: -10m", "onset: yesterday"), "'yesterday' is not a duration"),
        (("title: A test", "tittle: A test"), "title"),
        (("verdict: explained", "verdict: perhaps"), "truth.verdict"),
        (("title: A test", "title: [unclosed"), "is not YAML"),
    ],
)
def test_mistake_in_a_scenario_is_named_with_file_and_field(
    tmp_path: Path, change: tuple[str, str], named: str
) -> None:
    path = tmp_path / "broken.yaml"
    path.write_text(GOOD.replace(*change, 1))
    with pytest.raises(UsageError) as caught:
        load_scenario(path)
    assert str(path) in str(caught.value)
    assert named in str(caught.value)


def test_fault_on_an_unknown_service_is_named_with_the_services(tmp_path: Path) -> None:
    path = tmp_path / "typo.yaml"
    path.write_text(GOOD.replace("target: payment", "target: paymnt"))
    with pytest.raises(UsageError, match=r"faults\.0\.target is 'paymnt'.*payment"):
        make_world(path)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("-20m", -1200.0), ("90s", 90.0), ("1h30m", 5400.0), ("250ms", 0.25), ("0", 0.0), (7, 7.0), ("2d", 172800.0)],
)
def test_durations_are_read(text: object, seconds: float) -> None:
    assert parse_duration(text) == pytest.approx(seconds)
