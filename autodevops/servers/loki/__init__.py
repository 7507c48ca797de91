"""MCP server for Loki: log lines, metrics over them, and following them, read only."""

from autodevops.servers.loki.records import log_records
from autodevops.servers.loki.server import create_server

__all__ = ["create_server", "log_records"]
