"""The kubelets of all nodes: pods from their node on to their end, and what a node says of itself."""

from autodevops.sandbox.cluster.kubelet.nodes import shown_lease, shown_node
from autodevops.sandbox.cluster.kubelet.pods import Kubelet

__all__ = ["Kubelet", "shown_lease", "shown_node"]
