"""StorageQuotaExceeded (K8S054, state): the namespace's quota allows no more volume claims or storage.

What: refusals by a ResourceQuota over requests.storage, persistentvolumeclaims or those of one storage class, told by
conditions or events; or, where none is left to read, a quota without room for one more pod of a workload that is
short of pods. The fault lies in the namespace, not in the workload that happened to come last.

Why it matters: what runs stays; no rollout, surge, scaling or job gets what it wants.

Example: `Quota compute of namespace shop refuses what cart wants:
requested: persistentvolumeclaims=1, used: persistentvolumeclaims=4, limited: persistentvolumeclaims=4`

What to do: raise the quota, ask for smaller claims, or delete claims that no pod mounts.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.quotas import exceeded


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    return exceeded(RULE, picture, "storage")


RULE = Rule(
    "K8S054", "StorageQuotaExceeded", "state", _check, specificity=0.95, names_cause=True, documentation=__doc__
)
