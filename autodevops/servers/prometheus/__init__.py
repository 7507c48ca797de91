"""MCP server for Prometheus and, when it is configured, Alertmanager: metrics, rules, alerts, silences."""

from autodevops.servers.prometheus.server import create_server

__all__ = ["create_server"]
