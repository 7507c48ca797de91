"""A Kubernetes cluster in virtual time: the store, and everything that watches it and acts."""
