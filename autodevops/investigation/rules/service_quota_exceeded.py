"""ServiceQuotaExceeded (K8S053, state): the namespace's quota allows no more Services.

What: refusals by a ResourceQuota over services, services.loadbalancers or services.nodeports, told by conditions or
events; or, where none is left to read, a full quota while callers address a workload that has no Service. The fault
lies in the namespace, not in the workload that happened to come last.

Why it matters: what runs stays; no rollout, surge, scaling or job gets what it wants.

Example: `Quota compute of namespace shop refuses what cart wants:
there is no Service cart, and 10 of 10 services are used`

What to do: raise the quota, or remove Services that nobody calls; then create the missing one again.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.quotas import exceeded


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    return exceeded(RULE, picture, "services")


RULE = Rule(
    "K8S053", "ServiceQuotaExceeded", "state", _check, specificity=0.95, names_cause=True, documentation=__doc__
)
