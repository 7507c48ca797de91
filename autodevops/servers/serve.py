"""Serving one MCP server to other programs: over stdio, or streamable HTTP on loopback.

On stdio, stdout belongs to the protocol: logs and everything else go to stderr.
"""

from __future__ import annotations

import contextlib
import errno
import ipaddress
import logging
import socket
import sys
from typing import Any

import uvicorn
from mcp.server import MCPServer

from autodevops.kernel.errors import UsageError

PATH = "/mcp"


def serve_stdio(server: MCPServer[Any]) -> None:
    """Until the client closes our stdin, or Ctrl-C."""
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s")
    with contextlib.suppress(KeyboardInterrupt):
        server.run("stdio")


def serve_http(server: MCPServer[Any], host: str, port: int) -> None:
    """Until Ctrl-C, at http://HOST:PORT/mcp. Raises UsageError for a host beyond loopback or a busy port."""
    with contextlib.closing(_listen(host, port)) as listener:
        logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s")
        app = server.streamable_http_app(streamable_http_path=PATH, host=host)
        shown = f"[{host}]" if ":" in host else host
        message = f"{server.title} over MCP at http://{shown}:{listener.getsockname()[1]}{PATH}"
        config = uvicorn.Config(app, log_config=None, timeout_graceful_shutdown=2)
        with contextlib.suppress(KeyboardInterrupt):
            _Announcing(config, message).run(sockets=[listener])


class _Announcing(uvicorn.Server):
    """Says where it listens once it does, and not before Ctrl-C is handled."""

    def __init__(self, config: uvicorn.Config, message: str) -> None:
        super().__init__(config)
        self._message = message

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        print(self._message, file=sys.stderr, flush=True)


def _listen(host: str, port: int) -> socket.socket:
    _require_loopback(host)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(128)
    except (OSError, OverflowError) as error:
        listener.close()
        if getattr(error, "errno", None) == errno.EADDRINUSE:
            raise UsageError(f"Port {port} on {host} is in use.", "Choose another with --port.") from error
        raise UsageError(f"Cannot listen on {host}:{port}: {error}.", "Choose another --host or --port.") from error
    return listener


def _require_loopback(host: str) -> None:
    try:
        loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise UsageError(
            f"Host {host} is reachable from other machines, and this server does not ask who calls.",
            "Use 127.0.0.1, and a tunnel or an authenticating proxy in front of it.",
        )
