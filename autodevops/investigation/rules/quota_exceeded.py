"""QuotaExceeded (K8S010, state): the namespace's quota refuses pods for a resource that has no reason of its own.

What: refusals by a ResourceQuota that counts a resource which the template does not set (`must specify limits.cpu`),
or over an extended resource or ephemeral storage. CPU, memory, pods, Services, storage and object counts have reasons
of their own. The fault lies in the namespace, not in the workload that happened to come last.

Why it matters: the pods that run stay; no rollout, surge, scaling or job gets a new one.

Example: `Quota limits of namespace shop refuses what cart wants: must specify limits.cpu for: app`

What to do: set the requests and limits that the quota counts (or a LimitRange with defaults), or raise the quota.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.quotas import exceeded


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    return exceeded(RULE, picture, "")


RULE = Rule("K8S010", "QuotaExceeded", "state", _check, specificity=0.95, names_cause=True, documentation=__doc__)
