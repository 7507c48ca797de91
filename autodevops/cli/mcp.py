"""`autodevops mcp`: our MCP servers, for any MCP client."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from autodevops.settings import load_settings

app = typer.Typer(help="Serve the systems to any MCP client.", no_args_is_help=True)


class ServerName(StrEnum):
    kubernetes = "kubernetes"
    prometheus = "prometheus"
    loki = "loki"
    tempo = "tempo"
    github = "github"


class Transport(StrEnum):
    stdio = "stdio"
    http = "http"


@app.callback()
def _group() -> None:
    """Serve the systems to any MCP client."""


@app.command("serve")
def serve(
    name: Annotated[ServerName, typer.Argument(help="Which system.")],
    transport: Annotated[
        Transport, typer.Option(help="stdio for a client that starts us; http for streamable HTTP.")
    ] = (Transport.stdio),
    host: Annotated[str, typer.Option(help="Address to listen on (http).")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on (http).", min=1, max=65535)] = 8811,
) -> None:
    """Serve one system over stdio or streamable HTTP (path /mcp)."""
    from autodevops import servers

    servers.run(name.value, load_settings(), transport=transport.value, host=host, port=port)
