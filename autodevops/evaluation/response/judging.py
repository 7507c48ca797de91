"""What of a play was right. Causes are the scenario's; an action is judged by the scenario's list of what helps.

An action that is not on the list is judged by the world: it helped when it was on what is at fault, the last one there,
and all is well in the end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from autodevops.domain.incident import Incident
from autodevops.domain.operation import Operation
from autodevops.domain.subject import Subject
from autodevops.evaluation.outcome import Owners, is_it
from autodevops.evaluation.response.course import Course, Deed, Effect, End, Opened
from autodevops.evaluation.suite import half_of
from autodevops.executor.catalogue import KINDS
from autodevops.sandbox.gameday import Gameday
from autodevops.sandbox.prometheus.rules import Alerting
from autodevops.sandbox.world.scenario import Remediation, Scenario
from autodevops.sandbox.world.scenario import Subject as TrueSubject
from autodevops.sandbox.world.world import World

_VERBS: Final = {
    "rollback_workload": "rollback",
    "restart_workload": "restart",
    "scale_workload": "scale",
    "adjust_autoscaler": "scale",
    "patch_resources": "patch",
    "patch_probe": "patch",
    "patch_image": "patch",
    "patch_env": "patch",
    "delete_pod": "delete_pod",
    "evict_pod": "delete_pod",
    "cordon_node": "cordon",
    "uncordon_node": "uncordon",
    "drain_node": "drain",
    "clean_jobs": "clean_jobs",
}
"""The executor's kinds of actions by the scenarios' names. Scarlet proposes no other that changes what runs."""
_SAFE: Final = {verb for kind, verb in _VERBS.items() if KINDS[kind].risk == "low"}
_SCALED: Final = {"Deployment", "StatefulSet", "HorizontalPodAutoscaler"}
_WORKLOADS: Final = {"Deployment", "StatefulSet", "DaemonSet"}


@dataclass(frozen=True)
class Played:
    """What a play left behind. `began_at`: epoch seconds."""

    onset: datetime
    ended: datetime
    began_at: float
    incidents: tuple[Incident, ...]
    operations: tuple[Operation, ...]
    owners: Owners
    own_seconds: float
    seconds: float
    tool_calls: int

    def since_onset(self, at: datetime) -> float:
        return (at - self.onset).total_seconds()


def judge(scenario: Scenario, world: World, played: Played, alerting: Alerting | None = None) -> Course:
    truth = scenario.truth
    causes = truth.subjects
    gameday = Gameday(world, alerting=alerting)
    gameday.began_at = played.began_at
    well = gameday.normal()
    opened = tuple(_opened(one, causes, played) for one in played.incidents)
    changing = [one for one in played.operations if one.proposal.action.kind in _VERBS]
    last = {one.proposal.action.subject: one.id for one in changing}
    deeds = tuple(
        _deed(one, scenario, causes, played, mended=well and last[one.proposal.action.subject] == one.id)
        for one in changing
        if one.decision is not None
    )
    acted = any(one.applied for one in deeds)
    remedies = [one for one in truth.remediations if causes and not truth.also and _doable(one)]
    return Course(
        scenario=scenario.name,
        group=scenario.group,
        half=half_of(scenario.name),
        true_reason=truth.reason,
        true_kind=truth.subject.kind if truth.subject else "",
        true_name=truth.subject.name if truth.subject else "",
        causes=len(causes),
        remediable=bool(remedies),
        safe=any(one.action in _SAFE for one in remedies),
        opened=opened,
        deeds=deeds,
        end=_end(played, faulty=bool(causes), well=well),
        ended=played.since_onset(played.ended),
        worse=gameday.worse() if acted else (),
        own_seconds=played.own_seconds,
        seconds=played.seconds,
        tool_calls=played.tool_calls,
    )


def _doable(remediation: Remediation) -> bool:
    """Whether the executor has an action that ends it so."""
    patch = remediation.action == "patch"
    can = remediation.subject.kind in _WORKLOADS if patch else remediation.action in _VERBS.values()
    return can and remediation.effect == "resolves" and (not remediation.then or _goes_along(remediation))


def _goes_along(remediation: Remediation) -> bool:
    """Whether what has to follow is the pod that a StatefulSet's change of template takes away itself."""
    changed = remediation.subject.kind == "StatefulSet" and remediation.action in ("rollback", "patch")
    return changed and all(
        (after.action, after.subject) == ("delete_pod", remediation.subject) for after in remediation.then
    )


def _opened(incident: Incident, causes: Sequence[TrueSubject], played: Played) -> Opened:
    cause, found = incident.cause, incident.investigation
    named = [cause.subject] if cause else []
    three = [one.subject for one in found.hypotheses[:3]] if found else []
    over = incident.resolution
    return Opened(
        at=played.since_onset(incident.opened_at),
        reason=cause.reason if cause else "",
        kind=cause.subject.kind if cause else "",
        name=cause.subject.name if cause else "",
        confidence=cause.confidence if cause else 0.0,
        right=_among(named, causes, played.owners) if cause else None,
        among3=_among([*named, *three], causes, played.owners),
        phase=incident.phase or "",
        closed=played.since_onset(over.at) if over else None,
        signals=len(incident.signals),
    )


def _deed(
    operation: Operation, scenario: Scenario, causes: Sequence[TrueSubject], played: Played, *, mended: bool
) -> Deed:
    action, outcome = operation.proposal.action, operation.outcome
    decision = operation.decision
    applied = outcome is not None and outcome.result != "not_applied"
    effect: Effect = "not applied"
    if applied:
        listed = [one for one in scenario.truth.remediations if is_that(operation, one, played.owners)]
        on_cause = _among([action.subject], causes, played.owners)
        effect = listed[0].effect if listed else "resolves" if mended and on_cause else "nothing"
    return Deed(
        at=played.since_onset(operation.proposed_at),
        action=action.kind,
        kind=action.subject.kind,
        name=action.subject.name,
        asked=decision is not None and decision.verdict == "seek_approval",
        result=outcome.result if outcome else "",
        effect=effect,
    )


def is_that(operation: Operation, remediation: Remediation, owners: Owners) -> bool:
    """Whether this was done; of a rollback to a named image also whether its plan brought that image."""
    subject = operation.proposal.action.subject
    if _VERBS[operation.proposal.action.kind] != remediation.action:
        return False
    edits = operation.plan.dry_run.edits if operation.plan else ()
    if remediation.image and not any(one.path.endswith(".image") and one.after == remediation.image for one in edits):
        return False
    if remediation.action == "scale" and subject.kind in _SCALED:
        return subject.name == remediation.subject.name
    return is_it(subject, remediation.subject, owners)


def _among(named: Sequence[Subject], causes: Sequence[TrueSubject], owners: Owners) -> bool:
    return any(is_it(one, true, owners) for one in named for true in causes)


def _end(played: Played, *, faulty: bool, well: bool) -> End:
    phases = {one.phase for one in played.incidents}
    if not faulty:
        return "false alarm" if phases else "quiet"
    if not phases:
        return "missed"
    if phases == {"closed"}:
        return "resolved" if well else "closed early"
    return "escalated" if phases <= {"closed", "escalated"} else "going on"
