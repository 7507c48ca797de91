"""The verdict and the sentence that a person reads first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from autodevops.domain.evidence import Evidence
from autodevops.domain.finding import Finding
from autodevops.domain.hypothesis import BELIEVED_FROM, Claim, Hypothesis, further_causes, independent
from autodevops.domain.investigation import Verdict
from autodevops.investigation.actions import suggest
from autodevops.investigation.claims import code_reference, contradicts, supports
from autodevops.investigation.grounds import Doubt, anything_seen, doubt_of, gaps, join, reservation
from autodevops.investigation.picture import Picture, Rollout
from autodevops.investigation.precedence import why_before
from autodevops.investigation.rollouts import revision_name
from autodevops.investigation.rules import BY_ID, rollout_near_onset
from autodevops.investigation.rules.base import clock
from autodevops.investigation.suspects import inquire
from autodevops.investigation.weigh import Candidate, weigh

_MOST = 5  # hypotheses; who needs a sixth needs another question
_ALSO = 2
_FORESEEN = 3
_MAY_BE_FELT = ("TrafficSurge", "CPUSaturated", "MemoryGrowing")
_LEAST = 0.05  # confidence below which a candidate is not worth a line


@dataclass(frozen=True)
class Conclusion:
    verdict: Verdict
    summary: str
    hypotheses: tuple[Hypothesis, ...]
    next_step: str = ""


def conclude(
    picture: Picture,
    findings: tuple[Finding, ...],
    candidates: tuple[Candidate, ...],
    evidence: tuple[Evidence, ...],
    failed: frozenset[str],
) -> Conclusion:
    """The verdict. `failed` are the ids of evidence that holds no answer."""
    without = gaps(picture, evidence, failed)
    if not candidates:
        return _nothing_wrong(picture, findings, doubt_of(picture, evidence, failed), without)
    named = [c for index, c in enumerate(candidates) if index == 0 or c.confidence >= _LEAST][:_MOST]
    hypotheses = tuple(_hypothesis(candidate, picture, candidates) for candidate in named)
    top = hypotheses[0]
    verdict: Verdict = "explained" if top.confidence >= BELIEVED_FROM else "undetermined"
    first = "" if verdict == "explained" else "Something is wrong, but no cause stands out. "
    further = further_causes(one.summary for one in independent(hypotheses)[1:]) if verdict == "explained" else ""
    told = f"{top.summary}{_beside(candidates[0])}{_suffering(candidates[0])}{further and ' '}{further}"
    return Conclusion(verdict, f"{first}{told}{without}", hypotheses)


def _nothing_wrong(picture: Picture, findings: tuple[Finding, ...], doubt: Doubt | None, without: str) -> Conclusion:
    namespace = picture.inventory.place
    window = f"{clock(picture.span.window.start)} to {clock(picture.span.window.end)}"
    past = _past(picture, findings)
    if doubt is not None:
        earlier = f" Earlier: {past}" if past else ""
        seen = "nothing abnormal" if anything_seen(picture) else "nothing was seen"
        text = f"It is not known whether {namespace} is healthy: {seen} from {window}, but {doubt.why}.{earlier}"
        return Conclusion("undetermined", text, (), doubt.next_step)
    without = _not_felt(findings) + reservation(picture) + without
    if past:
        return Conclusion("healthy", f"{picture.inventory.headed} is healthy now. Earlier: {past}{without}", ())
    return Conclusion("healthy", f"{picture.inventory.headed} is healthy: nothing abnormal from {window}.{without}", ())


def _not_felt(findings: tuple[Finding, ...]) -> str:
    """What will be felt if it goes on, the soonest first, then what could be and is not; empty where nothing is."""
    due = sorted((f for f in findings if f.due is not None), key=lambda f: (f.due, f.message))
    may = [f for f in findings if f.reason in _MAY_BE_FELT and f.severity == "info" and f.ended is None]
    told = list(dict.fromkeys(f.message for f in (*due, *may)))[:_FORESEEN]
    return f" Not felt yet: {' '.join(told)}" if told else ""


def _past(picture: Picture, findings: tuple[Finding, ...]) -> str:
    """What was wrong within the window and is over, told from the workload where it began; empty when nothing was."""
    over = tuple(
        f.model_copy(update={"severity": "error"}) for f in findings if f.severity == "info" and f.ended is not None
    )
    if not over:
        return ""
    first = weigh(picture, (*over, *rollout_near_onset.RULE.check(picture, over)))[0]
    told = min(first.findings, key=lambda f: (f.rule_id, f.message)).message
    if first.rollout is None:
        return told
    return f"{told} It began {_distance(first.rollout.change.at, first.onset)} {_rollout(first.rollout, picture)}."


def _hypothesis(candidate: Candidate, picture: Picture, rivals: tuple[Candidate, ...]) -> Hypothesis:
    felt = [rival.onset for rival in rivals if rival.subject in candidate.explains and rival.onset is not None]
    told = [finding.onset for finding in candidate.findings if finding.onset is not None]
    inquiry = inquire(candidate.subject, candidate.onset or min(told or felt, default=None), picture)
    return Hypothesis(
        reason=candidate.reason,
        subject=candidate.subject,
        confidence=candidate.confidence,
        summary=_summary(candidate, picture),
        supports=(*supports(candidate, picture, rivals, inquiry), *_before(candidate, rivals)),
        contradicts=contradicts(candidate, picture, inquiry),
        suggested_actions=suggest(candidate),
        suspects=inquiry.suspects,
        suffering=tuple(sorted(candidate.suffering, key=lambda s: len(picture.graph.path(s, candidate.subject)))),
        apart=candidate.apart,
    )


def _before(candidate: Candidate, rivals: tuple[Candidate, ...]) -> tuple[Claim, ...]:
    following = rivals[rivals.index(candidate) + 1 :][:1]
    claims = (why_before(candidate, other) for other in following)
    return tuple(claim for claim in claims if claim is not None)


def _summary(candidate: Candidate, picture: Picture) -> str:
    """The headline: which revision of what does what, since when. The rest is in the claims."""
    lead = max(
        candidate.findings,
        key=lambda f: (f.reason == candidate.reason, BY_ID[f.rule_id].role == "symptom", _weight(f), f.rule_id),
    )
    sentence = lead.message.rstrip(".")
    if candidate.onset is not None and "since" not in sentence:
        sentence += f", since {clock(candidate.onset)}"
    rollout, name = candidate.rollout, candidate.subject.name
    if rollout is not None:
        runs = [other for other in picture.rollouts if other.subject == rollout.subject][-1] == rollout
        if runs and sentence.startswith(f"{name} "):
            revision = revision_name(rollout.number)
            sentence = f"{revision[0].upper()}{revision[1:]} of {sentence}"
        else:
            when = _distance(rollout.change.at, candidate.onset)
            sentence += f", {when} {revision_name(rollout.number)} was rolled out"
    if candidate.explained_by is not None and candidate.path:
        sentence += f"; it depends on {candidate.explained_by.name}, which is in trouble too"
    return sentence + "."


def _beside(candidate: Candidate) -> str:
    """What else is wrong with the same thing that is a cause by itself, as a full disk beside a busy processor."""
    others = [
        finding
        for finding in candidate.findings
        if BY_ID[finding.rule_id].names_cause and not BY_ID[finding.rule_id].general
        if finding.reason != candidate.reason and finding.severity in ("error", "critical")
    ]
    return "".join(f" Besides: {one.message.rstrip('.')}." for one in sorted(others, key=_weight, reverse=True)[:_ALSO])


def _suffering(candidate: Candidate) -> str:
    names = list(dict.fromkeys(other.name for other in candidate.suffering))  # a workload and its Service have one
    if not names:
        return ""
    told = join([*names[:3], f"{len(names) - 3} more"] if len(names) > 3 else names)
    return f" {told} {'suffers' if len(names) == 1 else 'suffer'} with it."


def _rollout(rollout: Rollout, picture: Picture) -> str:
    """`revision 7 was rolled out (image:1 -> image:2; pull request #42 "...", commit 3f2a9c1)`."""
    details = [" -> ".join(pair) for pair in rollout.images]
    reference = code_reference(rollout, picture)
    details += [reference] if reference else []
    if not details:
        details = list(rollout.differences[:2])
    return f"{revision_name(rollout.number)} was rolled out" + (f" ({'; '.join(details)})" if details else "")


def _distance(change: datetime, onset: datetime | None) -> str:
    minutes = round((onset - change).total_seconds() / 60) if onset is not None else 0
    return f"{minutes} min after" if minutes >= 1 else "just as"


def _weight(finding: Finding) -> float:
    return {"info": 0.0, "warning": 0.5, "error": 0.9, "critical": 1.0}[finding.severity] * finding.confidence
