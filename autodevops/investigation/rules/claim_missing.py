"""ClaimMissing (K8S072, state): a pod mounts a claim that does not exist.

What: a pending pod that the scheduler refuses because a PersistentVolumeClaim of its volumes is not found or is being
deleted; or that mounts one which is not among the namespace's. A claim that lost its volume is VolumeLost.

Why it matters: the pod is never placed.

Example: `1 pod (reports-x) of reports fit on no node: persistentvolumeclaim "reports-data" not found`

What to do: create the claim (restore its volume from a backup where it was deleted), or correct `claimName`.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.inventory import name_of
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.quotas import unclaimed
from autodevops.investigation.rules.scheduling import blame, claims_of, lost_claims, unplaced


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    withheld = {subject for subject, _, _ in unclaimed(picture.inventory)}
    lost = lost_claims(picture)
    known = {name_of(claim) for claim in picture.inventory.of_kind("PersistentVolumeClaim")}
    for found in unplaced(picture):
        absent = sorted({name for pod in found.pods for name in claims_of(pod)} - known)
        named = 'persistentvolumeclaim "' in found.sentence and not any(f'"{name}"' in found.sentence for name in lost)
        if (
            found.subject not in withheld
            and found.kind == "volume"
            and (named or (absent and "PersistentVolumeClaim" in picture.listed))
        ):
            yield blame(RULE, picture, found, f"no claim {absent[0]}" if absent else "")


RULE = Rule("K8S072", "ClaimMissing", "state", _check, specificity=0.9, names_cause=True, documentation=__doc__)
