"""MCP server for GitHub or GitHub Enterprise: commits, pull requests, issues, deployments, releases, files."""

from autodevops.servers.github.server import create_server

__all__ = ["create_server"]
