"""ImagePullBackOff (K8S003, state): the kubelet cannot get a container's image, and nobody says why.

What: a container waiting with ErrImagePull, ImagePullBackOff, RegistryUnavailable or ImageInspectError, where no
sentence of the runtime is left that a rule of its own takes.

Why it matters: the new pod never starts. A Deployment keeps its old pods meanwhile, so the rollout hangs.

Example: `payments cannot pull registry.example/payments:1.9 in 1 pod (payments-x): the runtime does not say why.`

What to do: see the events of a new pod; then correct the name, the tag, the pull secret or the registry; until then
roll back.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.pulls import not_pulled


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    return not_pulled(RULE, picture, "", "the runtime does not say why")


RULE = Rule(
    "K8S003",
    "ImagePullBackOff",
    "state",
    _check,
    specificity=0.85,
    names_cause=True,
    general=True,
    documentation=__doc__,
)
