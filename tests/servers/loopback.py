"""A real HTTP server on loopback for as long as a test needs it, and the call of one tool through a real client."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn
from mcp import Client
from mcp.server import MCPServer
from starlette.types import ASGIApp

from autodevops.toolbox import McpToolbox


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.up.set()


@dataclass(frozen=True)
class Tls:
    """What a server shows, and whose client certificates it insists on."""

    certificate: Path
    key: Path
    clients: Path | None = None


@contextmanager
def serve(app: ASGIApp, tls: Tls | None = None) -> Iterator[str]:
    """Serve `app` in a thread; yields its base URL."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    config = uvicorn.Config(app, log_config=None, lifespan="off", timeout_graceful_shutdown=1, ws="websockets-sansio")
    if tls is not None:
        config.ssl_certfile, config.ssl_keyfile = tls.certificate, tls.key
        if tls.clients is not None:
            config.ssl_ca_certs, config.ssl_cert_reqs = str(tls.clients), ssl.CERT_REQUIRED
    server = _Server(config)
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    assert server.up.wait(60), "the loopback server did not start"
    try:
        yield f"http{'s' if tls else ''}://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(60)
        listener.close()


async def call(server: MCPServer[Any], tool: str, /, **arguments: Any) -> dict[str, Any]:
    """The structured answer, through the official client, schema validation included."""
    async with Client(server) as client:
        result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.content
    assert result.structured_content is not None
    answer: dict[str, Any] = result.structured_content
    return answer


async def ask(server: MCPServer[Any], tool: str, /, **arguments: Any) -> Any:
    """The answer through the toolbox; raises the error that the tool raised."""
    async with McpToolbox({"x": server}) as tools:
        return (await tools.call(f"x.{tool}", arguments)).data
