"""ContainerRuntimeDown (K8S119, state): the container runtime of a node does not answer.

What: a node that is NotReady with the kubelet's words `container runtime is down` or `PLEG is not healthy`; or whose
unit of containerd, CRI-O or Docker is not active.

Why it matters: no container on it can be started, stopped or probed; those that run go on for a while.

Example: `Node node-2 has no container runtime: containerd.service is not active since 03:22 UTC; 4 pods of this
namespace are on it`

What to do: on the node, `systemctl status containerd` and its journal; start it again.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.machines import node_findings


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    return node_findings(RULE, picture)


RULE = Rule(
    "K8S119", "ContainerRuntimeDown", "state", _check, specificity=0.95, names_cause=True, documentation=__doc__
)
