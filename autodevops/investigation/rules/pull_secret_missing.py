"""PullSecretMissing (K8S079, state): the pull secret that a template names does not exist.

What: a container waiting for an image that wants credentials, or for a reason not told, whose imagePullSecrets name a
Secret that is not there: by the kubelet (FailedToRetrieveImagePullSecret), or by the list of Secrets.

Why it matters: the new pod never starts. A Deployment keeps its old pods meanwhile, so the rollout hangs.

Example: `payments cannot pull registry.example/payments:1.9 in 1 pod (payments-x): its pull secret is missing (there
is no Secret registry).`

What to do: create the Secret (type kubernetes.io/dockerconfigjson) in this namespace, or correct its name.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.pulls import not_pulled


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    return not_pulled(RULE, picture, "secret", "its pull secret is missing")


RULE = Rule("K8S079", "PullSecretMissing", "state", _check, specificity=0.97, names_cause=True, documentation=__doc__)
