"""From risk, confidence, permissions and refusals to one decision that says in words how it came about."""

from __future__ import annotations

from autodevops.domain.decision import Band, Decision, Factor, Refusal, Verdict
from autodevops.policy import experience
from autodevops.policy.experience import Experience, Level
from autodevops.policy.limits import Facts, Limits
from autodevops.policy.risk import assess


def decide(
    facts: Facts,
    limits: Limits,
    record: Experience,
    level: Level,
    refusals: tuple[Refusal, ...],
    drift: str = "",
) -> Decision:
    """`record` is that of the signature, `level` what a machine may do with this kind of action, lowered by `drift`."""
    risk, factors = assess(facts, limits)
    sure, band, of_confidence = _confidence(facts, limits, record)
    cell = limits.matrix[band][risk]
    doubts = tuple(Factor(name="doubt", words=words, effect="makes machines ask") for words in facts.doubts)
    factors = (*factors, *of_confidence, *doubts)
    verdict: Verdict
    if facts.proposal.by_person:
        verdict = "seek_approval"
        words = f"{facts.proposal.asked_by} asked for it: somebody with the role says yes to the exact plan."
        factors = (*factors, Factor(name="asked", words=words, effect="seeks approval"))
    else:
        words = f"The matrix says {cell.replace('_', ' ')} at {band} confidence and {risk} risk."
        factors = (*factors, Factor(name="matrix", words=words, effect="decides"))
        if drift:
            factors = (*factors, Factor(name="drift", words=drift, effect=f"lowers autonomy to {level}"))
        verdict, lowered = _permitted(cell, level)
        if facts.doubts and verdict == "act":
            verdict = "seek_approval"
        if lowered:
            factors = (*factors, Factor(name="permission", words=lowered, effect="makes it stricter"))
    if refusals:
        verdict = "refuse"
        factors = (*factors, *(Factor(name=no.guardrail, words=no.words, effect="forbids") for no in refusals))
    return Decision(
        verdict=verdict,
        confidence=sure,
        band=band,
        risk=risk,
        cell=cell,
        factors=factors,
        refusals=refusals,
        approvals=(limits.approvals_for_high_risk if risk == "high" else 1) if verdict == "seek_approval" else 0,
        decided_at=facts.now,
    )


def _confidence(facts: Facts, limits: Limits, record: Experience) -> tuple[float | None, Band, tuple[Factor, ...]]:
    engine = facts.proposal.confidence
    if engine is None:
        words = "A person asked" if facts.proposal.by_person else "Nobody says how sure it is"
        band: Band = "high" if facts.proposal.by_person else "low"
        return None, band, (Factor(name="confidence", words=f"{words}.", effect=f"confidence {band}"),)
    sure = experience.confidence(engine, record)
    band = (
        "high" if sure >= limits.high_confidence_from else "medium" if sure >= limits.medium_confidence_from else "low"
    )
    tried = record.verified + record.failed
    past = f"of {tried} such actions {record.verified} helped" if tried else "nothing like it was done before"
    words = f"The engine is {engine:.0%} sure of {facts.proposal.reason or 'its cause'}; {past}: {sure:.0%}."
    return sure, band, (Factor(name="confidence", words=words, effect=f"confidence {band}"),)


def _permitted(cell: Verdict, level: Level) -> tuple[Verdict, str]:
    if cell == "escalate" or level == "act":
        return cell, ""
    if level == "observe":
        return "observe", "Machines only observe with this kind of action so far; it is written down and not done."
    if cell == "act":
        return "seek_approval", "Machines ask with this kind of action so far."
    return cell, ""
