"""What the API server does not take, and how it says so (kubernetes/pkg/apis/*/validation)."""
