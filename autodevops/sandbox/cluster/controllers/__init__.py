"""The loops of kube-controller-manager, one a file; `manager` runs them or does not."""
