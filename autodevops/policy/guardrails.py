"""Guardrails: each a pure function over facts that says no, or nothing. People are held by them as machines are.

A guardrail cannot be approved away. Whoever must act against one changes the settings, which is an event of its own,
or acts by other means.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta
from fnmatch import fnmatchcase

from autodevops.domain.decision import Refusal
from autodevops.domain.operation import Admission
from autodevops.domain.plan import BlastRadius, WorkloadState
from autodevops.policy.limits import Facts, Limits

Guardrail = Callable[[Facts, Limits], Refusal | None]
HOUR = timedelta(hours=1)


def kill_switch(facts: Facts, limits: Limits) -> Refusal | None:
    if not facts.stopped:
        return None
    return Refusal(
        guardrail="kill_switch",
        words=f"Everything is stopped: {facts.stopped}.",
        next_step="`autodevops scarlet resume`.",
    )


def namespace_allowed(facts: Facts, limits: Limits) -> Refusal | None:
    if facts.plan.blast.unknown and not _namespaces(facts) and "*" not in limits.namespaces:
        allowed = ", ".join(limits.namespaces) or "none"
        return Refusal(
            guardrail="namespace_allowed",
            words=f"Where it acts is not said beforehand, and only these are allowed: {allowed}.",
            next_step="Give it a parameter `namespace`, or do what it does by typed actions.",
        )
    for namespace in _namespaces(facts):
        if not _matches(namespace, limits.namespaces):
            return Refusal(
                guardrail="namespace_allowed",
                words=f"Namespace {namespace} is not among those allowed: {', '.join(limits.namespaces) or 'none'}.",
                next_step="Add it to executor.namespaces.",
            )
    return None


def namespace_protected(facts: Facts, limits: Limits) -> Refusal | None:
    for namespace in _namespaces(facts):
        if _matches(namespace, limits.protected_namespaces):
            return Refusal(
                guardrail="namespace_protected",
                words=f"Namespace {namespace} is protected.",
                next_step="Do it by hand, or take it off executor.protected_namespaces.",
            )
    return None


def kind_allowed(facts: Facts, limits: Limits) -> Refusal | None:
    kind = facts.plan.action.kind
    if _matches(kind, limits.kinds):
        return None
    return Refusal(
        guardrail="kind_allowed",
        words=f"{kind} is not among the actions allowed here: {', '.join(limits.kinds) or 'none'}.",
        next_step="Add it to executor.kinds.",
    )


def actions_per_hour(facts: Facts, limits: Limits) -> Refusal | None:
    recent = _within(facts, HOUR)
    if len(recent) < limits.actions_per_hour:
        return None
    return Refusal(
        guardrail="actions_per_hour",
        words=f"{_count(len(recent), 'action')} in the last hour; {limits.actions_per_hour} are allowed.",
        next_step="Wait, and see why so many were needed.",
    )


def pods_away(facts: Facts, limits: Limits) -> Refusal | None:
    blast = facts.plan.blast
    if facts.takes_nobody:
        return None
    for state in facts.touched:
        if state.leaving is not None and state.leaving * 100 > limits.pods_away_percent * state.replicas:
            return Refusal(
                guardrail="pods_away",
                words=f"{state.leaving} of {state.replicas} pods of {state.subject} would be evicted; "
                f"{limits.pods_away_percent} % may be missing at once.",
                next_step="Add replicas on other nodes first, or raise executor.pods_away_percent.",
            )
    evicted = any(state.leaving is not None for state in facts.touched)
    if evicted or not blast.of_pods or blast.away_at_once * 100 <= limits.pods_away_percent * blast.of_pods:
        return None
    return Refusal(
        guardrail="pods_away",
        words=f"{blast.away_at_once} of {blast.of_pods} pods may be missing at once; "
        f"{limits.pods_away_percent} % are allowed.",
        next_step="Let its rollout take fewer at a time (maxUnavailable), or raise executor.pods_away_percent.",
    )


def workloads_per_namespace(facts: Facts, limits: Limits) -> Refusal | None:
    recent = _within(facts, HOUR)
    for namespace in facts.plan.blast.namespaces:
        touched = {one for admission in recent for one in admission.workloads if one.namespace == namespace}
        touched |= {one for one in facts.plan.blast.workloads if one.namespace == namespace}
        if len(touched) > limits.workloads_per_namespace:
            return Refusal(
                guardrail="workloads_per_namespace",
                words=f"It would be {len(touched)} workloads of namespace {namespace} within an hour; "
                f"{limits.workloads_per_namespace} are allowed.",
                next_step="Wait, and look for the cause that they share.",
            )
    return None


def nodes_at_a_time(facts: Facts, limits: Limits) -> Refusal | None:
    if not facts.plan.blast.nodes:
        return None
    busy = {node for admission in _others(facts) if admission.in_flight for node in admission.nodes}
    nodes = busy | set(facts.plan.blast.nodes)
    if len(nodes) <= limits.nodes_at_a_time:
        return None
    return Refusal(
        guardrail="nodes_at_a_time",
        words=f"It would be {_count(len(nodes), 'node')} at a time ({', '.join(sorted(nodes))}); "
        f"{limits.nodes_at_a_time} are allowed.",
        next_step="One after the other.",
    )


def cooldown(facts: Facts, limits: Limits) -> Refusal | None:
    for admission in _within(facts, timedelta(minutes=limits.cooldown_minutes)):
        if admission.subject == facts.plan.subject and not admission.in_flight:
            return Refusal(
                guardrail="cooldown",
                words=f"{admission.action} on {admission.subject} was at {admission.at:%H:%M} UTC; "
                f"{limits.cooldown_minutes:g} minutes are to pass.",
                next_step="See what that did first.",
            )
    return None


def freeze(facts: Facts, limits: Limits) -> Refusal | None:
    for hours in limits.freeze:
        if facts.now in hours:
            return Refusal(
                guardrail="freeze", words=f"Changes are frozen: {hours.text}.", next_step="See executor.freeze."
            )
    return None


def disruption_budget(facts: Facts, limits: Limits) -> Refusal | None:
    """A rollout that has as many pods missing as it may takes no further one that is ready: not what it goes back from,
    where those are the pods that are missing."""
    blast = facts.plan.blast
    away = max(blast.away_at_once, 1) if blast.evicts else sum(one.ready - _left(one, blast) for one in facts.touched)
    for budget in facts.plan.pre.budgets:
        need = away if budget.leaving is None else budget.leaving
        if budget.allowed < need:
            return Refusal(
                guardrail="disruption_budget",
                words=f"PodDisruptionBudget {budget.namespace}/{budget.name} lets {_count(budget.allowed, 'pod')} go "
                f"now, and {need} would.",
                next_step="Bring its pods back to health, or add replicas.",
            )
    return None


def quorum(facts: Facts, limits: Limits) -> Refusal | None:
    for state in facts.touched:
        majority = state.replicas // 2 + 1
        if state.subject.kind == "StatefulSet" and state.replicas >= 3 and _left(state, facts.plan.blast) < majority:
            return Refusal(
                guardrail="quorum",
                words=f"{_left(state, facts.plan.blast)} of {state.replicas} members of {state.subject} would be left "
                f"ready, fewer than the {majority} of a majority.",
                next_step="Bring the missing members back first.",
            )
    return None


def last_healthy_replica(facts: Facts, limits: Limits) -> Refusal | None:
    for state in facts.touched:
        away = facts.plan.blast.away_at_once if state.leaving is None else state.leaving
        if state.ready and away and _left(state, facts.plan.blast) < 1:
            return Refusal(
                guardrail="last_healthy_replica",
                words=f"{state.subject} has {_count(state.ready, 'ready pod')}, and none would be left meanwhile.",
                next_step="Add a replica first.",
            )
    return None


def foreign_rollout(facts: Facts, limits: Limits) -> Refusal | None:
    if facts.ends_rollouts:
        return None  # weighed as risk instead
    for state in facts.touched:
        if state.rolling:
            return Refusal(
                guardrail="foreign_rollout",
                words=f"A rollout of {state.subject} is under way that is not ours.",
                next_step="Wait until it has ended, or roll it back.",
            )
    return None


def one_in_flight(facts: Facts, limits: Limits) -> Refusal | None:
    for admission in _others(facts):
        if not admission.in_flight:
            continue
        same_incident = bool(admission.incident) and admission.incident == facts.proposal.incident
        if same_incident or admission.subject == facts.plan.subject:
            what = f"incident {admission.incident}" if same_incident else str(admission.subject)
            return Refusal(
                guardrail="one_in_flight",
                words=f"{admission.action} on {admission.subject} is still going on for {what} "
                f"(operation {admission.operation}).",
                next_step="Wait for its outcome.",
            )
    return None


ALL: tuple[Guardrail, ...] = (
    kill_switch,
    namespace_allowed,
    namespace_protected,
    kind_allowed,
    freeze,
    one_in_flight,
    cooldown,
    actions_per_hour,
    workloads_per_namespace,
    nodes_at_a_time,
    foreign_rollout,
    pods_away,
    disruption_budget,
    quorum,
    last_healthy_replica,
)


def refusals(facts: Facts, limits: Limits) -> tuple[Refusal, ...]:
    """Every guardrail that says no, not only the first: a person mends all at once."""
    return tuple(no for guardrail in ALL if (no := guardrail(facts, limits)) is not None)


def _left(state: WorkloadState, blast: BlastRadius) -> int:
    """Pods that stay ready meanwhile. A rollout takes no ready pod below its own bound; an eviction takes any."""
    if state.leaving is not None:
        return max(0, state.ready - state.leaving)
    if blast.evicts:
        return max(0, state.ready - blast.away_at_once)
    return min(state.ready, max(0, state.replicas - blast.away_at_once))


def _others(facts: Facts) -> list[Admission]:
    return [one for one in facts.admissions if one.operation != facts.operation]


def _within(facts: Facts, span: timedelta) -> list[Admission]:
    return [one for one in _others(facts) if facts.now - one.at < span]


def _namespaces(facts: Facts) -> list[str]:
    """A subject of the whole cluster, such as a node, is in no namespace, but the pods on it are."""
    own = facts.plan.subject.namespace
    return sorted({*facts.plan.blast.namespaces, *([own] if own else [])})


def _matches(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
