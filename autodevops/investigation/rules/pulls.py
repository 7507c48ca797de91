"""Why the kubelet cannot get an image, told apart by the sentence of the runtime and the registry.

The sentence is in the waiting container's message since 1.31, before in events Failed alone. A registry that answers
for a repository it will not show (`pull access denied, repository does not exist or may require authorization`) leaves
open which of both it is: it is taken for wrong credentials where the pod has some, or where the namespace runs other
images of that repository, else for a wrong name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from autodevops.domain.finding import Finding
from autodevops.domain.subject import Subject
from autodevops.investigation.grounds import join
from autodevops.investigation.inventory import Object, items, name_of, section
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.pods import ContainerState, containers, count_of, created, events

_WAITING: Final = {
    "ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "RegistryUnavailable",
    "ImageInspectError", "SignatureValidationFailed",
}  # fmt: skip
# In the order in which they are tried: a name that does not resolve is "not found" too.
_KINDS: Final = (
    ("disk", re.compile(r"no space left on device")),  # of the node, which NodeDiskFull tells
    ("never", re.compile(r"ErrImageNeverPull|is not present with pull policy of Never")),
    ("invalid", re.compile(r"InvalidImageName|invalid reference format|couldn't parse image|name must be lowercase")),
    ("architecture", re.compile(r"no match(?:ing)? (?:for platform|manifest)|does not match the specified platform")),
    ("rate", re.compile(r"toomanyrequests|429 Too Many Requests|rate limit", re.I)),
    ("name", re.compile(r"no such host|Temporary failure in name resolution|server misbehaving|lookup \S+ on ")),
    ("credentials", re.compile(r"no basic auth credentials")),
    ("hidden", re.compile(r"repository does not exist or may require|insufficient_scope")),
    ("credentials", re.compile(r"unauthorized|authentication required|no basic auth|\b40[13]\b|denied", re.I)),
    ("away", re.compile(
        r"connection (?:refused|reset)|i/o timeout|[Tt]imeout|deadline exceeded|no route to host|network is unreachable"
        r"|x509: |HTTP response to HTTPS|\b50[0234]\b|unexpected EOF|: EOF"
    )),
    ("absent", re.compile(r"not found|NotFound|manifest unknown|does not exist", re.I)),
)  # fmt: skip
_QUOTED: Final = re.compile(r'"[^"]*"')


@dataclass(frozen=True)
class Unpulled:
    """Containers of a workload that want the same image in vain. `kind` is one of _KINDS, `secret`, or empty."""

    subject: Subject
    image: str
    kind: str
    pods: frozenset[str]
    words: str
    since: datetime | None


def unpulled(picture: Picture) -> list[Unpulled]:
    return picture.once(_unpulled)


def _unpulled(picture: Picture) -> list[Unpulled]:
    groups: dict[tuple[Subject, str], list[ContainerState]] = {}
    for state in containers(picture):
        if state.waiting.get("reason") in _WAITING:
            groups.setdefault((state.subject, _image(state)), []).append(state)
    found = []
    for (subject, image), states in sorted(groups.items(), key=lambda item: (str(item[0][0]), item[0][1])):
        pods = frozenset(state.pod_name for state in states)
        kind, words = _why(image, states, pods, picture)
        since = min((moment for state in states if (moment := created(state.pod)) is not None), default=None)
        found.append(Unpulled(subject, image, kind, pods, words, since))
    return found


def not_pulled(rule: Rule, picture: Picture, kind: str, meaning: str) -> Iterable[Finding]:
    """The findings of a rule that takes one kind of sentence and blames the workload."""
    for found in unpulled(picture):
        if found.kind == kind:
            words = f" ({found.words})" if found.words else ""
            yield rule.finding(
                found.subject,
                f"{found.subject.name} cannot pull {found.image} in {count_of(set(found.pods))}: {meaning}{words}.",
                severity="error",
                confidence=0.97,
                evidence=picture.evidence_of("Pod", "Event"),
                onset=found.since,
            )


def _image(state: ContainerState) -> str:
    """As the template has it: the status may show what the runtime made of the name."""
    for key in ("initContainers", "containers"):
        for container in items(state.pod, "spec", key):
            if container.get("name") == state.name and container.get("image"):
                return str(container["image"])
    return str(state.status.get("image") or state.name)


def _why(image: str, states: list[ContainerState], pods: frozenset[str], picture: Picture) -> tuple[str, str]:
    said = [f"{state.waiting.get('reason')}: {state.waiting.get('message', '')}" for state in states]
    said += [
        event.message
        for event in events(picture, "Failed", "ErrImagePull", "InspectFailed", "ErrImageNeverPull")
        if event.kind == "Pod" and event.name in pods and _speaks_of(event.message, image, states)
    ]
    # The image's own name is no part of what is said about it: a repository may be called "unauthorized".
    texts = [
        _QUOTED.sub("", text).replace(image, "") if "://" not in text else text.replace(image, "") for text in said
    ]
    kind, text = next(
        ((kind, text) for kind, pattern in _KINDS for text in reversed(texts) if pattern.search(text)), ("", "")
    )
    if kind == "hidden":
        kind = "credentials" if _has_credentials(states) or _is_known(image, picture) else "absent"
    secrets = _missing_secrets(states, pods, picture) if kind in {"", "credentials", "absent"} else []
    if secrets and (kind != "absent" or "does not exist or may require" in text):
        return "secret", f"there is no Secret {join(secrets)}"
    return kind, _tail(text)


def _speaks_of(message: str, image: str, states: list[ContainerState]) -> bool:
    """Whether an event is about this image, or at least about no other of the same pods."""
    others = {
        str(container.get("image"))
        for state in states
        for key in ("initContainers", "containers")
        for container in items(state.pod, "spec", key)
    }
    return image in message or not any(other in message for other in others)


def _tail(text: str) -> str:
    """The last two parts of a sentence that wraps others, where the cause is."""
    return ": ".join(part.strip() for part in text.rstrip(". ").split(": ")[-2:] if part.strip())[:160]


def _has_credentials(states: list[ContainerState]) -> bool:
    return any(items(state.pod, "spec", "imagePullSecrets") for state in states)


def _is_known(image: str, picture: Picture) -> bool:
    """Whether a container of the namespace runs another image of that repository, or an earlier revision did."""
    others = {_image(state) for state in containers(picture) if state.status.get("ready") is True}
    for replica_set in picture.inventory.replica_sets:
        containers_of = items(section(replica_set, "spec", "template", "spec"), "containers")
        others |= {str(container.get("image")) for container in containers_of}
    return _repository(image) in {_repository(other) for other in others - {image}}


def _repository(image: str) -> str:
    name = image.split("@", 1)[0]
    head, colon, tag = name.rpartition(":")
    return head if colon and "/" not in tag else name


def _missing_secrets(states: list[ContainerState], pods: frozenset[str], picture: Picture) -> list[str]:
    """Pull secrets that the pods name and that are not there: by the kubelet's event, or by the list of Secrets."""
    named = {str(one.get("name")) for state in states for one in items(state.pod, "spec", "imagePullSecrets")}
    told = {
        name
        for event in events(picture, "FailedToRetrieveImagePullSecret")
        if event.name in pods and (match := re.search(r"secrets \((?P<names>[^)]*)\)", event.message))
        for name in re.split(r",\s*", match["names"])
        if name
    }
    known = {name_of(secret) for secret in _secrets(picture)}
    return sorted(told | (named - known if "Secret" in picture.listed else set()))


def _secrets(picture: Picture) -> tuple[Object, ...]:
    return picture.inventory.of_kind("Secret")
