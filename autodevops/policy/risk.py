"""How risky a plan is: what its kind declares, raised by whom it touches and by the time of day. Never lowered."""

from __future__ import annotations

from autodevops.domain.decision import Factor
from autodevops.domain.risk import RISKS, Risk
from autodevops.policy.limits import Facts, Limits

MANY_PODS = 20  # an order of magnitude at which nobody watches each of them any more


def assess(facts: Facts, limits: Limits) -> tuple[Risk, tuple[Factor, ...]]:
    plan, blast = facts.plan, facts.plan.blast
    factors = [
        Factor(
            name="declared", words=f"{plan.action.kind} is of {plan.risk} risk by itself.", effect=f"risk {plan.risk}"
        )
    ]
    raises: list[tuple[str, str]] = []
    if not plan.undo and plan.risk != "low":
        raises.append(("reversible", "It cannot be taken back."))
    if len(blast.workloads) > 1:
        raises.append(("blast radius", f"It touches {len(blast.workloads)} workloads."))
    elif blast.pods > MANY_PODS:
        raises.append(("blast radius", f"It touches {blast.pods} pods."))
    elif blast.away_at_once * 3 > blast.of_pods > 0 and not facts.takes_nobody:
        raises.append(("blast radius", f"{blast.away_at_once} of {blast.of_pods} pods may be missing at once."))
    if blast.unknown and not (blast.namespaces or blast.nodes):
        raises.append(("blast radius", "Where it acts is not said beforehand."))
    if facts.ends_another and any(state.rolling for state in plan.pre.workloads):
        raises.append(("rollout", "Another rollout is under way, and this would end it."))
    if hours := next((one for one in limits.busy_hours if facts.now in one), None):
        raises.append(("time of day", f"It is a busy time ({hours.text})."))
    factors += [Factor(name=name, words=words, effect="raises risk") for name, words in raises]
    if not raises:
        touched = (
            f"It touches {blast.pods} of {blast.of_pods} pods." if blast.of_pods else "It touches nothing that runs."
        )
        words = "Which workloads it touches is not known beforehand." if blast.unknown else touched
        factors.append(Factor(name="blast radius", words=words, effect="leaves risk as it is"))
    return RISKS[min(len(RISKS) - 1, RISKS.index(plan.risk) + len(raises))], tuple(factors)
