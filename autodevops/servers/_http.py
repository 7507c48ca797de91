"""The one border between our servers and HTTP: authentication, limits, and httpx errors in our words.

Each server holds one `HttpApi` per system. The connection pool opens at the first request and closes with the last
MCP session, so an unreachable or unconfigured system is an error of the tool that needed it, never of start-up.
"""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import httpx
from pydantic import ValidationError

from autodevops.kernel.errors import ToolDenied, ToolError, ToolRejected, ToolUnavailable
from autodevops.servers._failures import System, for_status, timed_out, unlike, unreachable
from autodevops.settings import AlertmanagerSettings, GitHubSettings, LokiSettings, PrometheusSettings, TempoSettings

HttpSettings = PrometheusSettings | AlertmanagerSettings | LokiSettings | TempoSettings | GitHubSettings
Params = Sequence[tuple[str, str]]

MAX_ANSWER_BYTES = 32 * 1024 * 1024  # what one answer may weigh before it is cut off unread; generous for 11,000 points
LONG_QUERY = 4000  # characters; beyond this a query goes in a form body, because proxies refuse longer addresses


@dataclass(frozen=True)
class Reply:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode(errors="replace")


class HttpApi:
    """GET (and long queries by POST) as JSON, from one configured system."""

    def __init__(self, name: str, section: str, settings: HttpSettings, headers: Mapping[str, str] | None = None):
        prefix = f"AUTODEVOPS_{section.upper()}__"
        self.system = System(
            name=name,
            address=_without_credentials(settings.url),
            address_setting=f"{prefix}URL",
            credential_setting=f"{prefix}TOKEN",
            timeout_setting=f"{prefix}TIMEOUT_SECONDS",
        )
        self._section = section
        self._settings = settings
        self._headers = dict(headers or {})
        self._client: httpx.AsyncClient | None = None
        self._users = 0

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Keep the connection pool while any session needs it."""
        self._users += 1
        try:
            yield
        finally:
            self._users -= 1
            if self._users == 0 and self._client is not None:
                client, self._client = self._client, None
                await client.aclose()

    async def get(self, path: str, params: Params = (), *, missing: str = "", form: bool = False) -> Any:
        """The JSON at `path`. `missing` names what a 404 means; `form` lets long parameters travel by POST."""
        reply = await self.fetch(path, params, missing=missing, form=form)
        try:
            return json.loads(reply.body)
        except ValueError as error:
            kind = reply.headers.get("content-type", "").split(";")[0] or "no content type"
            raise unlike(self.system, f"{kind} instead of JSON") from error

    async def fetch(self, path: str, params: Params = (), *, missing: str = "", form: bool = False) -> Reply:
        """The successful answer of `path`. Raises a ToolError for every other outcome."""
        try:
            async with asyncio.timeout(self._settings.timeout_seconds):
                reply = await self._send(path, params, form=form)
        except (TimeoutError, httpx.TimeoutException) as error:
            raise timed_out(self.system, f"{self._settings.timeout_seconds:g} s have passed") from error
        except httpx.LocalProtocolError:  # its text may quote the header, and with it the token
            raise self._unsendable() from None
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise self._clean(unreachable(self.system, error)) from None
        if 200 <= reply.status < 300:
            return reply
        raise self._refused(reply, missing)

    @contextmanager
    def understanding(self) -> Iterator[None]:
        """JSON of an unexpected shape means: that is not the system we think it is."""
        try:
            yield
        except (KeyError, TypeError, IndexError, AttributeError, ValueError, ValidationError) as error:
            raise unlike(self.system, "JSON of another shape") from error

    async def _send(self, path: str, params: Params, *, form: bool) -> Reply:
        client = self._connected()
        long = form and sum(len(value) for _, value in params) > LONG_QUERY
        if long:
            fields: dict[str, list[str]] = {}
            for key, value in params:
                fields.setdefault(key, []).append(value)
            request = client.build_request("POST", self._settings.url + path, data=fields)
        else:
            request = client.build_request("GET", self._settings.url + path, params=list(params) or None)
        response = await client.send(request, stream=True)
        try:
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > MAX_ANSWER_BYTES:
                    raise ToolRejected(
                        f"The answer of {self.system.name} is larger than {MAX_ANSWER_BYTES // 2**20} MiB.",
                        "Narrow the query, its window or its limit.",
                    )
            return Reply(response.status_code, response.headers, bytes(body))
        finally:
            await response.aclose()

    def _connected(self) -> httpx.AsyncClient:
        if self._client is None:
            self._client = self._connect()
        return self._client

    def _connect(self) -> httpx.AsyncClient:
        settings = self._settings
        if not settings.url:
            raise ToolUnavailable(
                f"{self.system.name} is not configured.",
                f"Set {self.system.address_setting} or [{self._section}] url in autodevops.toml.",
            )
        headers = {"User-Agent": "autodevops", "Accept": "application/json", **self._headers}
        auth: httpx.BasicAuth | None = None
        if settings.token.get_secret_value():
            headers["Authorization"] = f"Bearer {settings.token.get_secret_value()}"
        elif settings.username:
            auth = httpx.BasicAuth(settings.username, settings.password.get_secret_value())
        headers |= {name: value.get_secret_value() for name, value in settings.headers.items()}
        try:
            return httpx.AsyncClient(headers=headers, auth=auth, verify=self._trust(), timeout=settings.timeout_seconds)
        except UnicodeEncodeError:
            raise self._unsendable() from None

    def _trust(self) -> ssl.SSLContext:
        path = self._settings.ca_file
        if self._settings.url.startswith("http://"):
            return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # trusts nobody, and spares 20 ms of reading certificates
        try:
            return ssl.create_default_context(cafile=str(path) if path else None)
        except (OSError, ssl.SSLError) as error:
            raise ToolUnavailable(
                f"The certificate file {path} for {self.system.name} cannot be read: {error}.",
                f"Correct AUTODEVOPS_{self._section.upper()}__CA_FILE.",
            ) from error

    def _refused(self, reply: Reply, missing: str) -> ToolError:
        if 300 <= reply.status < 400:
            target = _without_credentials(reply.headers.get("location", "")).split("?")[0]
            return unlike(self.system, f"it redirects to {target or 'nowhere'}")
        if reply.headers.get("x-ratelimit-remaining") == "0" and reply.status in (403, 429):
            return ToolUnavailable(
                f"{self.system.place} has no requests left for this account until the limit resets.",
                f"Wait, or set {self.system.credential_setting} to a token with a higher limit.",
            )
        said, kind = _message(reply)
        if kind == "timeout":
            return self._clean(timed_out(self.system, said))
        return self._clean(for_status(self.system, reply.status, said, missing))

    def _clean(self, error: ToolError) -> ToolError:
        """A system may quote our request back; credentials must not travel further."""
        settings = self._settings
        secrets = [settings.token, settings.password, *settings.headers.values()]
        message = error.message
        for secret in (value.get_secret_value() for value in secrets):
            if secret:
                message = message.replace(secret, "***")
        return type(error)(message, error.next_step)

    def _unsendable(self) -> ToolDenied:
        return ToolDenied(
            f"The token or a header for {self.system.name} holds characters that HTTP does not allow.",
            f"Correct {self.system.credential_setting}: one line, no spaces around it.",
        )


def _message(reply: Reply) -> tuple[str, str]:
    """The system's own words and, from Prometheus, its kind of error."""
    try:
        document = json.loads(reply.body)
    except ValueError:
        return ("" if "html" in reply.headers.get("content-type", "") else reply.text), ""
    if isinstance(document, dict):
        said = next((document[key] for key in ("error", "message", "msg") if document.get(key)), "")
        return str(said), str(document.get("errorType", ""))
    return (document if isinstance(document, str) else ""), ""


def _without_credentials(url: str) -> str:
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=host))
