"""The verdict and the sentence that a person reads first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from autodevops.domain.finding import Finding
from autodevops.domain.hypothesis import Hypothesis
from autodevops.domain.investigation import Verdict
from autodevops.investigation.actions import suggest
from autodevops.investigation.claims import code_reference, contradicts, supports
from autodevops.investigation.confidence import EXPLAINED_FROM
from autodevops.investigation.picture import Picture, Rollout
from autodevops.investigation.rollouts import revision_name
from autodevops.investigation.rules import BY_REASON
from autodevops.investigation.rules.base import clock
from autodevops.investigation.weigh import Candidate, weigh

_SYSTEM_NAMES = {
    "kubernetes": "Kubernetes",
    "prometheus": "Prometheus",
    "loki": "Loki",
    "tempo": "Tempo",
    "github": "GitHub",
}
_NEEDED = {"kubernetes", "prometheus"}
"""Without the cluster's state or request metrics nobody can say that all is well; logs and traces only help."""
_MOST = 5  # hypotheses; who needs a sixth needs another question
_LEAST = 0.05  # confidence below which a candidate is not worth a line


@dataclass(frozen=True)
class Conclusion:
    verdict: Verdict
    summary: str
    hypotheses: tuple[Hypothesis, ...]


def conclude(picture: Picture, findings: tuple[Finding, ...], candidates: tuple[Candidate, ...]) -> Conclusion:
    away = _away(picture)
    if not candidates:
        return _nothing_wrong(picture, findings, away)
    named = [c for index, c in enumerate(candidates) if index == 0 or c.confidence >= _LEAST][:_MOST]
    hypotheses = tuple(_hypothesis(candidate, picture, candidates) for candidate in named)
    top = hypotheses[0]
    verdict: Verdict = "explained" if top.confidence >= EXPLAINED_FROM else "undetermined"
    without = f" {away} could not be read." if away else ""
    if verdict == "explained":
        return Conclusion(verdict, top.summary + without, hypotheses)
    first = f"Something is wrong, but no cause stands out. {top.summary}"
    return Conclusion(verdict, first + without, hypotheses)


def _nothing_wrong(picture: Picture, findings: tuple[Finding, ...], away: str) -> Conclusion:
    namespace = picture.inventory.namespace
    window = f"{clock(picture.span.window.start)} to {clock(picture.span.window.end)}"
    if picture.unreachable & _NEEDED:
        seen = [_SYSTEM_NAMES[system] for system in _SYSTEM_NAMES if system not in picture.unreachable]
        if not seen or not _anything_seen(picture):
            return Conclusion("undetermined", f"Nothing can be said about {namespace}: {away} could not be read.", ())
        text = (
            f"Nothing abnormal in {namespace} from {window} as far as {_join(seen)} show, but {away} could not be read."
        )
        return Conclusion("undetermined", text, ())
    if not _anything_seen(picture):
        text = f"There is nothing to judge in {namespace}: no workloads, no request metrics, no logs, no traces."
        return Conclusion("undetermined", text, ())
    without = f" {away} could not be read." if away else ""
    past = _past(picture, findings)
    if past:
        return Conclusion("healthy", f"{namespace} is healthy now. Earlier: {past}{without}", ())
    return Conclusion("healthy", f"{namespace} is healthy: nothing abnormal from {window}.{without}", ())


def _past(picture: Picture, findings: tuple[Finding, ...]) -> str:
    """What was wrong within the window and is over, told from the workload where it began; empty when nothing was."""
    over = tuple(
        f.model_copy(update={"severity": "error"})
        for f in findings
        if f.severity == "info" and f.onset is not None and f.reason in {"ErrorRateIncreased", "LatencyIncreased"}
    )
    if not over:
        return ""
    first = weigh(picture, (*over, *BY_REASON["RolloutNearOnset"].check(picture, over)))[0]
    told = min(first.findings, key=lambda f: (f.rule_id, f.message)).message
    if first.rollout is None:
        return told
    return f"{told} It began {_distance(first.rollout.change.at, first.onset)} {_rollout(first.rollout, picture)}."


def _hypothesis(candidate: Candidate, picture: Picture, rivals: tuple[Candidate, ...]) -> Hypothesis:
    return Hypothesis(
        reason=candidate.reason,
        subject=candidate.subject,
        confidence=candidate.confidence,
        summary=_summary(candidate, picture),
        supports=supports(candidate, picture, rivals),
        contradicts=contradicts(candidate, picture),
        suggested_actions=suggest(candidate),
    )


def _summary(candidate: Candidate, picture: Picture) -> str:
    """What, since when, due to which change, and who suffers."""
    lead = max(
        candidate.findings,
        key=lambda f: (f.reason == candidate.reason, BY_REASON[f.reason].role == "symptom", _weight(f), f.rule_id),
    )
    sentence = lead.message.rstrip(".")
    if candidate.onset is not None and "since" not in sentence:
        sentence += f", since {clock(candidate.onset)}"
    if candidate.rollout is not None:
        when = _distance(candidate.rollout.change.at, candidate.onset)
        sentence += f", {when} {_rollout(candidate.rollout, picture)}"
    if candidate.explained_by is not None:
        sentence += f"; it depends on {candidate.explained_by.name}, which is in trouble too"
    if candidate.explains:
        sentence += f"; {_join([other.name for other in candidate.explains[:3]])}"
        more = len(candidate.explains) - 3
        sentence += f" and {more} more" if more > 0 else ""
        sentence += " suffers with it" if len(candidate.explains) == 1 else " suffer with it"
    return sentence + "."


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


def _anything_seen(picture: Picture) -> bool:
    seen = (picture.inventory.workloads, picture.signals, picture.logs, picture.error_traces, picture.plain_traces)
    return any(seen)


def _away(picture: Picture) -> str:
    return _join([_SYSTEM_NAMES[system] for system in _SYSTEM_NAMES if system in picture.unreachable])


def _join(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}" if names else ""
