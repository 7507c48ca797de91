"""The emulated Kubernetes API server: discovery, reads, watches, logs, and the writes that change the world."""
