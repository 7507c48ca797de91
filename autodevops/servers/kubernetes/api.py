"""The one border between our server and the Kubernetes API: raw JSON requests, its refusals in our words (`refusals`).

The client library is used for what it does well (kubeconfig, contexts, TLS, proxies, in-cluster accounts) and not for
its typed models, which refuse objects that real API servers send. Everything here blocks: call it in a thread. The
kubeconfig is read at the first use, so that a missing one is an error of the tool and not of start-up; it is read
again when the cluster refuses the credentials, because tokens and plugins' answers expire.
"""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from autodevops.kernel.errors import ToolDenied, ToolRejected
from autodevops.servers._failures import one_line, timed_out, unlike, unreachable
from autodevops.servers._json import decoded
from autodevops.servers.kubernetes.connect import Connection, connect, is_set_up
from autodevops.servers.kubernetes.refusals import refusal, said
from autodevops.settings import KubernetesSettings

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

Params = Sequence[tuple[str, str]]

MAX_ANSWER_BYTES = 64 * 1024 * 1024  # one page of 500 pods weighs 5; objects beyond this are read for nobody's good
UNAUTHORIZED = 401


@dataclass(frozen=True)
class Reply:
    status: int
    body: bytes
    warnings: tuple[str, ...] = ()

    @property
    def document(self) -> dict[str, Any]:
        """The JSON object in it, or an empty one."""
        try:
            found = decoded(self.body)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}


class KubernetesApi:
    def __init__(self, settings: KubernetesSettings) -> None:
        self._settings = settings
        self._connection: Connection | None = None
        self._lock = threading.Lock()

    def connection(self) -> Connection:
        """Connect on first use. Raises ToolUnavailable when no usable kubeconfig is found, ToolDenied for a plugin."""
        with self._lock:
            if self._connection is None:
                self._connection = connect(self._settings)
            return self._connection

    def is_set_up(self) -> bool:
        return is_set_up(self._settings)

    def close(self) -> None:
        with self._lock:
            connection, self._connection = self._connection, None
        if connection is not None:
            connection.client.rest_client.pool_manager.clear()

    def get(
        self, path: str, params: Params = (), *, missing: str = "", accept: str = "application/json"
    ) -> dict[str, Any]:
        """The JSON object at `path`; `missing` names what a 404 means. Raises a ToolError for every other outcome."""
        return self.understood(self.ask("GET", path, params, missing=missing, accept=accept))

    def read(self, path: str, params: Params = (), *, missing: str = "", accept: str = "*/*") -> bytes:
        """The body at `path`."""
        return self.ask("GET", path, params, missing=missing, accept=accept).body

    def ask(
        self,
        method: str,
        path: str,
        params: Params = (),
        body: object = None,
        *,
        missing: str = "",
        accept: str = "application/json",
        content_type: str = "application/json",
    ) -> Reply:
        """A successful answer. Raises a ToolError for every other outcome."""
        reply = self.send(method, path, params, body, accept=accept, content_type=content_type)
        if not 200 <= reply.status < 300:
            raise self.refusal(reply, missing)
        return reply

    def send(
        self,
        method: str,
        path: str,
        params: Params = (),
        body: object = None,
        *,
        accept: str = "application/json",
        content_type: str = "application/json",
    ) -> Reply:
        """Whatever the API server answers. Credentials that it refuses are read anew, and offered once more."""
        connection = self.connection()
        reply = self._send(connection, method, path, params, body, accept, content_type)
        if reply.status != UNAUTHORIZED:
            return reply
        with self._lock:
            if self._connection is connection:
                self._connection = None
        return self._send(self.connection(), method, path, params, body, accept, content_type)

    def refusal(self, reply: Reply, missing: str = "") -> Exception:
        return refusal(self.connection(), reply.status, said(reply.body), missing)

    def understood(self, reply: Reply) -> dict[str, Any]:
        """The object in an answer. Raises ToolUnavailable when it is none of the API's."""
        system = self.connection().system
        try:
            document = decoded(reply.body)
        except ValueError as error:
            raise unlike(system, "no JSON") from error
        if not isinstance(document, dict) or "kind" not in document:
            raise unlike(system, "JSON of another shape")
        return document

    def events(self, path: str, params: Params, seconds: float, *, missing: str = "") -> Generator[Mapping[str, Any]]:
        """The events of a watch as they come, for at most `seconds`; whoever has seen enough stops asking.

        Raises a ToolError when the watch is refused or breaks.
        """
        connection = self.connection()
        query = [*params, ("watch", "true"), ("timeoutSeconds", str(max(1, math.ceil(seconds))))]
        patience = seconds + self._settings.timeout_seconds
        with self._opened(connection, "GET", path, query, None, "application/json", "", patience) as response:
            if response.status != 200:
                body = response.read(MAX_ANSWER_BYTES, decode_content=True)
                raise self.refusal(Reply(response.status, body), missing)
            for line in _lines(response):
                event = decoded(line)
                if isinstance(event, dict):
                    yield event

    def _send(
        self,
        connection: Connection,
        method: str,
        path: str,
        params: Params,
        body: object,
        accept: str,
        content_type: str,
    ) -> Reply:
        patience = self._settings.timeout_seconds
        with self._opened(connection, method, path, params, body, accept, content_type, patience) as response:
            content = response.read(MAX_ANSWER_BYTES + 1, decode_content=True)
            if len(content) <= MAX_ANSWER_BYTES:
                response.drain_conn()
        if len(content) > MAX_ANSWER_BYTES:
            raise ToolRejected(
                f"The answer of {connection.system.place} is larger than {MAX_ANSWER_BYTES // 2**20} MiB.",
                "Narrow with namespace, a selector or a smaller limit.",
            )
        return Reply(response.status, content, _warnings(response.headers.getlist("Warning")))

    @contextmanager
    def _opened(
        self,
        connection: Connection,
        method: str,
        path: str,
        params: Params,
        body: object,
        accept: str,
        content_type: str,
        patience: float,
    ) -> Iterator[BaseHTTPResponse]:
        """An answer whose body is read inside; `patience`: seconds until the whole of it must be there."""
        from kubernetes.client.exceptions import OpenApiException
        from kubernetes.config import ConfigException
        from urllib3 import Timeout
        from urllib3.exceptions import HTTPError

        system = connection.system
        url = f"{system.address}{path}" + (f"?{urlencode(params)}" if params else "")
        try:
            response = connection.client.rest_client.pool_manager.request(
                method,
                url,
                body=None if body is None else json.dumps(body).encode(),
                headers=_headers(connection, accept, content_type if body is not None else ""),
                timeout=Timeout(total=patience),
                retries=False,  # the toolbox decides what is tried again
                redirect=False,
                preload_content=False,
            )
            with response:
                yield response
        except ConfigException as error:
            raise ToolDenied(
                f"{system.place} cannot be asked, for {connection.credentials} cannot be renewed: "
                f"{one_line(str(error)).rstrip('.')}.",
                connection.renew,
            ) from error
        except (HTTPError, OSError, OpenApiException) as error:
            if _is_timeout(error):
                raise timed_out(system, f"{patience:g} s have passed") from error
            raise unreachable(system, error) from error


def _lines(response: BaseHTTPResponse) -> Iterator[bytes]:
    """A body's lines as they arrive: an answer that stays open is never waited for as a whole."""
    rest = b""
    for chunk in response.stream(None, decode_content=True):
        rest += chunk
        *lines, rest = rest.split(b"\n")
        yield from (line for line in lines if line.strip())
        if len(rest) > MAX_ANSWER_BYTES:
            return
    if rest.strip():
        yield rest


def _headers(connection: Connection, accept: str, content_type: str) -> Any:
    from urllib3 import HTTPHeaderDict

    headers = HTTPHeaderDict({"Accept": accept, "User-Agent": "autodevops"})
    if content_type:
        headers["Content-Type"] = content_type
    bearer = connection.client.configuration.auth_settings().get("BearerToken")
    if bearer and bearer["value"]:
        headers["Authorization"] = bearer["value"]
    if connection.as_user:
        headers["Impersonate-User"] = connection.as_user
    for group in connection.as_groups:
        headers.add("Impersonate-Group", group)
    return headers


def _warnings(values: Sequence[str]) -> tuple[str, ...]:
    """`299 - "text"`, as the API server warns of deprecations and of what admission noticed."""
    return tuple(value.split('"', 1)[1].rsplit('"', 1)[0] for value in values if value.count('"') >= 2)


def _is_timeout(error: BaseException) -> bool:
    from urllib3.exceptions import NewConnectionError, TimeoutError

    reason = getattr(error, "reason", None) or error
    return isinstance(reason, TimeoutError) and not isinstance(reason, NewConnectionError)  # a refusal is a subclass
