"""VolumeLost (K8S154, state): a claim is bound to a volume that does not exist any more.

What: a claim in phase Lost, or one that the scheduler calls bound to a non-existent PersistentVolume.

Why it matters: the object that led to the data is gone, and perhaps the data; no pod that mounts the claim is placed.

Example: `Claim reports has lost its volume: volume pvc-5d1f is gone`

What to do: look in the storage whether the volume is still there; make a PersistentVolume for it again with this
claim's claimRef, or restore from a backup into a new claim.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.domain.subject import Subject
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.scheduling import lost_claims


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    for name, words in sorted(lost_claims(picture).items()):
        yield RULE.finding(
            Subject(kind="PersistentVolumeClaim", name=name, namespace=picture.inventory.namespace, api_version="v1"),
            f"Claim {name} has lost its volume: {words}.",
            severity="error",
            confidence=0.97,
            evidence=picture.evidence_of("PersistentVolumeClaim", "Pod"),
        )


RULE = Rule("K8S154", "VolumeLost", "state", _check, specificity=0.96, names_cause=True, documentation=__doc__)
