"""InvalidArguments (K8S090, state): a program does not know the arguments it is given.

What: a container that ends because its program does not take an argument, flag or subcommand.

Why it matters: the container ends each time the kubelet starts it, and the pod never serves.

Example: `Container app of cart does not start in 1 pod (cart-x): its arguments are refused (unknown flag: --prot).`

What to do: correct `args` in the template, or see which version of the program takes them.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.starts import not_started


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    return not_started(RULE, picture, "arguments", "its arguments are refused")


RULE = Rule(
    "K8S090", "InvalidArguments", "state", _check, specificity=0.93, stage=2, names_cause=True, documentation=__doc__
)
