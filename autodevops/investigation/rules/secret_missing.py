"""SecretMissing (K8S036, state): a template refers to a Secret that does not exist.

What: the kubelet's sentence in a waiting container's state, or in FailedMount events of its pod.

Why it matters: the pod never starts. A rolling update keeps the old pods, so it may go unnoticed until they go.

Example: `1 pod (cart-x) of cart cannot start: secret "cart-db" not found`

What to do: create what is missing, or roll back the change that began to refer to it; `optional: true` where it may
be absent.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.missing_references import missing


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    return missing(RULE, picture, "secret")


RULE = Rule(
    "K8S036", "SecretMissing", "state", _check, specificity=0.9, names_cause=True,
    documentation=__doc__,
)  # fmt: skip
