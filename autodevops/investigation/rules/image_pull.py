"""ImagePullBackOff (K8S003, state): the kubelet cannot get a container's image.

What: a container waiting with ErrImagePull, ImagePullBackOff, InvalidImageName, ErrImageNeverPull or
RegistryUnavailable. The runtime's sentence tells why: no such tag, no right to pull, no such registry.

Why it matters: the new pod never starts. A Deployment keeps its old pods meanwhile, so the rollout hangs.

Example: `payments cannot pull registry.example/payments:1.9 (not found) in 1 pod`.

What to do: correct the image's name or tag, or the pull secret; until then roll back.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.domain.subject import Subject
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.pods import ContainerState, containers, count_of, created, events

_REASONS = {
    "ErrImagePull",
    "ImagePullBackOff",
    "InvalidImageName",
    "ErrImageNeverPull",
    "RegistryUnavailable",
    "ImageInspectError",
}
_WHY = (
    (re.compile(r"not found|manifest unknown|does not exist", re.I), "there is no such image or tag"),
    (re.compile(r"unauthorized|authentication required|denied|403|401", re.I), "the registry refuses the credentials"),
    (re.compile(r"no such host|lookup .* on ", re.I), "the registry's name is not known"),
    (re.compile(r"connection refused|i/o timeout|timeout|TLS handshake", re.I), "the registry does not answer"),
    (re.compile(r"no match(?:ing)? (?:for platform|manifest)", re.I), "it is not built for this node's architecture"),
    (re.compile(r"toomanyrequests|rate limit", re.I), "the registry limits pulls"),
    (re.compile(r"invalid reference format|InvalidImageName|couldn't parse image", re.I), "its name is not valid"),
)  # fmt: skip


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    groups: dict[tuple[Subject, str], list[ContainerState]] = {}
    for state in containers(picture):
        if state.waiting.get("reason") in _REASONS:
            groups.setdefault((state.subject, str(state.status.get("image") or state.name)), []).append(state)
    for (subject, image), states in sorted(groups.items(), key=lambda item: (str(item[0][0]), item[0][1])):
        pods = {s.pod_name for s in states}
        words = [str(s.waiting.get("message", "")) for s in states]
        words += [e.message for e in events(picture, "Failed", "ErrImagePull") if e.kind == "Pod" and e.name in pods]
        text = " ".join(words)
        why = next((meaning for pattern, meaning in _WHY if pattern.search(text)), "the runtime does not say why")
        yield RULE.finding(
            subject,
            f"{subject.name} cannot pull {image} in {count_of(pods)}: {why}.",
            severity="error",
            confidence=0.97,
            evidence=picture.evidence_of("Pod", "Event"),
            onset=min((m for s in states if (m := created(s.pod)) is not None), default=None),
        )


RULE = Rule("K8S003", "ImagePullBackOff", "state", _check, specificity=0.85, names_cause=True, documentation=__doc__)
