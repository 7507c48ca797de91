"""VolumeMountFailed (K8S084, state): a volume cannot be mounted.

What: recent FailedMount events of a pod that is not up, or a container that cannot be made for its mounts (subPath, a
directory onto a file). A missing ConfigMap or Secret, and a volume that is attached elsewhere, have reasons of their
own.

Why it matters: the pod stays in ContainerCreating until the mount works.

Example: `1 pod (cart-x) of cart cannot mount its volumes: MountVolume.SetUp failed for volume "nfs" : mount failed:
exit status 32`

What to do: the message names the volume: see its server, its driver's pods on the node, its path and type.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.inventory import Object, name_of
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.event_faults import pod_faults
from autodevops.investigation.rules.missing_references import kind_of, lacking
from autodevops.investigation.rules.pods import count_of
from autodevops.investigation.rules.starts import not_started

_REFUSED = re.compile(r"permission denied|access denied|operation not permitted", re.I)


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    attached = {fault.subject for fault in pod_faults(picture, ("FailedAttachVolume",), bool)}
    for fault in pod_faults(picture, ("FailedMount",), lambda message: not kind_of(message)):
        if fault.subject not in attached and not any(lacking(pod, picture) for pod in _pods(fault.pods, picture)):
            refused = "is refused" if _REFUSED.search(fault.message) else "cannot mount"
            yield RULE.finding(
                fault.subject,
                f"{count_of(set(fault.pods))} of {fault.subject.name} {refused} its volumes: {fault.message.strip()}",
                severity="error",
                confidence=0.95,
                evidence=picture.evidence_of("Event", "Pod"),
                onset=fault.since,
            )
    yield from not_started(RULE, picture, "mount", "a mount fails")


def _pods(names: frozenset[str], picture: Picture) -> list[Object]:
    return [pod for pod in picture.inventory.pods if name_of(pod) in names]


RULE = Rule(
    "K8S084",
    "VolumeMountFailed",
    "state",
    _check,
    specificity=0.9,
    names_cause=True,
    may_follow=True,
    documentation=__doc__,
)
