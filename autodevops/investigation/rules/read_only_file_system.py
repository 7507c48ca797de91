"""ReadOnlyFileSystem (K8S087, state): a program writes where it may only read.

What: a container that ends because a file system is read-only: its own root (readOnlyRootFilesystem), or a volume
mounted so.

Why it matters: the container ends each time the kubelet starts it, and the pod never serves.

Example: `Container app of cart does not start in 1 pod (cart-x): it writes to a read-only file system (mkdir /cache:
read-only file system).`

What to do: mount an emptyDir where it writes, or mount the volume for writing.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.starts import not_started


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    return not_started(RULE, picture, "read-only", "it writes to a read-only file system")


RULE = Rule(
    "K8S087", "ReadOnlyFileSystem", "state", _check, specificity=0.93, stage=2, names_cause=True, documentation=__doc__
)
