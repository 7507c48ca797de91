"""MCP server for Tempo: find traces and read them, read only."""

from autodevops.servers.tempo.server import create_server

__all__ = ["create_server"]
