"""RegistryUnresolvable (K8S076, state): the registry's name does not resolve.

What: a container waiting for an image whose registry the node cannot look up (no such host).

Why it matters: the new pod never starts. A Deployment keeps its old pods meanwhile, so the rollout hangs.

Example: `payments cannot pull registry.exmple/payments:1.9 in 1 pod (payments-x): the registry's name does not
resolve (no such host).`

What to do: correct the registry's name in the image, or the node's own DNS (the cluster's plays no part in pulls).
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.pulls import not_pulled


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    return not_pulled(RULE, picture, "name", "the registry's name does not resolve")


RULE = Rule(
    "K8S076", "RegistryUnresolvable", "state", _check, specificity=0.95, names_cause=True, documentation=__doc__
)
