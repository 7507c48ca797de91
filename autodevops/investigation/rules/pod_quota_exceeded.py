"""PodQuotaExceeded (K8S052, state): the namespace's quota allows no more pods.

What: refusals by a ResourceQuota over pods or count/pods, told by conditions or events; or, where none is left to
read, a quota without room for one more pod of a workload that is short of pods. The fault lies in the namespace, not
in the workload that happened to come last.

Why it matters: what runs stays; no rollout, surge, scaling or job gets what it wants.

Example: `Quota compute of namespace shop refuses what cart wants:
requested: pods=1, used: pods=27, limited: pods=27`

What to do: raise the quota, or remove pods that are not needed (finished Jobs do not count, waiting pods do).
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.quotas import exceeded


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    return exceeded(RULE, picture, "pods")


RULE = Rule("K8S052", "PodQuotaExceeded", "state", _check, specificity=0.95, names_cause=True, documentation=__doc__)
