"""Who may speak to a server over HTTP: bearer tokens, and which hosts and origins a request may name.

A plain ASGI wrapper around the SDK's app. The tokens are ours to compare; checking Host and Origin (DNS rebinding) is
the SDK's, and here only told what to allow. /healthz answers without a token: it says that the process is up and
nothing else.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence

from mcp.server.transport_security import TransportSecuritySettings
from starlette.datastructures import Headers
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from autodevops.kernel.loopback import is_loopback

HEALTH = "/healthz"
REALM = "autodevops"

_LOCAL = ("127.0.0.1", "localhost", "[::1]")


class Guard:
    """Lets requests with one of `tokens` pass; without tokens, all of them."""

    def __init__(self, app: ASGIApp, tokens: Sequence[str]) -> None:
        self._app = app
        self._digests = tuple(_digest(token) for token in tokens)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif scope["path"] == HEALTH:
            await JSONResponse({"status": "ok"})(scope, receive, send)
        elif refusal := self._refusal(Headers(scope=scope)):
            await refusal(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _refusal(self, headers: Headers) -> Response | None:
        """401 as RFC 6750 has it: an error code only where a token was given."""
        if not self._digests:
            return None
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and token.strip():
            given = _digest(token.strip())
            if any(hmac.compare_digest(given, one) for one in self._digests):
                return None
            return _unauthorized("invalid_token", "The access token is not one of this server's.")
        return _unauthorized("", "This server wants a bearer token.")


def security(host: str, allowed_hosts: Sequence[str], allowed_origins: Sequence[str]) -> TransportSecuritySettings:
    """Host and Origin headers that are accepted: loopback's, the address listened on, and those named.

    A name without a port is allowed with any port; an allowed host's own pages are allowed as origins.
    """
    own = [] if is_loopback(host) or _is_any(host) else [f"[{host}]" if ":" in host else host]
    hosts = [*_LOCAL, *own, *allowed_hosts]
    origins = [f"{scheme}://{name}" for name in hosts for scheme in ("http", "https")]
    return TransportSecuritySettings(
        enable_dns_rebinding_protection=True,
        allowed_hosts=[spelled for name in hosts for spelled in _with_ports(name)],
        allowed_origins=[spelled for name in (*origins, *allowed_origins) for spelled in _with_ports(name)],
    )


def _is_any(host: str) -> bool:
    return host in ("0.0.0.0", "::")


def _with_ports(name: str) -> tuple[str, ...]:
    last = name.rpartition("]")[2] if name.startswith("[") else name.rpartition("://")[2].rpartition("]")[2]
    return (name,) if ":" in last else (name, f"{name}:*")


def _unauthorized(error: str, words: str) -> Response:
    challenge = f'Bearer realm="{REALM}"'
    if error:
        challenge += f', error="{error}", error_description="{words}"'
    return JSONResponse(
        {"error": error or "unauthorized", "error_description": words},
        status_code=401,
        headers={"WWW-Authenticate": challenge},
    )


def _digest(token: str) -> bytes:
    """Of one length, so that comparing takes the same time for every token."""
    return hashlib.sha256(token.encode()).digest()
