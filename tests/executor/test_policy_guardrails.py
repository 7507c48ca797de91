"""Each guardrail, and somebody who tries to get past it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autodevops.domain.action import RestartWorkload
from autodevops.domain.decision import BANDS
from autodevops.domain.hours import Hours
from autodevops.domain.operation import Admission, Proposal
from autodevops.domain.plan import BlastRadius, BudgetState, DryRun, Plan, PreState, WorkloadState
from autodevops.domain.risk import RISKS
from autodevops.domain.subject import Subject
from autodevops.executor.planning import limits_of
from autodevops.policy.decide import decide
from autodevops.policy.experience import PRIOR_WEIGHT, Experience, confidence, fold, level
from autodevops.policy.guardrails import refusals
from autodevops.policy.limits import Facts, Limits
from autodevops.policy.risk import assess
from autodevops.settings import ExecutorSettings

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)  # a Tuesday
CART = Subject(kind="Deployment", name="cart", namespace="shop", api_version="apps/v1")


def limits(**changes: Any) -> Limits:
    return limits_of(ExecutorSettings.model_validate(changes))


def facts(
    *,
    namespace: str = "shop",
    workload: dict[str, Any] | None = None,
    blast: dict[str, Any] | None = None,
    budgets: tuple[BudgetState, ...] = (),
    admissions: tuple[Admission, ...] = (),
    kind: str = "Deployment",
    incident: str = "",
    by_person: bool = False,
    **more: Any,
) -> Facts:
    action = RestartWorkload(workload=kind, namespace=namespace, name="cart")
    fields = {"uid": "u", "generation": 1, "replicas": 3, "ready": 3, "rolling": False, "template": "t"}
    state = WorkloadState.model_validate({"subject": action.subject, **fields, **(workload or {})})
    radius = {"namespaces": (namespace,), "workloads": (action.subject,), "pods": 3, "of_pods": 3, "away_at_once": 1}
    plan = Plan.make(
        action,
        risk="low",
        undo="",
        pre=PreState(taken_at=NOW, bound={}, workloads=(state,), budgets=budgets),
        blast=BlastRadius.model_validate({**radius, **(blast or {})}),
        dry_run=DryRun(summary=""),
        made_at=NOW,
    )
    proposal = Proposal(
        action=action, asked_by="x", by_person=by_person, confidence=None if by_person else 0.95, incident=incident
    )
    known: dict[str, Any] = {"now": NOW, "operation": "this", "ends_rollouts": False, "ends_another": False}
    return Facts(**{**known, "proposal": proposal, "plan": plan, "admissions": admissions, **more})


def admitted(minutes_ago: float = 5, name: str = "email", **more: Any) -> Admission:
    subject = Subject(kind="Deployment", name=name, namespace="shop", api_version="apps/v1")
    fields = {"operation": f"that-{name}", "action": "restart_workload", "subject": subject, "workloads": (subject,)}
    at = NOW - timedelta(minutes=minutes_ago)
    return Admission.model_validate({**fields, "at": at, "in_flight": False, "namespaces": ("shop",), **more})


SET: dict[str, Any] = {"of_pods": 3, "pods": 1, "evicts": True}
DRAIN: dict[str, Any] = {**SET, "of_pods": 40, "pods": 2, "away_at_once": 2, "nodes": ("node-1",)}

TRIED: dict[str, tuple[Facts, dict[str, Any], str]] = {
    "an ordinary restart": (facts(), {}, ""),
    "while stopped": (facts(stopped="by bob"), {}, "kill_switch"),
    "a namespace that is not named": (facts(), {"namespaces": ["web-*"]}, "namespace_allowed"),
    "a namespace by a pattern": (facts(namespace="web-1"), {"namespaces": ["web-*"]}, ""),
    "a protected namespace": (facts(namespace="kube-system"), {}, "namespace_protected"),
    "a protected namespace that is also allowed": (
        facts(namespace="kube-system"),
        {"namespaces": ["kube-system"]},
        "namespace_protected",
    ),
    "a protected namespace through what it touches": (
        facts(blast={"namespaces": ("shop", "kube-system")}),
        {},
        "namespace_protected",
    ),
    "a kind that is not allowed": (facts(), {"kinds": ["scale_*"]}, "kind_allowed"),
    "no kind at all": (facts(), {"kinds": []}, "kind_allowed"),
    "one more than the hour's budget": (
        facts(admissions=tuple(admitted(name=f"a{n}", workloads=()) for n in range(10))),
        {},
        "actions_per_hour",
    ),
    "the budget an hour later": (
        facts(admissions=tuple(admitted(61, name=f"a{n}", workloads=()) for n in range(10))),
        {},
        "",
    ),
    "too many pods at once": (facts(blast={"away_at_once": 2}), {}, "pods_away"),
    "a rollout of the one pod, which is not ready": (
        facts(workload={"replicas": 1, "ready": 0}, blast={"pods": 1, "of_pods": 1, "away_at_once": 1}),
        {},
        "",
    ),
    "a rollout of four pods, of which one is ready": (
        facts(workload={"replicas": 4, "ready": 1}, blast={"pods": 4, "of_pods": 4, "away_at_once": 3}),
        {},
        "pods_away",
    ),
    "a fourth workload of the namespace": (
        facts(admissions=tuple(admitted(20, name=f"a{n}") for n in range(3))),
        {},
        "workloads_per_namespace",
    ),
    "the same workload again is no further one": (
        facts(admissions=(*(admitted(20, name=f"a{n}") for n in range(2)), admitted(20, name="cart"))),
        {},
        "",
    ),
    "a second node": (
        facts(blast={"nodes": ("node-2",)}, admissions=(admitted(nodes=("node-1",), in_flight=True),)),
        {},
        "nodes_at_a_time",
    ),
    "the same subject too soon": (facts(admissions=(admitted(9, name="cart"),)), {}, "cooldown"),
    "the same subject when it has cooled down": (facts(admissions=(admitted(11, name="cart"),)), {}, ""),
    "in a freeze": (facts(), {"freeze": "Tue 11:00-13:00"}, "freeze"),
    "in a freeze of days": (facts(), {"freeze": "2026-11-20T00:00Z/2026-11-30T00:00Z"}, "freeze"),
    "after the freeze": (facts(), {"freeze": "Tue 10:00-12:00"}, ""),
    "past a disruption budget": (
        facts(budgets=(BudgetState(namespace="shop", name="cart", allowed=0),)),
        {},
        "disruption_budget",
    ),
    "a rollout that took what its budget has already": (
        facts(
            workload={"replicas": 5, "ready": 4, "rolling": True},
            blast={"pods": 5, "of_pods": 5, "away_at_once": 1},
            budgets=(BudgetState(namespace="shop", name="cart", allowed=0),),
            ends_rollouts=True,
        ),
        {},
        "",
    ),
    "a rollout that would take one more than its budget has": (
        facts(
            workload={"replicas": 5, "ready": 5},
            blast={"pods": 5, "of_pods": 5, "away_at_once": 1},
            budgets=(BudgetState(namespace="shop", name="cart", allowed=0),),
        ),
        {},
        "disruption_budget",
    ),
    "an eviction that no budget allows": (
        facts(budgets=(BudgetState(namespace="shop", name="cart", allowed=0),), blast={**SET, "away_at_once": 0}),
        {},
        "disruption_budget",
    ),
    "a drain that leaves enough of each": (
        facts(
            workload={"leaving": 1},
            blast=DRAIN,
            budgets=(BudgetState(namespace="shop", name="cart", allowed=1, leaving=1),),
        ),
        {},
        "",
    ),
    "a drain that takes most of one among many": (facts(workload={"leaving": 2}, blast=DRAIN), {}, "pods_away"),
    "a drain that takes the last ready pod of one": (
        facts(workload={"ready": 1, "leaving": 1}, blast=DRAIN),
        {},
        "last_healthy_replica",
    ),
    "a drain of a pod that was not ready": (facts(workload={"ready": 1, "leaving": 0}, blast=DRAIN), {}, ""),
    "a drain of more than one of its budgets allows": (
        facts(
            workload={"leaving": 1},
            blast=DRAIN,
            budgets=(
                BudgetState(namespace="shop", name="cart", allowed=1, leaving=1),
                BudgetState(namespace="shop", name="all", allowed=1, leaving=2),
            ),
        ),
        {},
        "disruption_budget",
    ),
    "a member without which there is no quorum": (
        facts(kind="StatefulSet", workload={"ready": 2}, blast={**SET, "away_at_once": 1}),
        {},
        "quorum",
    ),
    "a member of a healthy quorum": (facts(kind="StatefulSet", blast={**SET, "away_at_once": 1}), {}, ""),
    "the last healthy replica": (
        facts(workload={"ready": 1}, blast={**SET, "away_at_once": 1}),
        {"pods_away_percent": 100},
        "last_healthy_replica",
    ),
    "a rollout that takes no ready pod below its bound": (facts(workload={"ready": 1}), {}, ""),
    "during somebody's rollout": (facts(workload={"rolling": True}), {}, "foreign_rollout"),
    "an end to a rollout": (facts(workload={"rolling": True}, ends_rollouts=True), {}, ""),
    "a second action of one incident": (
        facts(incident="i-1", admissions=(admitted(incident="i-1", in_flight=True),)),
        {},
        "one_in_flight",
    ),
    "another incident's": (facts(incident="i-2", admissions=(admitted(incident="i-1", in_flight=True),)), {}, ""),
    "a second action on one subject": (facts(admissions=(admitted(name="cart", in_flight=True),)), {}, "one_in_flight"),
    "what is not known makes no refusal": (facts(doubts=("Whether it ran well is not known.",)), {}, ""),
    "a person is held as well": (facts(namespace="kube-system", by_person=True), {}, "namespace_protected"),
}


@pytest.mark.parametrize("name", TRIED)
def test_a_guardrail_holds(name: str) -> None:
    given, changes, guardrail = TRIED[name]
    assert [no.guardrail for no in refusals(given, limits(**changes))] == ([guardrail] if guardrail else [])
    assert all(no.words and no.next_step for no in refusals(given, limits(**changes)))


@given(
    st.sampled_from(sorted(TRIED)), st.floats(0, 1), st.integers(0, 1000), st.sampled_from(["observe", "ask", "act"])
)
def test_nothing_that_is_learned_or_permitted_opens_a_guardrail(
    name: str, sure: float, successes: int, permitted: Any
) -> None:
    given_facts, changes, guardrail = TRIED[name]
    allowed = limits(**changes)
    record = Experience(verified=successes, since_failure=successes)
    decision = decide(given_facts, allowed, record, permitted, refusals(given_facts, allowed))
    if guardrail:
        assert decision.verdict == "refuse"
    elif decision.verdict == "act":
        assert permitted == "act"
        assert decision.cell == "act"
        assert not given_facts.doubts


@pytest.mark.parametrize(("another", "risk"), [(False, "low"), (True, "medium")])
def test_to_end_a_rollout_raises_risk_unless_it_is_the_one_that_is_taken_back(another: bool, risk: str) -> None:
    given_facts = facts(workload={"rolling": True}, ends_rollouts=True, ends_another=another)
    assert assess(given_facts, limits())[0] == risk


@pytest.mark.parametrize(("ready", "risk"), [(0, "low"), (1, "medium")])
def test_that_most_pods_may_be_missing_raises_risk_where_one_is_ready(ready: int, risk: str) -> None:
    given_facts = facts(workload={"replicas": 2, "ready": ready}, blast={"pods": 2, "of_pods": 2, "away_at_once": 1})
    assert assess(given_facts, limits())[0] == risk


@given(st.sampled_from(BANDS), st.sampled_from(RISKS))
def test_the_matrix_never_lets_high_risk_or_low_confidence_act(band: Any, risk: Any) -> None:
    cell = limits().matrix[band][risk]
    assert (cell == "act") == (band == "high" and risk == "low")
    assert (cell == "escalate") == (band == "low" or risk == "high")


@given(st.floats(0, 1), st.lists(st.sampled_from(["verified", "undone", "unverified", "undo_failed", "not_applied"])))
def test_experience_moves_confidence_towards_what_came_of_it(engine: float, results: Any) -> None:
    record = fold(results)
    sure = confidence(engine, record)
    share = record.verified / max(1, record.verified + record.failed)
    low, high = sorted((engine, share)) if record.verified + record.failed else (engine, engine)
    assert low - 0.001 <= sure <= high + 0.001
    assert level("graduated", record, 3) in ("observe", "ask", "act")
    assert PRIOR_WEIGHT > 0


HOURS: dict[str, tuple[str, str, bool]] = {
    "in the week": ("Mon-Fri 09:00-18:00", "2026-11-24T12:00", True),
    "at its end": ("Mon-Fri 09:00-18:00", "2026-11-24T18:00", False),
    "on Sunday": ("Mon-Fri 09:00-18:00", "2026-11-29T12:00", False),
    "over the weekend's turn": ("Sat-Mon 00:00-23:59", "2026-11-30T12:00", True),
    "every night": ("22:00-06:00", "2026-11-24T05:59", True),
    "Friday night, on Saturday": ("Fri 22:00-06:00", "2026-11-28T05:00", True),
    "Friday night, on Friday morning": ("Fri 22:00-06:00", "2026-11-27T05:00", False),
}


@pytest.mark.parametrize("name", HOURS)
def test_hours_mean_what_they_say(name: str) -> None:
    text, moment, inside = HOURS[name]
    assert (datetime.fromisoformat(moment).replace(tzinfo=UTC) in Hours.parse(text)) is inside


@pytest.mark.parametrize("text", ["", "noon", "Foo 09:00-10:00", "09:00", "2027-01-01T00:00Z/2026-01-01T00:00Z", "a/b"])
def test_what_are_no_hours_is_said(text: str) -> None:
    with pytest.raises(ValueError, match="are no hours; write Mon-Fri"):
        Hours.parse(text)
