"""WrongArchitecture (K8S081, state): an image is not built for the node's processor.

What: a container whose program the kernel cannot run (exec format error), or for whose node the registry has no image
(no match for platform in manifest).

Why it matters: the container ends each time the kubelet starts it, and the pod never serves.

Example: `Container app of cart does not start in 1 pod (cart-x): its image is for another processor (exec
/app/server: exec format error).`

What to do: build the image for the node's architecture too, or select nodes by kubernetes.io/arch. A script without a
first line `#!` says the same.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.pulls import not_pulled
from autodevops.investigation.rules.starts import not_started


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    yield from not_pulled(RULE, picture, "architecture", "it is not built for the node's processor")
    yield from not_started(RULE, picture, "architecture", "its image is for another processor")


RULE = Rule(
    "K8S081", "WrongArchitecture", "state", _check, specificity=0.93, stage=2, names_cause=True, documentation=__doc__
)
