"""InvalidImageName (K8S083, state): the image's name is none.

What: a container waiting with InvalidImageName: the reference cannot be parsed (upper case, spaces, a scheme, two
tags).

Why it matters: the new pod never starts. A Deployment keeps its old pods meanwhile, so the rollout hangs.

Example: `payments cannot pull Registry.example/payments:1.9:x in 1 pod (payments-x): its name is not valid (invalid
reference format).`

What to do: correct the reference: registry/repository:tag in lower case, with no scheme.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.pulls import not_pulled


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    return not_pulled(RULE, picture, "invalid", "its name is not valid")


RULE = Rule("K8S083", "InvalidImageName", "state", _check, specificity=0.95, names_cause=True, documentation=__doc__)
