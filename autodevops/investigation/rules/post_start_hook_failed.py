"""PostStartHookFailed (K8S093, state): a container's postStart hook fails.

What: recent FailedPostStartHook events of a pod that is not up, or a container waiting with PostStartHookError.

Why it matters: the kubelet kills a container whose hook fails, so it restarts though its program is well.

Example: `1 pod (cart-x) of cart is killed for its postStart hook: PostStartHook failed`

What to do: run the hook's command in the container by hand; its output is in the event alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from autodevops.domain.finding import Finding
from autodevops.domain.subject import Subject
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.event_faults import pod_faults
from autodevops.investigation.rules.pods import containers, count_of, created


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    told: set[Subject] = set()
    for fault in pod_faults(picture, ("FailedPostStartHook",), bool):
        told.add(fault.subject)
        yield _finding(picture, fault.subject, set(fault.pods), fault.message.strip(), fault.since)
    for state in containers(picture):
        if state.waiting.get("reason") == "PostStartHookError" and state.subject not in told:
            told.add(state.subject)
            words = str(state.waiting.get("message") or "PostStartHookError")
            yield _finding(picture, state.subject, {state.pod_name}, words, created(state.pod))


def _finding(picture: Picture, subject: Subject, pods: set[str], words: str, since: datetime | None) -> Finding:
    return RULE.finding(
        subject,
        f"{count_of(pods)} of {subject.name} is killed for its postStart hook: {words}",
        severity="error",
        confidence=0.95,
        evidence=picture.evidence_of("Event", "Pod"),
        onset=since,
    )


RULE = Rule("K8S093", "PostStartHookFailed", "state", _check, specificity=0.95, names_cause=True, documentation=__doc__)
