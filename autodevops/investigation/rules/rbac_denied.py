"""RBACDenied (K8S057, state): the API server forbids what a program asks of it.

What: `User "system:serviceaccount:NAMESPACE:NAME" cannot VERB resource "RESOURCE"` in a program's log, its last words
or an event, from a program that is in trouble, or where the denials began within the window: many programs ask for
more than they need and run well without it.

Why it matters: a job, controller or exporter without its Role does nothing, or ends.

Example: `config-snapshot is forbidden to list configmaps in namespace shop as ServiceAccount shop/config-snapshot`

What to do: bind a Role that allows it (`kubectl auth can-i VERB RESOURCE --as=USER` tells), or see who removed the
RoleBinding.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Final

from autodevops.domain.evidence import EvidenceId
from autodevops.domain.finding import Finding
from autodevops.domain.subject import Subject
from autodevops.investigation.inventory import name_of, section
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.pods import events
from autodevops.investigation.rules.refusals import refusals

_DENIED: Final = re.compile(
    r'User \\*"(?P<user>[^"\\]+)\\*" cannot (?P<verb>\w+) resource \\*"(?P<resource>[^"\\]+)\\*"'
    r'(?: in API group \\*"[^"]*")?(?: in the namespace \\*"(?P<namespace>[^"\\]+))?'
)
_ACCOUNT: Final = re.compile(r"system:serviceaccount:(?P<namespace>[^:]+):(?P<name>.+)")
_LEAST: Final = 3  # denials of a program that is otherwise well, before they count as a change


def _check(picture: Picture, earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    before = {match.group() for log in picture.baseline_logs if (match := _DENIED.search(log.record.body))}
    groups: dict[tuple[Subject, str], list[tuple[datetime | None, EvidenceId, bool]]] = {}
    for subject, text, at, evidence, sure in _heard(picture):
        match = _DENIED.search(text)
        if match is not None:
            who = _blamed(subject, match["user"], picture)
            place = f" in namespace {match['namespace']}" if match["namespace"] else ""
            what = f"{match['verb']} {match['resource']}{place} as {_named(match['user'])}"
            groups.setdefault((who, what), []).append((at, evidence, sure or match.group() not in before))
    hurt = {finding.subject for finding in earlier if finding.severity != "info"}
    hurt |= {refusal.subject for refusal in refusals(picture) if refusal.kind == "access"}
    for (subject, what), found in sorted(groups.items(), key=lambda item: (str(item[0][0]), item[0][1])):
        new = [entry for entry in found if entry[2]]
        if subject in hurt or len(new) >= _LEAST:
            yield RULE.finding(
                subject,
                f"{subject.name} is forbidden to {what}.",
                severity="error",
                confidence=0.95 if subject in hurt else 0.8,
                evidence=sorted({evidence for _, evidence, _ in found}),
                onset=min((at for at, _, _ in found if at is not None), default=None),
            )


def _heard(picture: Picture) -> Iterator[tuple[Subject | None, str, datetime | None, EvidenceId, bool]]:
    """Whose sentence, the sentence, when, by what evidence, and whether it stopped what it is about."""
    for crash in picture.last_words:
        yield from ((crash.subject, line, None, crash.evidence, True) for line in crash.lines)
    for log in picture.logs:
        yield log.subject, log.record.body, log.record.timestamp, log.evidence, False
    for refusal in refusals(picture):
        for evidence in picture.evidence_of(refusal.source):
            yield refusal.subject, refusal.sentence, refusal.since, evidence, True
    for event in events(picture):
        for evidence in picture.evidence_of("Event") if event.reason != "FailedCreate" else ():
            yield event.subject, event.message, event.first, evidence, False


def _blamed(subject: Subject | None, user: str, picture: Picture) -> Subject:
    """The workload that spoke, else the one that runs under the account, else the account."""
    account = _ACCOUNT.fullmatch(user)
    if subject is not None and picture.inventory.of_owner(subject.kind, subject.name) is not None:
        return subject
    if account is None:
        return subject or Subject(kind="User", name=user, api_version="rbac.authorization.k8s.io/v1")
    name, namespace = account["name"], account["namespace"]
    running = {
        owner
        for pod in picture.inventory.pods
        if section(pod, "spec").get("serviceAccountName") == name
        and namespace == picture.inventory.namespace
        and (owner := picture.inventory.of_owner("Pod", name_of(pod))) is not None
    }
    if len(running) == 1:
        return running.pop()
    if subject is not None:
        return subject
    return Subject(kind="ServiceAccount", name=name, namespace=namespace, api_version="v1")


def _named(user: str) -> str:
    account = _ACCOUNT.fullmatch(user)
    return f"ServiceAccount {account['namespace']}/{account['name']}" if account else f"user {user}"


RULE = Rule("K8S057", "RBACDenied", "state", _check, specificity=0.95, stage=2, names_cause=True, documentation=__doc__)
