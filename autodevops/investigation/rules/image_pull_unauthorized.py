"""ImagePullUnauthorized (K8S078, state): the registry refuses the credentials, or wants some.

What: a container waiting for an image that the registry shows to nobody without (other) credentials: unauthorized,
denied, 401, 403.

Why it matters: the new pod never starts. A Deployment keeps its old pods meanwhile, so the rollout hangs.

Example: `payments cannot pull registry.example/payments:1.9 in 1 pod (payments-x): the registry refuses the
credentials (401 Unauthorized).`

What to do: renew the pull secret, name it in the template's imagePullSecrets or in the ServiceAccount, and see that
its server is the image's registry.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.pulls import not_pulled


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    return not_pulled(RULE, picture, "credentials", "the registry refuses the credentials")


RULE = Rule(
    "K8S078", "ImagePullUnauthorized", "state", _check, specificity=0.95, names_cause=True, documentation=__doc__
)
