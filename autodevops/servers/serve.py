"""Serving one MCP server to other programs: over stdio, or streamable HTTP, with TLS where it is given.

Beyond loopback only with a token: what these servers read, and may change, is not for everybody on the network. Who
may call is decided in `guard`. On stdio, stdout belongs to the protocol: logs and everything else go to stderr.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import socket
import ssl
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn
from mcp.server import MCPServer

from autodevops.kernel.errors import UsageError
from autodevops.kernel.loopback import is_loopback
from autodevops.servers.guard import Guard, security

PATH = "/mcp"
MIN_TOKEN = 16  # characters; a shorter one can be guessed over a network


@dataclass(frozen=True)
class HttpOptions:
    host: str = "127.0.0.1"
    port: int = 8811
    tokens: tuple[str, ...] = ()
    token_file: Path | None = None  # one token a line; `#` begins a comment
    allowed_hosts: tuple[str, ...] = ()
    allowed_origins: tuple[str, ...] = ()
    tls_cert: Path | None = None
    tls_key: Path | None = None


def serve_stdio(server: MCPServer[Any]) -> None:
    """Until the client closes our stdin, or Ctrl-C."""
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s")
    with contextlib.suppress(KeyboardInterrupt):
        server.run("stdio")


def serve_http(server: MCPServer[Any], options: HttpOptions) -> None:
    """Until Ctrl-C, at http(s)://HOST:PORT/mcp. Raises UsageError for what cannot, or must not, be served."""
    tokens = _tokens(options)
    secure = _checked_tls(options)
    if not tokens and not is_loopback(options.host):
        raise UsageError(
            f"Host {options.host} is reachable from other machines, and this server has no token to ask for.",
            "Give --token-file (or AUTODEVOPS_MCP_SERVER__TOKENS), or listen on 127.0.0.1.",
        )
    with contextlib.closing(_listen(options.host, options.port)) as listener:
        logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s")
        inner = server.streamable_http_app(
            streamable_http_path=PATH,
            host=options.host,
            transport_security=security(options.host, options.allowed_hosts, options.allowed_origins),
        )
        shown = f"[{options.host}]" if ":" in options.host else options.host
        scheme = "https" if secure else "http"
        if not secure and not is_loopback(options.host):
            print("Warning: tokens and answers travel unencrypted; give --tls-cert and --tls-key.", file=sys.stderr)
        message = f"{server.title} over MCP at {scheme}://{shown}:{listener.getsockname()[1]}{PATH}"
        config = uvicorn.Config(
            Guard(inner, tokens),
            log_config=None,
            timeout_graceful_shutdown=2,
            ssl_certfile=options.tls_cert if secure else None,
            ssl_keyfile=options.tls_key if secure else None,
            lifespan="on",
        )
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


def _tokens(options: HttpOptions) -> tuple[str, ...]:
    """Those of the settings and those of the file. Raises UsageError for one that is no good."""
    found = [*options.tokens]
    if options.token_file:
        try:
            found += _lines(options.token_file.read_text())
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(
                f"The token file {options.token_file} cannot be read: {error}.", "Correct --token-file."
            ) from error
        if not found:
            raise UsageError(f"The token file {options.token_file} has no token.", "Write one token a line into it.")
    if any(len(token) < MIN_TOKEN or not token.isascii() or " " in token for token in found):
        raise UsageError(
            f"A token of this server is shorter than {MIN_TOKEN} characters, or has blanks in it.",
            "Make one: python -c 'import secrets; print(secrets.token_urlsafe())'.",
        )
    return tuple(found)


def _lines(text: str) -> Iterator[str]:
    for line in text.splitlines():
        if token := line.partition("#")[0].strip():
            yield token


def _checked_tls(options: HttpOptions) -> bool:
    """Whether TLS is asked for. Raises UsageError when its files cannot be used: uvicorn would die with a traceback."""
    if not options.tls_cert and not options.tls_key:
        return False
    if not options.tls_cert or not options.tls_key:
        raise UsageError("TLS needs a certificate and its key.", "Give both --tls-cert and --tls-key.")
    try:
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(
            options.tls_cert, options.tls_key, password=lambda: ""
        )
    except (OSError, ValueError) as error:  # SSLError is an OSError
        raise UsageError(
            f"The certificate {options.tls_cert} with key {options.tls_key} cannot be used: {error}.",
            "Give PEM files that belong together, the key without a passphrase.",
        ) from error
    return True


def _listen(host: str, port: int) -> socket.socket:
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
