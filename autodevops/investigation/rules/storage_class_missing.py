"""StorageClassMissing (K8S039, state): a claim asks for a storage class that does not exist.

What: a pending PersistentVolumeClaim that names a StorageClass the cluster does not have, and that no volume of that
class can serve either.

Why it matters: no volume is made, and the pods that mount the claim are never placed.

Example: `Claim reports-data asks for storage class fast-ssd, which does not exist; there are standard`

What to do: create the class, or make the claim again with one that exists (the class of a claim cannot be changed).
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.inventory import metadata, name_of, section
from autodevops.investigation.picture import Picture
from autodevops.investigation.rollouts import parse_time
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.scheduling import pending_claims


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    classes = {name_of(item) for item in picture.inventory.of_kind("StorageClass")}
    for name, claim in sorted(pending_claims(picture).items()):
        wanted = section(claim, "spec").get("storageClassName")
        static = any(
            section(volume, "spec").get("storageClassName") == wanted
            for volume in picture.inventory.of_kind("PersistentVolume")
        )
        if "StorageClass" in picture.listed and wanted and wanted not in classes and not static:
            yield RULE.finding(
                picture.inventory.object_subject(claim),
                f"Claim {name} asks for storage class {wanted}, which does not exist; there are"
                f" {', '.join(sorted(classes)) or 'none'}.",
                severity="error",
                confidence=0.97,
                evidence=picture.evidence_of("PersistentVolumeClaim", "StorageClass"),
                onset=parse_time(metadata(claim).get("creationTimestamp")),
            )


RULE = Rule(
    "K8S039", "StorageClassMissing", "state", _check, specificity=0.95, names_cause=True,
    documentation=__doc__,
)  # fmt: skip
