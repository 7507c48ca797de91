"""The one border between our server and the Kubernetes client: raw JSON reads, its errors in our words.

The client library is used for what it does well (kubeconfig, contexts, exec credentials, TLS, in-cluster accounts) and
not for its typed models, which refuse objects that real API servers send. Everything here blocks: call it in a thread.
The kubeconfig is read at the first use, so that a missing one is an error of the tool and not of start-up.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autodevops.kernel.errors import ToolUnavailable
from autodevops.servers._failures import System, for_status, one_line, timed_out, unlike, unreachable
from autodevops.settings import KubernetesSettings

if TYPE_CHECKING:
    from kubernetes.client import ApiClient

SERVICE_ACCOUNT_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")

_CREDENTIALS = "the credentials of that kubeconfig context"
_TIMEOUT = "AUTODEVOPS_KUBERNETES__TIMEOUT_SECONDS"


@dataclass(frozen=True)
class Connection:
    """A client and what it is connected to."""

    client: ApiClient
    context: str  # "in-cluster" for a pod's own service account
    cluster: str
    namespace: str

    @property
    def system(self) -> System:
        host = self.client.configuration.host
        where = f"the server of kubeconfig context {self.context}"
        return System("Kubernetes", host, where, _CREDENTIALS, _TIMEOUT)


class KubernetesApi:
    def __init__(self, settings: KubernetesSettings) -> None:
        self._settings = settings
        self._connection: Connection | None = None
        self._lock = threading.Lock()

    def connection(self) -> Connection:
        """Connect on first use. Raises ToolUnavailable when no usable kubeconfig is found."""
        with self._lock:
            if self._connection is None:
                self._connection = _connect(self._settings)
            return self._connection

    def close(self) -> None:
        with self._lock:
            connection, self._connection = self._connection, None
        if connection is not None:
            connection.client.rest_client.pool_manager.clear()

    def get(
        self, path: str, params: Sequence[tuple[str, str]] = (), *, missing: str = "", accept: str = "application/json"
    ) -> dict[str, Any]:
        """The JSON object at `path`; `missing` names what a 404 means. Raises a ToolError for every other outcome."""
        text = self.read(path, params, missing=missing, accept=accept)
        system = self.connection().system
        try:
            document = json.loads(text)
        except ValueError as error:
            raise unlike(system, "no JSON") from error
        if not isinstance(document, dict) or "kind" not in document:
            raise unlike(system, "JSON of another shape")
        return document

    def read(
        self, path: str, params: Sequence[tuple[str, str]] = (), *, missing: str = "", accept: str = "*/*"
    ) -> bytes:
        """The body at `path`."""
        connection = self.connection()  # first, for it imports under a lock what two threads must not import at once
        from kubernetes.client.exceptions import OpenApiException
        from kubernetes.config import ConfigException
        from urllib3.exceptions import HTTPError

        client, system = connection.client, connection.system
        try:
            method, url, headers, _, _ = client.param_serialize(
                "GET", path, query_params=list(params), header_params={"Accept": accept}, auth_settings=["BearerToken"]
            )
            response = client.call_api(method, url, headers, _request_timeout=self._settings.timeout_seconds)
            body: bytes = response.read()  # type: ignore[no-untyped-call]
        except (HTTPError, OSError, OpenApiException, ConfigException) as error:
            if _is_timeout(error):
                raise timed_out(system, f"{self._settings.timeout_seconds:g} s have passed") from error
            raise unreachable(system, error) from error
        if 200 <= response.status < 300:
            return body
        raise for_status(system, response.status, _message(body), missing)


def _connect(settings: KubernetesSettings) -> Connection:
    from kubernetes.client import ApiClient, Configuration
    from kubernetes.config import ConfigException, list_kube_config_contexts, load_incluster_config, load_kube_config
    from yaml import YAMLError

    configuration = Configuration()
    files = str(settings.kubeconfig or os.environ.get("KUBECONFIG") or Path.home() / ".kube" / "config")
    existing = [path for path in files.split(os.pathsep) if path and Path(path).expanduser().is_file()]
    if not existing and "KUBERNETES_SERVICE_HOST" in os.environ and not settings.kubeconfig:
        try:
            load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
            namespace = SERVICE_ACCOUNT_NAMESPACE.read_text().strip()
        except (ConfigException, OSError) as error:
            raise ToolUnavailable(
                f"The pod's own service account cannot be used: {error}",
                "Mount a service account token, or set AUTODEVOPS_KUBERNETES__KUBECONFIG.",
            ) from error
        return Connection(_without_retries(ApiClient, configuration), "in-cluster", "in-cluster", namespace)
    if not existing:
        raise ToolUnavailable(
            f"There is no kubeconfig at {files}.", "Set KUBECONFIG or AUTODEVOPS_KUBERNETES__KUBECONFIG to one."
        )
    try:
        contexts, active = list_kube_config_contexts(files)  # type: ignore[no-untyped-call]
        named = {item["name"]: item for item in contexts}
        if settings.context and settings.context not in named:
            raise ToolUnavailable(
                f"The kubeconfig {files} has no context {settings.context}.",
                f"Set AUTODEVOPS_KUBERNETES__CONTEXT to one of: {', '.join(sorted(named)) or 'none'}.",
            )
        chosen = named[settings.context] if settings.context else active
        load_kube_config(files, context=chosen["name"], client_configuration=configuration)  # type: ignore[no-untyped-call]
    except (ConfigException, YAMLError, OSError, KeyError, TypeError, AttributeError, ValueError) as error:
        raise ToolUnavailable(
            f"The kubeconfig {files} cannot be used: {one_line(str(error)).rstrip('.')}.",
            "Correct it; `kubectl config view` shows how it is read.",
        ) from error
    body = chosen.get("context") or {}
    client = _without_retries(ApiClient, configuration)
    return Connection(client, chosen["name"], body.get("cluster", ""), body.get("namespace") or "default")


def _without_retries(client: type[ApiClient], configuration: Any) -> ApiClient:
    configuration.retries = 0  # the toolbox decides what is tried again
    return client(configuration)


def _is_timeout(error: BaseException) -> bool:
    from urllib3.exceptions import NewConnectionError, TimeoutError

    reason = getattr(error, "reason", None) or error
    return isinstance(reason, TimeoutError) and not isinstance(reason, NewConnectionError)  # a refusal is a subclass


def _message(body: bytes) -> str:
    text = body.decode(errors="replace")
    try:
        document = json.loads(text)
    except ValueError:
        return "" if "<html" in text[:500].lower() else text
    return str(document.get("message", "")) if isinstance(document, dict) else ""
