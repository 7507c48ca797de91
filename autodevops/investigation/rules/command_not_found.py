"""CommandNotFound (K8S088, state): a container's command is not in its image.

What: a container that fails to start because its command does not exist: by the runtime (executable file not found),
its shell (not found), or exit code 127.

Why it matters: the container ends each time the kubelet starts it, and the pod never serves.

Example: `Container app of cart does not start in 1 pod (cart-x): its command does not exist (exec: "srv": executable
file not found in $PATH).`

What to do: correct `command` in the template, or build the image with it; in a shell script see which of its commands
is meant.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.starts import not_started


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    return not_started(RULE, picture, "absent", "its command does not exist")


RULE = Rule(
    "K8S088", "CommandNotFound", "state", _check, specificity=0.93, stage=2, names_cause=True, documentation=__doc__
)
