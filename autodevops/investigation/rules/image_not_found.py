"""ImageNotFound (K8S075, state): there is no image of that name or tag.

What: a container waiting for an image of which the registry says that it has no such repository, tag or digest.

Why it matters: the new pod never starts. A Deployment keeps its old pods meanwhile, so the rollout hangs.

Example: `payments cannot pull registry.example/payments:1.9 in 1 pod (payments-x): there is no such image or tag (not
found).`

What to do: correct the name or tag, or push the image; until then roll back.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.pulls import not_pulled


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    return not_pulled(RULE, picture, "absent", "there is no such image or tag")


RULE = Rule("K8S075", "ImageNotFound", "state", _check, specificity=0.95, names_cause=True, documentation=__doc__)
