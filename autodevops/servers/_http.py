"""The one border between our servers and HTTP: limits, and httpx errors in our words.

Each server holds one `HttpApi` per system. The connection pool opens at the first request and closes with the last
MCP session, so an unreachable or unconfigured system is an error of the tool that needed it, never of start-up.
What is shown to be let in is `_credentials`' matter; what a refusal means, `_failures`'.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import OrderedDict
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
from pydantic import ValidationError

from autodevops.kernel.clock import Clock, utc_now
from autodevops.kernel.durations import roughly
from autodevops.kernel.errors import ToolError, ToolRejected, ToolTimeout, ToolUnavailable
from autodevops.servers._credentials import Credentials, HttpSettings
from autodevops.servers._failures import System, for_status, timed_out, unlike, unreachable, without_credentials
from autodevops.servers._json import decoded

Params = Sequence[tuple[str, str]]

MAX_ANSWER_BYTES = 32 * 1024 * 1024  # what one answer may weigh before it is cut off unread; generous for 11,000 points
MAX_KEPT_BYTES = 1024 * 1024  # of one answer that is kept to be asked for by ETag
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
    """JSON from one configured system. With `kept` answers it asks GitHub-like systems only for what changed."""

    def __init__(
        self,
        name: str,
        section: str,
        settings: HttpSettings,
        headers: Mapping[str, str] | None = None,
        *,
        kept: int = 0,
        clock: Clock = utc_now,
    ) -> None:
        prefix = f"AUTODEVOPS_{section.upper()}__"
        self.system = System(
            name=name,
            address=without_credentials(settings.url),
            address_setting=f"{prefix}URL",
            credential_setting=f"{prefix}{'TOKEN_FILE' if settings.token_file else 'TOKEN'}",
            trust_setting=f"{prefix}CA_FILE",
            timeout_setting=f"{prefix}TIMEOUT_SECONDS",
            tenant_setting=f"{prefix}TENANT" if hasattr(settings, "tenant") else "",
            certificate_setting=f"{prefix}CERT_FILE",
        )
        self.credentials = Credentials(name, section, settings, headers or {})
        self._section = section
        self._settings = settings
        self._clock = clock
        self._client: httpx.AsyncClient | None = None
        self._stamps: tuple[object, ...] = ()
        self._outdated: list[httpx.AsyncClient] = []  # made with older certificates, perhaps still answering somebody
        self._users = 0
        self._kept_limit = kept
        self._kept: OrderedDict[str, Reply] = OrderedDict()

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Keep the connection pool while any session needs it."""
        self._users += 1
        try:
            yield
        finally:
            self._users -= 1
            if self._users == 0:
                clients = [*self._outdated, *((self._client,) if self._client else ())]
                self._client, self._outdated = None, []
                for client in clients:
                    await client.aclose()

    async def get(self, path: str, params: Params = (), *, missing: str = "", form: bool = False) -> Any:
        """The JSON at `path`. `missing` names what a 404 means; `form` lets long parameters travel by POST."""
        return self.json(await self.fetch(path, params, missing=missing, form=form))

    async def fetch(self, path: str, params: Params = (), *, missing: str = "", form: bool = False) -> Reply:
        """The successful answer of `path`. Raises a ToolError for every other outcome."""
        if form and sum(len(value) for _, value in params) > LONG_QUERY:
            fields: dict[str, list[str]] = {}
            for key, value in params:
                fields.setdefault(key, []).append(value)
            return await self._ask("POST", path, missing, data=fields)
        return await self._ask("GET", path, missing, params=list(params) or None)

    async def write(self, method: str, path: str, body: Any = None, *, missing: str = "") -> Reply:
        """POST or DELETE, with `body` as JSON. Raises a ToolError for every outcome but success."""
        try:
            return await self._ask(method, path, missing, json=body)
        except ToolTimeout as error:
            raise ToolTimeout(
                error.message, "It may have been done all the same: look before you repeat it."
            ) from error

    def json(self, reply: Reply) -> Any:
        try:
            return decoded(reply.body)
        except ValueError as error:
            kind = reply.headers.get("content-type", "").split(";")[0] or "no content type"
            if "html" in kind:
                raise unlike(self.system, "an HTML page instead of JSON, most likely a login page") from error
            raise unlike(self.system, f"{kind} instead of JSON") from error

    @contextmanager
    def understanding(self) -> Iterator[None]:
        """JSON of an unexpected shape means: that is not the system we think it is."""
        try:
            yield
        except (KeyError, TypeError, IndexError, AttributeError, ValueError, ValidationError) as error:
            raise unlike(self.system, "JSON of another shape") from error

    def trust(self) -> ssl.SSLContext:
        """For connections that are not HTTP, such as a websocket."""
        return self.credentials.trust()

    def headers(self) -> dict[str, str]:
        return self.credentials.headers()

    @property
    def url(self) -> str:
        """The base address. Raises ToolUnavailable when none is configured."""
        if not self._settings.url:
            raise ToolUnavailable(
                f"{self.system.name} is not configured.",
                f"Set {self.system.address_setting} or [{self._section}] url in autodevops.toml.",
            )
        return self._settings.url

    async def _ask(self, method: str, path: str, missing: str, **content: Any) -> Reply:
        url = self.url + path
        client, headers = self._connected(), self.headers()
        try:
            request = client.build_request(method, url, headers=headers, **content)
            kept = self._kept.get(str(request.url)) if method == "GET" else None
            if kept is not None:
                request.headers["If-None-Match"] = kept.headers["etag"]
            async with asyncio.timeout(self._settings.timeout_seconds):
                reply = await self._send(client, request, again=method == "GET")
        except (TimeoutError, httpx.TimeoutException) as error:
            raise timed_out(self.system, f"{self._settings.timeout_seconds:g} s have passed") from error
        except httpx.LocalProtocolError:  # its text may quote the header, and with it the token
            raise self.credentials.unsendable() from None
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise self._clean(unreachable(self.system, error)) from None
        if reply.status == 304 and kept is not None:
            self._kept.move_to_end(str(request.url))
            return kept
        if 200 <= reply.status < 300:
            self._keep(request, reply)
            return reply
        raise self.refused(reply, missing)

    async def _send(self, client: httpx.AsyncClient, request: httpx.Request, *, again: bool) -> Reply:
        try:
            response = await client.send(request, stream=True)
        except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError):
            if not again:
                raise
            response = await client.send(request, stream=True)  # a kept connection that the system had closed meanwhile
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

    def _keep(self, request: httpx.Request, reply: Reply) -> None:
        if request.method != "GET" or "etag" not in reply.headers or len(reply.body) > MAX_KEPT_BYTES:
            return
        self._kept[str(request.url)] = reply
        self._kept.move_to_end(str(request.url))
        while len(self._kept) > self._kept_limit:
            self._kept.popitem(last=False)

    def _connected(self) -> httpx.AsyncClient:
        stamps = self.credentials.stamps()
        if self._client is None or stamps != self._stamps:
            client = httpx.AsyncClient(verify=self.credentials.trust(), timeout=self._settings.timeout_seconds)
            if self._client is not None:
                self._outdated.append(self._client)
            self._client, self._stamps = client, stamps
        return self._client

    def refused(self, reply: Reply, missing: str = "") -> ToolError:
        """The error for an answer that is no success."""
        if 300 <= reply.status < 400:
            target = without_credentials(reply.headers.get("location", "")).split("?")[0]
            return unlike(self.system, f"it redirects to {target or 'nowhere'}")
        said, kind = _message(reply)
        none_left = reply.headers.get("x-ratelimit-remaining") == "0" or "rate limit" in said
        limited = none_left and reply.status in (403, 429)
        wait = _wait(reply.headers, self._clock(), limited=limited)
        if limited:
            return ToolUnavailable(
                f"{self.system.place} has no requests left for this account until the limit resets.",
                f"Ask again {wait or 'in a minute'}, or give {self.system.credential_setting} with a higher limit.",
            )
        if kind == "timeout":
            return self._clean(timed_out(self.system, said))
        return self._clean(for_status(self.system, reply.status, said, missing, wait))

    def _clean(self, error: ToolError) -> ToolError:
        return type(error)(self.credentials.hide(error.message), error.next_step)


def _message(reply: Reply) -> tuple[str, str]:
    """The system's own words and, from Prometheus, its kind of error."""
    try:
        document = decoded(reply.body)
    except ValueError:
        return ("" if "html" in reply.headers.get("content-type", "") else reply.text), ""
    if isinstance(document, dict):
        said = str(next((document[key] for key in ("error", "message", "msg") if document.get(key)), ""))
        details = document.get("errors")  # GitHub says there which field it does not like
        if isinstance(details, list):
            said = ": ".join(part for part in (said, "; ".join(map(_detail, details))) if part)
        return said, str(document.get("errorType", ""))
    return (document if isinstance(document, str) else ""), ""


def _detail(item: object) -> str:
    if not isinstance(item, dict):
        return str(item)
    return str(item.get("message") or " ".join(str(item[key]) for key in ("resource", "field", "code") if key in item))


def _wait(headers: Mapping[str, str], now: datetime, *, limited: bool) -> str:
    """`in 30 s`, from Retry-After (seconds or a date) or, when limited, GitHub's x-ratelimit-reset (Unix seconds)."""
    after, reset = headers.get("retry-after", ""), headers.get("x-ratelimit-reset", "") if limited else ""
    try:
        if after:
            seconds = float(after) if after.isdigit() else (parsedate_to_datetime(after) - now).total_seconds()
        else:
            seconds = float(reset) - now.timestamp()
    except (ValueError, TypeError):
        return ""
    if not 0 < seconds < 86_400:  # a day: beyond that it is no wait but a mistake
        return ""
    return f"in {roughly(seconds)}"
