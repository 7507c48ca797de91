"""Five MCP servers, one per system. They know nothing of each other; each is usable alone by any MCP client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from autodevops.kernel.clock import Clock, utc_now
from autodevops.kernel.errors import UsageError
from autodevops.settings import Settings

if TYPE_CHECKING:
    from autodevops.servers._tools import Server

NAMES = ("kubernetes", "prometheus", "loki", "tempo", "github")


def create(name: str, settings: Settings, *, clock: Clock = utc_now, plain: bool = False) -> Server:
    """The server called `name`, from its sections of the settings. Contacts nothing. Raises UsageError.

    `clock` says what `now` and `-1h` mean in an argument. `plain` servers are for a client in the same process.
    """
    if name == "kubernetes":
        from autodevops.servers import kubernetes

        return kubernetes.create_server(settings.kubernetes, plain=plain)
    if name == "prometheus":
        from autodevops.servers import prometheus

        return prometheus.create_server(settings.prometheus, settings.alertmanager, clock=clock, plain=plain)
    if name == "loki":
        from autodevops.servers import loki

        return loki.create_server(settings.loki, clock=clock, plain=plain)
    if name == "tempo":
        from autodevops.servers import tempo

        return tempo.create_server(settings.tempo, clock=clock, plain=plain)
    if name == "github":
        from autodevops.servers import github

        return github.create_server(settings.github, clock=clock, plain=plain)
    raise UsageError(f"There is no MCP server {name!r}.", f"Choose one of: {', '.join(NAMES)}.")


def run(
    name: str,
    settings: Settings,
    *,
    transport: Literal["stdio", "http"] | str = "stdio",
    host: str = "127.0.0.1",
    port: int = 8811,
) -> None:
    """Serve until the client leaves (stdio) or Ctrl-C. Raises UsageError for what cannot be served.

    Tokens, allowed hosts and TLS of http are those of `settings.mcp_server`.
    """
    from autodevops.servers.serve import HttpOptions, serve_http, serve_stdio

    server = create(name, settings)
    if transport == "stdio":
        serve_stdio(server)
    elif transport == "http":
        http = settings.mcp_server
        serve_http(
            server,
            HttpOptions(
                host=host,
                port=port,
                tokens=tuple(token.get_secret_value() for token in http.tokens),
                token_file=http.token_file,
                allowed_hosts=http.allowed_hosts,
                allowed_origins=http.allowed_origins,
                tls_cert=http.tls_cert,
                tls_key=http.tls_key,
            ),
        )
    else:
        raise UsageError(f"There is no transport {transport!r}.", "Choose stdio or http.")


__all__ = ["NAMES", "create", "run"]
