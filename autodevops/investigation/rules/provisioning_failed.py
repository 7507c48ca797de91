"""ProvisioningFailed (K8S073, state): the provisioner of a storage class makes no volume.

What: a pending claim whose StorageClass has a provisioner which fails in events (ProvisioningFailed): no quota at the
cloud, wrong parameters, no topology, no such driver.

Why it matters: no volume is bound, and the pods that mount the claim are never placed.

Example: `Claim archive is not bound: failed to provision volume with StorageClass "ssd": rpc error: code =
ResourceExhausted`

What to do: follow the provisioner's sentence; look at its own pods.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.storage import not_bound


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    return not_bound(RULE, picture, "provisioning")


RULE = Rule("K8S073", "ProvisioningFailed", "state", _check, specificity=0.95, names_cause=True, documentation=__doc__)
