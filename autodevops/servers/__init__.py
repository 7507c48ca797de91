"""Five MCP servers, one per system. They know nothing of each other; each is usable alone by any MCP client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from autodevops.kernel.errors import UsageError
from autodevops.settings import Settings

if TYPE_CHECKING:
    from mcp.server import MCPServer

NAMES = ("kubernetes", "prometheus", "loki", "tempo", "github")


def create(name: str, settings: Settings) -> MCPServer[Any]:
    """The server called `name`, from its sections of the settings. Contacts nothing. Raises UsageError."""
    if name == "kubernetes":
        from autodevops.servers import kubernetes

        return kubernetes.create_server(settings.kubernetes)
    if name == "prometheus":
        from autodevops.servers import prometheus

        return prometheus.create_server(settings.prometheus, settings.alertmanager)
    if name == "loki":
        from autodevops.servers import loki

        return loki.create_server(settings.loki)
    if name == "tempo":
        from autodevops.servers import tempo

        return tempo.create_server(settings.tempo)
    if name == "github":
        from autodevops.servers import github

        return github.create_server(settings.github)
    raise UsageError(f"There is no MCP server {name!r}.", f"Choose one of: {', '.join(NAMES)}.")


def run(
    name: str,
    settings: Settings,
    *,
    transport: Literal["stdio", "http"] | str = "stdio",
    host: str = "127.0.0.1",
    port: int = 8811,
) -> None:
    """Serve until the client leaves (stdio) or Ctrl-C. Raises UsageError for what cannot be served."""
    from autodevops.servers.serve import serve_http, serve_stdio

    server = create(name, settings)
    if transport == "stdio":
        serve_stdio(server)
    elif transport == "http":
        serve_http(server, host, port)
    else:
        raise UsageError(f"There is no transport {transport!r}.", "Choose stdio or http.")


__all__ = ["NAMES", "create", "run"]
