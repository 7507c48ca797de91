"""ObjectQuotaExceeded (K8S055, state): the namespace's quota allows no more objects of a kind.

What: refusals by a ResourceQuota over a count of objects, such as count/jobs.batch, configmaps or secrets, told by
conditions or events; or, where none is left to read, a quota without room for one more pod of a workload that is
short of pods. The fault lies in the namespace, not in the workload that happened to come last.

Why it matters: what runs stays; no rollout, surge, scaling or job gets what it wants.

Example: `Quota compute of namespace shop refuses what cart wants:
requested: count/jobs.batch=1, used: count/jobs.batch=50, limited: count/jobs.batch=50`

What to do: raise the quota, or delete old objects (for Jobs set ttlSecondsAfterFinished or shorten the history).
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.quotas import exceeded


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    return exceeded(RULE, picture, "objects")


RULE = Rule("K8S055", "ObjectQuotaExceeded", "state", _check, specificity=0.95, names_cause=True, documentation=__doc__)
