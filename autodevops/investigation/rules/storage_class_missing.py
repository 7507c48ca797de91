"""StorageClassMissing (K8S039, state): a claim asks for a storage class that does not exist.

What: a pending PersistentVolumeClaim that somebody waits for and that names a StorageClass which the cluster does not
have (or, where classes may not be listed, which the volume controller says is not found), and that no volume of that
class can serve either.

Why it matters: no volume is bound, and the pods that mount the claim are never placed.

Example: `Claim reports-data asks for storage class fast-ssd, which does not exist; there are standard`

What to do: create the class, or make the claim again with one that exists (the class of a claim cannot be changed).
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.storage import not_bound


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    return not_bound(RULE, picture, "missing class")


RULE = Rule("K8S039", "StorageClassMissing", "state", _check, specificity=0.95, names_cause=True, documentation=__doc__)
