"""VolumeAttachFailed (K8S085, state): a volume cannot be attached to the pod's node.

What: recent FailedAttachVolume events of a pod that is not up: the volume is attached to another node (Multi-Attach),
or the storage refuses.

Why it matters: the pod stays in ContainerCreating; a ReadWriteOnce volume serves the pods of one node only.

Example: `1 pod (db-x) of db cannot attach its volume: Multi-Attach error for volume "pvc-1" Volume is already
exclusively attached to one node`

What to do: see which pod holds it; let a Deployment with such a volume use strategy Recreate; after the loss of a
node, delete the pod that is stuck on it.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.event_faults import pod_faults
from autodevops.investigation.rules.pods import count_of


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    for fault in pod_faults(picture, ("FailedAttachVolume",), bool):
        yield RULE.finding(
            fault.subject,
            f"{count_of(set(fault.pods))} of {fault.subject.name} cannot attach its volume: {fault.message.strip()}",
            severity="error",
            confidence=0.95,
            evidence=picture.evidence_of("Event", "Pod"),
            onset=fault.since,
        )


RULE = Rule(
    "K8S085",
    "VolumeAttachFailed",
    "state",
    _check,
    specificity=0.95,
    names_cause=True,
    may_follow=True,
    documentation=__doc__,
)
