"""What counts as right, wrong, alone and met, over courses set by hand; and one play that is all well."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from autodevops.domain.action import RollbackWorkload
from autodevops.domain.field_edit import FieldEdit
from autodevops.domain.operation import Operation, Proposal
from autodevops.domain.plan import BlastRadius, DryRun, Plan, PreState
from autodevops.evaluation.response.course import Course, Deed, Opened
from autodevops.evaluation.response.figures import bars, count, judged_on
from autodevops.evaluation.response.judging import is_that
from autodevops.evaluation.response.page import page_of
from autodevops.sandbox.world.scenario import Remediation

CAUSE = Opened(
    at=90.0,
    reason="BadRollout",
    kind="Deployment",
    name="payment",
    confidence=0.9,
    right=True,
    among3=True,
    phase="closed",
    closed=400.0,
    signals=3,
)
ROLLBACK = Deed(
    at=120.0,
    action="rollback_workload",
    kind="Deployment",
    name="payment",
    asked=False,
    result="verified",
    effect="resolves",
)
WELL = Course(
    scenario="s",
    group="releases",
    half="dev",
    true_reason="BadRollout",
    true_kind="Deployment",
    true_name="payment",
    causes=1,
    remediable=True,
    safe=True,
    opened=(CAUSE,),
    deeds=(ROLLBACK,),
    end="resolved",
    ended=600.0,
    worse=(),
    own_seconds=1.0,
    seconds=2.0,
    tool_calls=10,
)
QUIET = replace(
    WELL, true_kind="", true_name="", causes=0, remediable=False, safe=False, opened=(), deeds=(), end="quiet"
)
BLAMED = replace(CAUSE, name="cart", right=False, among3=False)


@pytest.mark.parametrize(
    ("course", "told"),
    [
        (WELL, {"detected": 1, "top1": 1, "right": 1, "alone": 1, "with_people": 1, "resolve_median": 400.0}),
        (replace(WELL, deeds=(replace(ROLLBACK, asked=True),)), {"alone": 0, "with_people": 1, "right": 1}),
        (replace(WELL, deeds=(replace(ROLLBACK, effect="nothing"),)), {"alone": 0, "wrong_alone": 1, "right": 0}),
        (
            replace(WELL, deeds=(replace(ROLLBACK, effect="worsens", asked=True),)),
            {"wrong_alone": 0, "wrong_approved": 1, "with_people": 0},
        ),
        (
            replace(WELL, deeds=(replace(ROLLBACK, effect="nothing"), ROLLBACK)),
            {"alone": 1, "right": 1, "wrong_alone": 1},
        ),
        (
            replace(WELL, deeds=(replace(ROLLBACK, effect="not applied", asked=True),)),
            {"alone": 0, "right": 0, "wrong_approved": 0},
        ),
        (
            replace(WELL, safe=False, deeds=(replace(ROLLBACK, asked=True),)),
            {"remediable": 1, "safe": 0, "with_people": 1},
        ),
        (replace(WELL, end="closed early"), {"alone": 0, "with_people": 0, "closed_early": 1}),
        (replace(WELL, opened=(), deeds=(), end="missed"), {"detected": 0, "detect_median": None, "top1": 0}),
        (replace(WELL, opened=(BLAMED, CAUSE)), {"top1": 0, "top3": 0, "blamed": 1}),
        (replace(WELL, opened=(replace(BLAMED, among3=True),)), {"top1": 0, "top3": 1}),
        (QUIET, {"faulty": 0, "well": 1, "false_blame": 0, "acted_on_well": 0}),
        (
            replace(QUIET, opened=(BLAMED,), deeds=(replace(ROLLBACK, effect="nothing"),), end="false alarm"),
            {"false_blame": 1, "acted_on_well": 1, "wrong_alone": 1},
        ),
        (replace(WELL, worse=("cart",)), {"made_worse": 1}),
    ],
)
def test_what_a_course_counts_as(course: Course, told: dict[str, Any]) -> None:
    figures = count([course])
    assert {name: getattr(figures, name) for name in told} == told


def test_bars_are_judged_on_what_nobody_tuned_on_and_what_cannot_be_counted_is_not_met_either() -> None:
    unseen = replace(WELL, half="test", opened=(), deeds=(), end="missed")
    where, judged = judged_on([WELL, unseen])
    assert (where, judged) == ("the test half", [unseen])
    found = {one.name: one.met for one in bars(judged)}
    assert found["detected"] is False
    assert found["actions where nothing is wrong"] is None
    assert judged_on([WELL]) == ("all", [WELL])
    assert all(one.met for one in bars([WELL, QUIET]))


def test_the_page_shows_bars_and_courses_and_escapes_what_it_is_told() -> None:
    page = page_of([WELL, QUIET], listed=[replace(WELL, scenario="<b>")], words="2 scenarios & more")
    assert "&lt;b&gt;" in page
    assert "2 scenarios &amp; more" in page
    assert "<b>" not in page
    assert page.count("<svg") == 4
    assert "<script" not in page
    assert 'href="http' not in page
    assert 'src="' not in page


@pytest.mark.parametrize(("image", "right"), [("", True), ("shop/cart:1.18", True), ("shop/cart:1.19", False)])
def test_a_rollback_is_judged_by_the_image_that_a_truth_names(image: str, right: bool) -> None:
    at = datetime(2026, 3, 9, tzinfo=UTC)
    back = RollbackWorkload(workload="Deployment", namespace="shop", name="cart", to_revision=3)
    edit = FieldEdit(path="spec.template.spec.containers[cart].image", before="shop/cart:1.20", after="shop/cart:1.18")
    plan = Plan.make(
        back,
        risk="low",
        undo="",
        pre=PreState(taken_at=at, bound={}),
        blast=BlastRadius(),
        dry_run=DryRun(summary="", edits=(edit,)),
        made_at=at,
    )
    proposal = Proposal(action=back, asked_by="scarlet", by_person=False, confidence=0.9)
    done = Operation(id="1", proposal=proposal, proposed_at=at, changed_at=at, plan=plan)
    subject = {"kind": "Deployment", "namespace": "shop", "name": "cart"}
    meant = Remediation.model_validate({"action": "rollback", "subject": subject, "image": image})
    assert is_that(done, meant, {}) is right
