"""CreateContainerConfigError (K8S005, state): a container cannot be made from what its template refers to.

What: a container waiting with CreateContainerConfigError, CreateContainerError or RunContainerError (the runtime
refuses it: a wrong command, a mount, a name in use). A missing ConfigMap, Secret or key has a rule of its own.

Why it matters: the pod never starts; nothing but a change of the template or of the referred object helps.

Example: `Container app of cart cannot be created: exec: "/srv": permission denied`

What to do: correct what the runtime names, or roll back the change that brought it.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.domain.subject import Subject
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.missing_references import kind_of
from autodevops.investigation.rules.pods import ContainerState, containers, count_of, created

_REASONS = {
    "CreateContainerConfigError",
    "CreateContainerError",
    "RunContainerError",
    "PreCreateHookError",
    "PreStartHookError",
    "PostStartHookError",
}


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    groups: dict[tuple[Subject, str, str], list[ContainerState]] = {}
    for state in containers(picture):
        if state.waiting.get("reason") in _REASONS and not kind_of(str(state.waiting.get("message", ""))):
            key = (state.subject, state.name, str(state.waiting.get("message", "")))
            groups.setdefault(key, []).append(state)
    for (subject, container, message), states in sorted(
        groups.items(), key=lambda item: (str(item[0][0]), item[0][1:])
    ):
        yield RULE.finding(
            subject,
            f"Container {container} of {subject.name} cannot be created in {count_of({s.pod_name for s in states})}:"
            f" {message or states[0].waiting.get('reason')}.",
            severity="error",
            confidence=0.97,
            evidence=picture.evidence_of("Pod"),
            onset=min((m for s in states if (m := created(s.pod)) is not None), default=None),
        )


RULE = Rule(
    "K8S005", "CreateContainerConfigError", "state", _check, specificity=0.85, names_cause=True, documentation=__doc__
)
