"""NetworkPluginNotReady (K8S120, state): a node waits for its network plugin.

What: a node that is NotReady because the runtime has no pod network (`cni plugin not initialized`), or on which the
network plugin's own pod in kube-system is in trouble.

Why it matters: no pod can start there but those of the host's network.

Example: `Node node-2 is NotReady (container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady
message:Network plugin returns error: cni plugin not initialized) since 03:22 UTC; 4 pods of this namespace are on it`

What to do: look at the network plugin's DaemonSet, and at /etc/cni/net.d on the node.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.inventory import node_subject, of_system
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.components import sick_pods
from autodevops.investigation.rules.machines import node_findings

_PLUGINS = ("calico-node", "cilium", "kindnet", "flannel", "kube-flannel", "weave-net", "canal", "aws-node", "antrea")


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    yield from node_findings(RULE, picture)
    for part in (part for plugin in _PLUGINS for part in sick_pods(picture, plugin)):
        here = len(picture.inventory.pods_on(part.node))
        if here:
            yield RULE.finding(
                node_subject(part.node),
                f"{part.subject.name}, the network plugin of node {part.node}, {part.words}; {here} pods of this"
                " namespace are on it.",
                severity="error",
                confidence=0.8,
                evidence=picture.evidence_of(of_system("Pod"), "Pod"),
                onset=part.since,
            )


RULE = Rule(
    "K8S120", "NetworkPluginNotReady", "state", _check, specificity=0.93, names_cause=True, documentation=__doc__
)
