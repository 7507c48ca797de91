"""The cells of `kubectl get`, as the API server prints them (k8s.io/kubernetes/pkg/printers/internalversion)."""
