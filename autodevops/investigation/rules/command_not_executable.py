"""CommandNotExecutable (K8S089, state): a container's command may not be executed.

What: a container that fails to start because its command is a file without the right to execute it, or a directory:
by the runtime or exit code 126.

Why it matters: the container ends each time the kubelet starts it, and the pod never serves.

Example: `Container app of cart does not start in 1 pod (cart-x): its command cannot be executed (exec: "/srv":
permission denied).`

What to do: `chmod +x` it in the image (a ConfigMap needs defaultMode 0755), or correct `command`.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.starts import not_started


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    return not_started(RULE, picture, "forbidden", "its command cannot be executed")


RULE = Rule(
    "K8S089",
    "CommandNotExecutable",
    "state",
    _check,
    specificity=0.93,
    stage=2,
    names_cause=True,
    documentation=__doc__,
)
