"""`autodevops mcp`: our MCP servers, for any MCP client."""

from __future__ import annotations

import json
import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from autodevops.cli.mcp_config import EXPANDS, PLACES, Client, secret_names, sections_of, snippet, this_command
from autodevops.kernel.errors import UsageError
from autodevops.settings import Settings, load_settings

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
    token_file: Annotated[
        Path | None, typer.Option(help="File of bearer tokens, one a line, of which clients must send one (http).")
    ] = None,
    allowed_host: Annotated[
        list[str] | None, typer.Option(help="Another Host header to accept, e.g. mcp.example.org (http; repeatable).")
    ] = None,
    allowed_origin: Annotated[
        list[str] | None, typer.Option(help="Another Origin header to accept, as of a web page (http; repeatable).")
    ] = None,
    tls_cert: Annotated[Path | None, typer.Option(help="PEM certificate to serve https with.")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="Its PEM key.")] = None,
    allow_writes: Annotated[
        bool, typer.Option("--allow-writes", help="Offer the tools that change the system as well.")
    ] = False,
) -> None:
    """Serve one system over stdio or streamable HTTP (path /mcp; /healthz says that it is up).

    Beyond loopback a token is required. Tools that change the system are offered with --allow-writes, or where the
    settings say allow_writes.
    """
    from autodevops import servers

    given = {
        "token_file": token_file,
        "allowed_hosts": allowed_host,
        "allowed_origins": allowed_origin,
        "tls_cert": tls_cert,
        "tls_key": tls_key,
    }
    flags: dict[str, dict[str, object]] = {"mcp_server": {key: value for key, value in given.items() if value}}
    if allow_writes:
        flags |= {section: {"allow_writes": True} for section in _written_by(name.value)}
    servers.run(name.value, load_settings(**flags), transport=transport.value, host=host, port=port)


def _written_by(server: str) -> tuple[str, ...]:
    """The sections of the settings that allow a server's writes. Raises UsageError when it has none."""
    models = {section: Settings.model_fields[section].annotation for section in sections_of(server)}
    found = tuple(name for name, model in models.items() if "allow_writes" in getattr(model, "model_fields", {}))
    if not found:
        raise UsageError(f"The {server} server only reads.", "Leave --allow-writes out.")
    return found


@app.command("config")
def config(
    client: Annotated[Client, typer.Option(help="For which MCP client.")] = Client.claude_desktop,
    transport: Annotated[
        Transport, typer.Option(help="stdio: the client starts the servers; http: they are served already.")
    ] = (Transport.stdio),
) -> None:
    """Print the JSON with which another MCP client uses our servers; stderr says where to put it."""
    from autodevops import servers

    http = transport is Transport.http
    document = snippet(client, servers.NAMES, http, os.environ, this_command())
    print(json.dumps(document, indent=2))
    print(PLACES[client], file=sys.stderr)
    if http:
        print("Serve each beforehand: `autodevops mcp serve NAME --transport http --port PORT`.", file=sys.stderr)
    elif secrets := secret_names(os.environ):
        print(
            f"Secrets go as references: {', '.join(secrets)}. {EXPANDS[client]}",
            file=sys.stderr,
        )
