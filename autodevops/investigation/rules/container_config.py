"""CreateContainerConfigError (K8S005, state): a container cannot be made from what its template refers to.

What: a container waiting with CreateContainerConfigError, CreateContainerError or RunContainerError (the runtime
refuses it: a name in use), and one whose user or group the image does not have, by the runtime's own sentence. What has
a rule of its own is left to it: a missing ConfigMap, Secret or key, a command, a mount, a hook.

Why it matters: the pod never starts; nothing but a change of the template or of the referred object helps.

Example: `Container app of cart cannot be created: container has runAsNonRoot and image will run as root`

What to do: correct what the runtime names, or roll back the change that brought it.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.domain.subject import Subject
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.missing_references import kind_of, lacking
from autodevops.investigation.rules.pods import ContainerState, containers, count_of, created
from autodevops.investigation.rules.starts import kind_by_runtime, not_started

_REASONS = {
    "CreateContainerConfigError",
    "CreateContainerError",
    "RunContainerError",
    "PreCreateHookError",
    "PreStartHookError",
}


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    groups: dict[tuple[Subject, str, str], list[ContainerState]] = {}
    for state in containers(picture):
        if state.waiting.get("reason") not in _REASONS:
            continue
        message = str(state.waiting.get("message", ""))
        if not (kind_of(message) or kind_by_runtime(message) or (not message and lacking(state.pod, picture))):
            key = (state.subject, state.name, message)
            groups.setdefault(key, []).append(state)
    yield from not_started(RULE, picture, "user", "its user or group is not in the image")
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
    "K8S005",
    "CreateContainerConfigError",
    "state",
    _check,
    specificity=0.85,
    names_cause=True,
    general=True,
    documentation=__doc__,
)
