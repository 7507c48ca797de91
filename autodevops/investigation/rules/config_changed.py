"""ConfigChanged (CHG002, state): what a workload reads or is reached through was edited just before its trouble began.

What: a ConfigMap or Secret that the workload's template refers to, or a Service, NetworkPolicy, Ingress or autoscaler
on its way, was edited or created at most fifteen minutes before the onset (who and when is in managedFields). Settings
that are read at start-up count from the restart that took them. Where a commit accounts for the trouble, or the
systems name another cause, the edit is listed as a change and blamed for nothing, as is one that came when a rollout
or restart had brought the trouble, if all pods run since before the edit: they took what was there earlier, and one of
what pods take at their start alone (environment, subPath) where none has started since; unless
that cause is what such an edit makes: a name that is not resolved and no Service has, or the user of a refused log-in,
stands in the ConfigMap that was edited; or a Secret was edited, and credentials are refused or the name stands nowhere
that can be read. A NetworkPolicy that was read and refuses no call known here is believed much less.

Why it matters: an edit of settings leaves no rollout and no image, and is the change most often forgotten.

Example: `ConfigMap catalog-config, which catalog reads, was edited by kubectl-edit 1 min before its trouble began`

What to do: see what was changed (`kubectl get configmap catalog-config -o yaml`, the Git history of the manifests),
put it back, and restart what reads it at start-up.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from autodevops.analysis.log_peers import peer_of
from autodevops.analysis.outside_causes import CREDENTIAL, MAY_BE_SETTINGS, outside_cause
from autodevops.domain.finding import Finding, Severity
from autodevops.domain.subject import Subject
from autodevops.investigation.configured_calls import addresses, settings_of
from autodevops.investigation.inventory import name_of
from autodevops.investigation.picture import ObjectEdit, Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.rollout_near_onset import AFTER, onset_of_trouble
from autodevops.investigation.settings_taken import came_before, cannot_have
from autodevops.investigation.suspects import inquire
from autodevops.investigation.what_fails import signs_of

_BEFORE: Final = timedelta(minutes=15)
_HALF_LIFE: Final = timedelta(minutes=8)
_TAKEN: Final = timedelta(minutes=30)  # how long after an edit a restart still is how it was taken
_HOW: Final = {
    "reads": "which {} reads",
    "is filtered by": "which filters the traffic of {}",
    "is scaled by": "which scales {}",
    "is configured to call": "which {} calls",
}
_SURE: Final = 0.9
_REFUSES: Final = ("NetworkPolicyBlocks", "NetworkPolicyBlocksDNS")
_REFUSES_NOTHING: Final = 0.3
_USER: Final = re.compile(r"\buser(?:name)?[ =:]+[\"'`]?([\w.-]+)", re.IGNORECASE)


def _check(picture: Picture, earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    best: dict[Subject, tuple[float, str, datetime, ObjectEdit, bool]] = {}
    refusing = {finding.subject for finding in earlier if finding.reason in _REFUSES}
    for edge in picture.graph.edges:
        edits = [edit for edit in picture.edits if edit.subject == edge.target and not edit.scaled]
        onset = onset_of_trouble(edge.origin, earlier) if edits and edge.how in _HOW else None
        inquiry = inquire(edge.origin, onset, picture) if onset is not None else None
        if onset is None or inquiry is None or any(one.told for one in inquiry.suspects):
            continue
        for edit in edits:
            if inquiry.other and not _makes(inquiry.other, edit, edge.origin, onset, picture):
                continue
            if not inquiry.other and cannot_have(edit, edge.origin, picture):
                continue  # a credential is refused to those who have the old one, too
            belief = _belief(edit, edge.origin, onset, picture)
            if edit.subject.kind == "NetworkPolicy" and edit.subject not in refusing:
                belief *= _REFUSES_NOTHING
            if belief <= 0:
                continue
            minutes = round(max(timedelta(0), onset - edit.at).total_seconds() / 60)
            distance = f"{minutes} min before" if minutes else "just as"
            verb = "created" if edit.created else "edited"
            by = f" by {edit.manager}" if edit.manager else ""
            how = _HOW[edge.how].format(edge.origin.name)
            said = f"{edit.subject.kind} {edit.subject.name}, {how}, was {verb}{by} {distance} its trouble began."
            if edge.target not in best or (belief, said) > best[edge.target][:2]:
                best[edge.target] = (belief, said, edit.at, edit, bool(inquiry.other))
    for subject, (belief, said, at, edit, seen) in sorted(best.items(), key=lambda item: str(item[0])):
        severity: Severity = "error" if seen else "warning"
        yield RULE.finding(subject, said, severity=severity, confidence=belief, evidence=[edit.evidence], onset=at)


def _makes(cause: str, edit: ObjectEdit, reader: Subject, onset: datetime, picture: Picture) -> bool:
    """Whether what the systems name is how the edit does its harm: the very name that fails stands in what was edited.

    What a Secret holds is not read: it may be credentials, or a name that stands nowhere that can be read.
    """
    workload = picture.inventory.workload(reader)
    if cause not in MAY_BE_SETTINGS or edit.subject.kind not in {"ConfigMap", "Secret"} or workload is None:
        return False
    if edit.subject.kind == "Secret" and cause == CREDENTIAL:
        return True
    lines = [line for line in signs_of(reader, onset, picture)[0].text.splitlines() if outside_cause(line) == cause]
    if cause == CREDENTIAL:
        named = {user for line in lines for user in _USER.findall(line)}
    else:
        named = _unresolved(lines, picture)
    settings = settings_of(workload, picture.inventory)
    if edit.subject.kind == "Secret":
        return bool(named) and not any(_holds(setting.text, name) for setting in settings for name in named)
    held = "\n".join(setting.text for setting in settings if setting.source == edit.subject.name)
    return any(_holds(held, name) for name in named)


def _holds(text: str, name: str) -> bool:
    return re.search(rf"(?<![\w.-]){re.escape(name)}(?![\w-])", text) is not None


def _unresolved(lines: Iterable[str], picture: Picture) -> set[str]:
    """The hosts that could not be resolved, but for those that a Service has: their names are right."""
    hosts = {peer.host for line in lines if (peer := peer_of(line)) is not None}
    hosts |= {address.host for host in hosts for address in addresses(host, picture.inventory.namespace)}
    return hosts - {name_of(service) for service in picture.inventory.services}


def _belief(edit: ObjectEdit, reader: Subject, onset: datetime, picture: Picture) -> float:
    if edit.at > onset + AFTER:
        return 0.0
    if edit.at > onset and any(came_before(edit, one, picture) for one in picture.rollouts if one.subject == reader):
        return 0.0
    rollouts = [r for r in picture.rollouts if r.subject == reader and edit.at <= r.change.at <= onset + AFTER]
    taken = next((r for r in rollouts if r.change.at - edit.at <= _TAKEN), None)
    since = taken.change.at if taken is not None else edit.at
    gap = max(timedelta(0), onset - since)
    if gap > _BEFORE:
        return 0.0
    new_code = any(not r.restart_only and r.images for r in rollouts)
    return _SURE * math.pow(0.5, gap / _HALF_LIFE) * (0.5 if new_code else 1.0)


RULE = Rule(
    "CHG002",
    "ConfigChanged",
    "state",
    _check,
    specificity=0.8,
    stage=3,
    names_cause=True,
    shows_elsewhere=True,
    documentation=__doc__,
)
