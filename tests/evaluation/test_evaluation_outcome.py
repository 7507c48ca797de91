"""What counts as right, and what the count says: over outcomes made by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from sandbox_world.worlds import make_world

from autodevops.domain.subject import Subject
from autodevops.evaluation.figures import by_half, count, reliability
from autodevops.evaluation.outcome import Answer, Outcome, is_it
from autodevops.evaluation.play import owners_of
from autodevops.evaluation.suite import find_scenarios, half_of
from autodevops.evaluation.tables import markdown, tables
from autodevops.kernel.errors import UsageError
from autodevops.sandbox.world.scenario import Subject as TrueSubject
from autodevops.sandbox.world.scenario import shipped_scenarios

OWNERS = {
    ("Pod", "shop", "cart-1a-xyz"): ("ReplicaSet", "shop", "cart-1a"),
    ("ReplicaSet", "shop", "cart-1a"): ("Deployment", "shop", "cart"),
}
CART = TrueSubject(kind="Deployment", name="cart", namespace="shop")
RIGHT = Answer("BadRollout", "Deployment", "cart", 0.9, right=True)
SECOND = Answer("VolumeFull", "StatefulSet", "cart-db", 0.7, right=True, cause=1)
WRONG = Answer("OOMKilled", "Deployment", "email", 0.6, right=False)
FAULTY = Outcome(
    scenario="one",
    group="releases",
    half="dev",
    true_verdict="explained",
    true_reason="BadRollout",
    true_kind="Deployment",
    true_name="cart",
    verdict="explained",
    answers=(RIGHT,),
    missing=0,
    own_ms=10.0,
    wall_ms=20.0,
)
WELL = replace(
    FAULTY,
    half="test",
    true_verdict="healthy",
    true_reason="",
    true_kind="",
    true_name="",
    verdict="healthy",
    answers=(),
)


@pytest.mark.parametrize(
    ("named", "right"),
    [
        (Subject(kind="Deployment", name="cart", namespace="shop"), True),
        (Subject(kind="Pod", name="cart-1a-xyz", namespace="shop"), True),
        (Subject(kind="ReplicaSet", name="cart-1a", namespace="shop"), True),
        (Subject(kind="Pod", name="cart-db-0", namespace="shop"), False),
        (Subject(kind="Service", name="cart", namespace="shop"), False),
        (Subject(kind="Deployment", name="cart-db", namespace="shop"), False),
    ],
    ids=str,
)
def test_the_subject_or_what_it_controls_is_right(named: Subject, right: bool) -> None:
    assert is_it(named, CART, OWNERS) is right


def test_a_service_of_telemetry_is_not_the_kubernetes_service() -> None:
    truth = TrueSubject(kind="Service", name="cart", namespace="shop")
    assert is_it(Subject(kind="Service", name="cart", namespace="shop", api_version="v1"), truth, {})
    assert not is_it(Subject(kind="Service", name="cart", api_version="opentelemetry.io"), truth, {})


def test_what_runs_elsewhere_is_right_by_the_names_that_telemetry_has_for_it() -> None:
    world, _ = make_world()
    outside = next(service for service in world.topology.services if service.kind == "External")
    owners = owners_of(world)
    for name in (outside.name, outside.address):
        named = Subject(kind="Service", name=name, api_version="opentelemetry.io")
        assert is_it(named, TrueSubject(kind="Service", name=outside.name), owners)
        assert not is_it(named, TrueSubject(kind="Service", name="cart"), owners)
    for name in ("cart", "other.example"):
        named = Subject(kind="Service", name=name, api_version="opentelemetry.io")
        assert not is_it(named, TrueSubject(kind="Service", name=outside.name), owners)


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (FAULTY, {"top1": 1, "top3": 1, "reason": 1, "unseen": 0, "abstained": 0, "verdict": 1}),
        (replace(FAULTY, answers=(WRONG, RIGHT)), {"top1": 0, "top3": 1, "reason": 0}),
        (replace(FAULTY, answers=(WRONG, WRONG, WRONG, RIGHT)), {"top1": 0, "top3": 0}),
        (replace(FAULTY, true_reason="Other"), {"top1": 1, "reason": 0}),
        (replace(FAULTY, verdict="healthy", answers=()), {"top1": 0, "unseen": 1, "verdict": 0}),
        (replace(FAULTY, verdict="undetermined"), {"top1": 1, "unseen": 0, "abstained": 1}),
        (WELL, {"faulty": 0, "well": 1, "false_blame": 0, "verdict": 1, "brier": None}),
        (replace(WELL, verdict="undetermined", answers=(WRONG,)), {"false_blame": 1, "abstained": 1, "verdict": 0}),
    ],
)
def test_an_outcome_counts_as(outcome: Outcome, expected: dict[str, int]) -> None:
    figures = count([outcome])
    assert {name: getattr(figures, name) for name in expected} == expected


@pytest.mark.parametrize(
    ("answers", "precision"),
    [
        ((RIGHT, SECOND), 1.0),
        ((RIGHT, SECOND, WRONG), 1.0),
        ((SECOND, RIGHT), 1.0),
        ((RIGHT, WRONG, SECOND), (1 + 2 / 3) / 2),
        ((WRONG, RIGHT, SECOND), (1 / 2 + 2 / 3) / 2),
        ((RIGHT, RIGHT, SECOND), (1 + 2 / 3) / 2),
        ((RIGHT, WRONG), 0.5),
        ((WRONG,), 0.0),
        ((), 0.0),
    ],
)
def test_each_of_several_causes_has_to_be_named_and_nobody_before_it(
    answers: tuple[Answer, ...], precision: float
) -> None:
    outcome = replace(FAULTY, answers=answers, further_reasons=("VolumeFull",))
    assert outcome.average_precision == pytest.approx(precision)
    assert count([outcome]).precision == pytest.approx(precision)


def test_the_reason_is_that_of_the_cause_named_first() -> None:
    assert replace(FAULTY, answers=(SECOND, RIGHT), further_reasons=("VolumeFull",)).reason_right
    assert not replace(FAULTY, answers=(SECOND, RIGHT), further_reasons=("OOMKilled",)).reason_right


def test_brier_and_reliability_are_over_every_hypothesis() -> None:
    outcomes = [replace(FAULTY, answers=(RIGHT, WRONG)), replace(WELL, answers=(WRONG,))]
    assert count(outcomes).brier == pytest.approx((0.1**2 + 0.6**2 + 0.6**2) / 3)
    rows = [(one.low, one.count, round(one.confidence, 6), one.right) for one in reliability(outcomes)]
    assert rows == [(0.6, 2, 0.6, 0.0), (0.8, 1, 0.9, 1.0)]


def test_both_halves_are_counted_and_an_unlisted_scenario_is_not_shown() -> None:
    hidden = replace(FAULTY, scenario="secret", half="test")
    assert [name for name, _ in by_half([FAULTY, hidden])] == ["dev half", "test half", "all"]
    page = markdown(tables([FAULTY, hidden], listed=[FAULTY]))
    assert "| one |" in page
    assert "secret" not in page


def test_each_half_holds_a_good_part_of_what_is_shipped() -> None:
    halves = [half_of(one.name) for one in shipped_scenarios()]
    assert 0.3 < halves.count("test") / len(halves) < 0.7
    dev, test = find_scenarios((), None, "dev"), find_scenarios((), None, "test")
    assert sorted(one.name for one in (*dev, *test)) == [one.name for one in shipped_scenarios()]


def test_an_empty_suite_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no scenario"):
        find_scenarios((), tmp_path, None)
