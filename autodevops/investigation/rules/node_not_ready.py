"""NodeNotReady (K8S008, state): a node that runs pods of the namespace does not answer for them.

What: a node whose Ready condition is False or Unknown and that holds pods of the namespace. Where it is known that the
machine lives, or that its runtime or network plugin is the reason, it is KubeletDown, ContainerRuntimeDown or
NetworkPluginNotReady.

Why it matters: after five minutes its pods are evicted; until then they are counted and do not serve.

Example: `Node node-2 is NotReady (Kubelet stopped posting node status.) since 03:22 UTC; 4 pods of this namespace are
on it`

What to do: look at the kubelet and the machine; cordon and drain it to move the pods at once.
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
    "K8S008", "NodeNotReady", "state", _check, specificity=0.75, names_cause=True, general=True, documentation=__doc__
)
