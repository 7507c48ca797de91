"""MCP server for a Kubernetes cluster: any resource, events, pod logs, rollout history; and, when allowed, writes."""

from autodevops.servers.kubernetes.server import create_server

__all__ = ["create_server"]
