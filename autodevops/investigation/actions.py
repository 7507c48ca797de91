"""What a person may want to do next. Words and commands to copy; nothing here changes anything."""

from __future__ import annotations

import shlex

from autodevops.domain.hypothesis import SuggestedAction
from autodevops.domain.subject import Subject
from autodevops.investigation.rollouts import revision_name
from autodevops.investigation.weigh import Candidate

_ROLLS = {"Deployment", "StatefulSet", "DaemonSet"}

_REMEDIES = {
    "OOMKilled": "Raise the memory limit, or fix what makes it grow.",
    "ImagePullBackOff": "Correct the image's name or tag, or the pull secret.",
    "FailedScheduling": "Ask for less, add nodes, or correct selector, affinity, tolerations or volume claims.",
    "CreateContainerConfigError": "Create what the template refers to, or correct the reference.",
    "FailedCreate": "Free or raise what the message names, or correct the template.",
    "CPUThrottled": "Raise the CPU limit, or find what made it work harder.",
    "ConfigChanged": "See what the edit changed, put it back, and restart what reads it at start-up.",
    "ProbeFailing": "Compare the probe's port, path and timing with what the program serves.",
}


def suggest(candidate: Candidate) -> tuple[SuggestedAction, ...]:
    subject = candidate.subject
    actions: list[SuggestedAction] = []
    if candidate.rollout is not None and subject.kind in _ROLLS:
        back = f"before {revision_name(candidate.rollout.number)}"
        actions.append(
            SuggestedAction(
                kind="mitigation",
                summary=f"Roll {subject.name} back to what ran {back}.",
                command=_kubectl(subject, "rollout", "undo", _target(subject)),
            )
        )
    remedy = _REMEDIES.get(candidate.reason)
    if remedy:
        actions.append(
            SuggestedAction(kind="remediation", summary=remedy, command=_kubectl(subject, "describe", _target(subject)))
        )
    if candidate.reason == "NodeNotReady":
        actions.append(
            SuggestedAction(
                kind="mitigation",
                summary=f"Move the pods off {subject.name}.",
                command=f"kubectl drain {shlex.quote(subject.name)} --ignore-daemonsets",
            )
        )
        actions.append(
            SuggestedAction(
                kind="investigation",
                summary="See what the node says.",
                command=f"kubectl describe node {shlex.quote(subject.name)}",
            )
        )
    elif subject.kind in _ROLLS:
        previous = (
            ["--previous"] if any(f.reason in {"CrashLoopBackOff", "OOMKilled"} for f in candidate.findings) else []
        )
        actions.append(
            SuggestedAction(
                kind="investigation",
                summary=f"Read what {subject.name} writes.",
                command=_kubectl(subject, "logs", _target(subject), "--tail=100", *previous),
            )
        )
        actions.append(
            SuggestedAction(
                kind="investigation",
                summary="See its revisions.",
                command=_kubectl(subject, "rollout", "history", _target(subject)),
            )
        )
    return tuple(actions)


def _target(subject: Subject) -> str:
    return f"{subject.kind.lower()}/{subject.name}"


def _kubectl(subject: Subject, *words: str) -> str:
    return " ".join(shlex.quote(word) for word in ("kubectl", "-n", subject.namespace, *words))
