"""MemoryQuotaExceeded (K8S051, state): the namespace's quota has no memory left for what its workloads want.

What: refusals by a ResourceQuota over requests.memory or limits.memory, told by conditions or events; or, where none
is left to read, a quota without room for one more pod of a workload that is short of pods. The fault lies in the
namespace, not in the workload that happened to come last.

Why it matters: what runs stays; no rollout, surge, scaling or job gets what it wants.

Example: `Quota compute of namespace shop refuses what cart wants:
requested: limits.memory=512Mi, used: limits.memory=7936Mi, limited: limits.memory=8Gi`

What to do: raise the quota, lower requests or limits of what runs, or run fewer replicas.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.quotas import exceeded


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    return exceeded(RULE, picture, "memory")


RULE = Rule("K8S051", "MemoryQuotaExceeded", "state", _check, specificity=0.95, names_cause=True, documentation=__doc__)
