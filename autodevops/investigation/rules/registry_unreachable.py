"""RegistryUnreachable (K8S077, state): the registry does not answer.

What: a container waiting for an image whose registry refuses connections, times out, fails, or shows a certificate
that the node does not trust.

Why it matters: the new pod never starts. A Deployment keeps its old pods meanwhile, so the rollout hangs.

Example: `payments cannot pull registry.example/payments:1.9 in 1 pod (payments-x): the registry does not answer
(connection refused).`

What to do: look at the registry, and at the way to it from the node: proxy, firewall, certificate authority.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.pulls import not_pulled


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    return not_pulled(RULE, picture, "away", "the registry does not answer")


RULE = Rule("K8S077", "RegistryUnreachable", "state", _check, specificity=0.95, names_cause=True, documentation=__doc__)
