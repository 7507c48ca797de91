"""From findings to ranked candidates: who is the cause, and who only suffers from it.

A candidate is a workload (or node) with findings that are true now. Three things set them apart. Dependence: trouble
travels against the calls, from callee to caller, so a candidate that depends on another one in trouble is explained
by it, unless something marks it guilty by itself. Origin: failing traces say where the error starts. Change: a
rollout of the candidate itself just before its trouble. Each is a factor of `confidence`. A rollout that touched
nothing of which the trouble can come brought it to light at most: it counts, and it is not what a candidate blames.

Several troubles can have nothing to do with each other. Two candidates are in one trouble where one depends on the
other, or both fail for the same reason. Who comes later in a trouble is believed less; who is the first of another
one, and says itself what is wrong with it or was changed, is not: that somebody suffers from both does not join them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from autodevops.analysis.template_changes import COMES_OF, can_come_of, is_made_by
from autodevops.domain.finding import Finding
from autodevops.domain.subject import Subject
from autodevops.investigation.confidence import confidence, score
from autodevops.investigation.graph import Edge
from autodevops.investigation.picture import Picture, Rollout
from autodevops.investigation.rules import BY_ID
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.rollout_near_onset import onset_of_trouble

_STRENGTH: Final = {"info": 0.0, "warning": 0.6, "error": 0.9, "critical": 1.0}
_ROLES: Final = {"state": 0, "symptom": 1}
_OF_SETTINGS: Final = {"CredentialsRefused", "UnknownHost"}
_SLACK: Final = timedelta(minutes=3)
"""How much later than its callers a callee may seem to begin: onsets are known to a rate's window and a scrape."""
_BY_METRICS: Final = "TroubleStartsInService"
_SHORT: Final = "ReplicasUnavailable"  # critical where none is left
_ORIGINS: Final = {
    "ErrorsStartInService", "SlowSpansInService", "NPlusOneQueries", "FanOutGrown", "RegressionByVersion",
    _BY_METRICS,
}  # fmt: skip
_TELLING: Final = 0.5  # a state that explains as much by itself says what is wrong, not only that something is
_PROGRAM: Final = {"CrashLogged", "CrashLoopBackOff", "RegressionByVersion"}
_LEAST_FAILING_TRACES: Final = 3  # before their testimony clears anybody


@dataclass(frozen=True)
class Candidate:
    subject: Subject
    findings: tuple[Finding, ...]  # its own, true now, without changes
    onset: datetime | None
    change: Finding | None
    rollout: Rollout | None  # that it blames
    factors: Mapping[str, float]
    score: float
    confidence: float = 0.0
    explained_by: Subject | None = None
    path: tuple[Edge, ...] = ()  # from it to what explains it
    explains: tuple[Subject, ...] = ()
    apart: bool = False  # it comes later, and is the first of a trouble of its own

    @property
    def suffering(self) -> tuple[Subject, ...]:
        """Those it explains by name: a workload's own Service is not somebody else."""
        own = (self.subject.namespace, self.subject.name)
        return tuple(one for one in self.explains if (one.namespace, one.name) != own)

    @property
    def reason(self) -> str:
        """The hypothesis' reason: the state that names its own cause, else the bad rollout, else the most telling.

        Of a rollout that left the image alone, the state that what it touched makes by itself (a CPU limit and being
        throttled, an address and a name that is not known) says what is bad about it.
        A state says more than a symptom, why something fails more than that it fails, and what follows from nothing
        more than what may follow. A locator says where, not what, unless it says what is asked too often: its reason
        stands only where there is no other.
        """
        telling = sorted(self.findings, key=_telling)
        naming = next((f for f in telling if _rule(f).names_cause), None)
        if naming is not None and (self.change is not None or not _rule(naming).general):
            return naming.reason
        if self.change is not None:
            touched = self.rollout.touched if self.rollout is not None else None
            made = (f.reason for f in telling if not _rule(f).general and is_made_by(f.reason, touched))
            return next(made, "BadRollout")
        return telling[0].reason


def _telling(finding: Finding) -> tuple[int, bool, bool, float, str]:
    """How much a finding tells of the cause, the most telling first."""
    rule = _rule(finding)
    role = 0 if rule.loads_callees else _ROLES.get(rule.role, len(_ROLES))
    return role, rule.general, rule.may_follow, -rule.specificity * finding.confidence, finding.rule_id


@dataclass
class _Draft:
    subject: Subject
    findings: list[Finding] = field(default_factory=list)


def is_trouble(finding: Finding) -> bool:
    """Whether something is wrong now by this finding: a change alone is none."""
    return finding.severity != "info" and _rule(finding).role != "change"


def weigh(picture: Picture, findings: tuple[Finding, ...]) -> tuple[Candidate, ...]:
    """Candidates, most likely first. Ties fall by name, so that the order of findings decides nothing."""
    drafts: dict[Subject, _Draft] = {}
    for finding in findings:
        if is_trouble(finding):
            drafts.setdefault(finding.subject, _Draft(finding.subject)).findings.append(finding)
    placed = {subject: draft for subject, draft in drafts.items() if not _only_says_where(draft)}
    drafts = placed or drafts
    onsets = {subject: onset_of_trouble(subject, draft.findings) for subject, draft in drafts.items()}
    origins = {
        subject: max((f.confidence for f in draft.findings if f.reason in _ORIGINS), default=0.0)
        for subject, draft in drafts.items()
    }
    candidates = [_candidate(draft, drafts, onsets, origins, picture, findings) for draft in drafts.values()]
    ordered = sorted(candidates, key=lambda c: (-round(c.score, 2), str(c.subject)))
    apart = _apart(ordered, picture)
    return tuple(
        replace(candidate, confidence=confidence(candidate.score, first=place == 0 or alone), apart=alone)
        for place, candidate in enumerate(ordered)
        for alone in [candidate.subject in apart]
    )


def _apart(ordered: list[Candidate], picture: Picture) -> set[Subject]:
    """Who says itself what is wrong with it, or was changed, and is in one trouble with none before it."""
    apart: set[Subject] = set()
    seen: set[Subject] = set()
    suffering: set[Subject] = set()  # from those before
    telling: list[Candidate] = []
    for candidate in ordered:
        tied = candidate.subject in suffering or not seen.isdisjoint(candidate.explains)
        if _speaks_for_itself(candidate):
            alike = any(_fails_alike(candidate, other, picture) for other in telling)
            if seen and not tied and not alike:
                apart.add(candidate.subject)
            telling.append(candidate)
        seen.add(candidate.subject)
        suffering.update(candidate.explains)
    return apart


def _fails_alike(one: Candidate, other: Candidate, picture: Picture) -> bool:
    """The same reason is one trouble, whenever it shows: each CronJob has its own time. Releases are each its own."""
    if one.reason != other.reason:
        return False
    if one.change is None or one.onset is None or other.onset is None:
        return True
    return abs(one.onset - other.onset) <= _slack(picture)


def _speaks_for_itself(candidate: Candidate) -> bool:
    return candidate.change is not None or candidate.factors["state"] >= _TELLING


def _slack(picture: Picture) -> timedelta:
    return max(_SLACK, timedelta(seconds=picture.span.step_seconds))


def _only_says_where(draft: _Draft) -> bool:
    """A namespace is a candidate of its own only where its own rules are at fault."""
    return draft.subject.kind == "Namespace" and not any(_rule(f).names_cause for f in draft.findings)


def _candidate(
    draft: _Draft,
    drafts: Mapping[Subject, _Draft],
    onsets: Mapping[Subject, datetime | None],
    origins: Mapping[Subject, float],
    picture: Picture,
    findings: tuple[Finding, ...],
) -> Candidate:
    subject, own, onset = draft.subject, draft.findings, onsets[draft.subject]
    changes = [f for f in findings if f.subject == subject and f.reason == "RolloutNearOnset"]
    change = max(changes, key=lambda f: (f.confidence, f.message), default=None)
    earliest = min((moment for moment in onsets.values() if moment is not None), default=None)
    loads = any(_rule(f).loads_callees for f in own)
    dependants = [
        other
        for other in drafts
        if other != subject
        and (picture.graph.reaches(other, subject) or (loads and picture.graph.reaches(subject, other)))
    ]
    explained_by, blame = _explanation(subject, drafts, onsets, origins, picture, change)
    stated = _without_settings(own, drafts[explained_by]) if explained_by is not None else own
    others = max((share for other, share in origins.items() if other != subject), default=0.0)
    cleared = len(picture.error_traces) >= _LEAST_FAILING_TRACES and origins[subject] == 0.0 and _rests_on_errors(own)
    elsewhere = origins[subject] == 0.0 and any(f.reason == _BY_METRICS for f in findings) and _only_symptoms(own)
    factors = {
        "symptom": max(_STRENGTH[f.severity] * f.confidence for f in own),
        "state": max((_rule(f).specificity * f.confidence for f in stated if _rule(f).role == "state"), default=0.0),
        "origin": origins[subject],
        "change": change.confidence if change else 0.0,
        "detail": max((f.confidence for f in own if f.rule_id.startswith("LOG")), default=0.0),
        "first": 1.0 if earliest is not None and onset is not None and onset <= earliest + _slack(picture) else 0.0,
        "reach": len(dependants) / (len(drafts) - 1) if len(drafts) > 1 else 0.0,
        "explained": blame,
        "exonerated": others if cleared or elsewhere else 0.0,
    }
    near = (r for r in picture.rollouts if change is not None and r.subject == subject and r.change.at == change.onset)
    rollout = next((r for r in near if _can_be_behind(r, own)), None)
    return Candidate(
        subject=subject,
        findings=tuple(sorted(own, key=lambda f: (f.rule_id, f.message))),
        onset=onset,
        change=change,
        rollout=rollout,
        factors=factors,
        score=score(factors),
        explained_by=explained_by,
        path=picture.graph.path(subject, explained_by) if explained_by else (),
        explains=tuple(sorted(dependants, key=str)),
    )


def _can_be_behind(rollout: Rollout, own: list[Finding]) -> bool:
    """Whether what is named as wrong can come of what it touched. A crash is the program's, whatever else is wrong;
    not of a restart, which brings the same template: what the new pods met is elsewhere, and stays.
    """
    if rollout.restart_only:
        return False
    reasons = {f.reason for f in own}
    named = reasons & COMES_OF.keys()
    return not named or bool(reasons & _PROGRAM) or any(can_come_of(one, rollout.touched) for one in named)


def _explanation(
    subject: Subject,
    drafts: Mapping[Subject, _Draft],
    onsets: Mapping[Subject, datetime | None],
    origins: Mapping[Subject, float],
    picture: Picture,
    change: Finding | None,
) -> tuple[Subject | None, float]:
    """Who accounts for this candidate's trouble, and how well (0 to 1)."""
    best: tuple[float, str, Subject] | None = None
    for other, draft in drafts.items():
        if other == subject or not _accounts(subject, drafts[subject], other, draft, picture):
            continue
        mine, theirs = onsets[subject], onsets[other]
        if mine is not None and theirs is not None and theirs > mine + _slack(picture):
            continue
        back = picture.graph.reaches(other, subject) and picture.graph.reaches(subject, other)
        if back and (origins[other], str(other)) <= (origins[subject], str(subject)):
            continue  # they call each other: only the one where more errors start explains the other
        if _loads(drafts[subject], other, draft, picture):
            continue  # whom it presses hard does not account for it
        strength = max(
            (_STRENGTH[f.severity] * f.confidence for f in draft.findings if f.reason != _BY_METRICS), default=0.0
        )  # what the metrics give it is in `origins`
        origin = 0.0 if _keeps_callers_out(draft) else origins[subject] - origins[other]
        pressing = other.kind == "Node" or any(_rule(f).loads_callees for f in draft.findings)
        own = [f for f in drafts[subject].findings if not (pressing and _rule(f).may_follow)]
        guilt = _own_guilt(_without_settings(own, draft), origin, change)
        blame = min(1.0, strength + origins[other]) * (1.0 - guilt)
        if best is None or (blame, str(other)) > best[:2]:
            best = (blame, str(other), other)
    return (best[2], best[0]) if best is not None and best[0] > 0.2 else (None, 0.0)


def _without_settings(own: list[Finding], theirs: _Draft) -> list[Finding]:
    """What is wrong with it but for what an edit of its settings made, where they were edited and are blamed for it."""
    edited = any(f.reason == "ConfigChanged" for f in theirs.findings)
    return [f for f in own if not edited or f.reason not in _OF_SETTINGS]


def _keeps_callers_out(draft: _Draft) -> bool:
    """Whether callers cannot arrive at it, so that their errors start in them."""
    return any(_rule(f).shows_elsewhere or (f.reason == _SHORT and f.severity == "critical") for f in draft.findings)


def _accounts(subject: Subject, draft: _Draft, other: Subject, theirs: _Draft, picture: Picture) -> bool:
    """Whether trouble can have come from `other`: against the calls, or from a caller: too much traffic, or none."""
    if all(f.reason in {"TrafficChanged", "AlertFiring"} for f in theirs.findings):
        return False
    if picture.graph.reaches(subject, other):
        return True
    if any(_rule(f).loads_callees for f in theirs.findings) and picture.graph.reaches(other, subject):
        return True
    only_traffic = all(f.reason == "TrafficChanged" for f in draft.findings)
    return only_traffic and picture.graph.reaches(other, subject)


def _loads(draft: _Draft, other: Subject, theirs: _Draft, picture: Picture) -> bool:
    """Whether a candidate asks too much of `other`, which has no cause of its own that this could not bring about."""
    loads = any(_rule(f).loads_callees for f in draft.findings) and picture.graph.reaches(draft.subject, other)
    return loads and not any(_rule(f).names_cause and not _rule(f).may_follow for f in theirs.findings)


def _own_guilt(own: list[Finding], origin: float, change: Finding | None) -> float:
    """How much marks a candidate guilty whatever it depends on. `origin`: how many more errors start in it."""
    if any(_rule(f).names_cause for f in own):
        return 1.0  # an image that does not exist is nobody else's fault
    state = max((f.confidence for f in own if f.reason in {"OOMKilled", "CrashLoopBackOff"}), default=0.0)
    changed = 0.3 * change.confidence if change else 0.0
    return max(0.6 * state, changed, origin)


def _rests_on_errors(own: list[Finding]) -> bool:
    """Traces of failing requests speak about errors; they neither accuse nor clear a slow or crashing workload."""
    return not any(_rule(f).role == "state" for f in own) and any(f.reason.startswith("ErrorRate") for f in own)


def _only_symptoms(own: list[Finding]) -> bool:
    return all(_rule(f).role == "symptom" for f in own)


def _rule(finding: Finding) -> Rule:
    return BY_ID[finding.rule_id]
