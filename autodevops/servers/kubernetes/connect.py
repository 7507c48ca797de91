"""From settings to a connection: which kubeconfig, which context, whose name; or the pod's own service account."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autodevops.kernel.errors import ToolDenied, ToolUnavailable
from autodevops.servers._failures import System, one_line
from autodevops.settings import KubernetesSettings

if TYPE_CHECKING:
    from kubernetes.client import ApiClient

SERVICE_ACCOUNT_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")

_TIMEOUT = "AUTODEVOPS_KUBERNETES__TIMEOUT_SECONDS"
_CONNECTIONS = 32  # kept open: a look, a watch and an investigation ask at the same time


@dataclass(frozen=True)
class Connection:
    """A client and what it is connected to."""

    client: ApiClient
    context: str  # "in-cluster" for a pod's own service account
    cluster: str
    namespace: str
    credentials: str  # in words: "the token of user dev"
    renew: str  # what to do when they are refused
    as_user: str = ""
    as_groups: tuple[str, ...] = ()

    @property
    def system(self) -> System:
        where = f"the server of kubeconfig context {self.context}"
        cluster = where.removeprefix("the server of ")
        host = self.client.configuration.host
        return System("Kubernetes", host, where, self.credentials, f"the cluster of {cluster}", _TIMEOUT)


def is_set_up(settings: KubernetesSettings) -> bool:
    """Whether anybody says which cluster is meant, if only by a file where clients look without being told."""
    named = settings.kubeconfig or os.environ.get("KUBECONFIG") or "KUBERNETES_SERVICE_HOST" in os.environ
    return bool(named) or _usual().is_file()


def _usual() -> Path:
    return Path.home() / ".kube" / "config"


def connect(settings: KubernetesSettings) -> Connection:
    """Reads files and may run an exec plugin; contacts no cluster. Raises ToolUnavailable and ToolDenied."""
    files = str(settings.kubeconfig or os.environ.get("KUBECONFIG") or _usual())
    existing = [path for path in files.split(os.pathsep) if path and Path(path).expanduser().is_file()]
    if not existing and "KUBERNETES_SERVICE_HOST" in os.environ and not settings.kubeconfig:
        return _in_cluster(settings)
    if not existing:
        raise ToolUnavailable(
            f"There is no kubeconfig at {files}.", "Set KUBECONFIG or AUTODEVOPS_KUBERNETES__KUBECONFIG to one."
        )
    return _from_kubeconfig(settings, files)


def _in_cluster(settings: KubernetesSettings) -> Connection:
    from kubernetes.client import Configuration
    from kubernetes.config import ConfigException, load_incluster_config

    configuration = Configuration()
    try:
        load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
        namespace = SERVICE_ACCOUNT_NAMESPACE.read_text().strip()
    except (ConfigException, OSError) as error:
        raise ToolUnavailable(
            f"The pod's own service account cannot be used: {error}",
            "Mount a service account token, or set AUTODEVOPS_KUBERNETES__KUBECONFIG.",
        ) from error
    return Connection(
        _client(configuration),
        "in-cluster",
        "in-cluster",
        namespace,
        "the token of the pod's service account",
        "Check that the pod's service account exists, and restart the pod.",
        settings.as_user,
        settings.as_groups,
    )


def _from_kubeconfig(settings: KubernetesSettings, files: str) -> Connection:
    from kubernetes.client import Configuration
    from kubernetes.config import ConfigException, list_kube_config_contexts
    from yaml import YAMLError

    from autodevops.servers.kubernetes.credentials import Loader, PluginFailed

    configuration = Configuration()
    try:
        contexts, active = list_kube_config_contexts(files)  # type: ignore[no-untyped-call]
        names = sorted(item["name"] for item in contexts)
        if settings.context and settings.context not in names:
            raise ToolUnavailable(
                f"The kubeconfig {files} has no context {settings.context}.",
                f"Set AUTODEVOPS_KUBERNETES__CONTEXT to one of: {', '.join(names) or 'none'}.",
            )
        name = str(settings.context or active["name"])
        loader = Loader(files, name)
        loader.load_and_set(configuration)  # type: ignore[no-untyped-call]
    except PluginFailed as error:
        raise ToolDenied(
            f"The kubeconfig {files} gives no credentials for context {name}: {one_line(str(error)).rstrip('.')}.",
            error.hint or "Run that command in a terminal, log in, and ask again.",
        ) from error
    except (ConfigException, YAMLError, OSError, KeyError, TypeError, AttributeError, ValueError) as error:
        raise ToolUnavailable(
            f"The kubeconfig {files} cannot be used: {one_line(str(error)).rstrip('.')}.",
            "Correct it; `kubectl config view` shows how it is read.",
        ) from error
    body = loader.context.get("context") or {}
    user = loader.user
    kind, renew = _credentials(user)
    return Connection(
        _client(configuration),
        name,
        str(body.get("cluster", "")),
        str(body.get("namespace") or "default"),
        f"{kind} of user {body.get('user') or 'nobody'} in kubeconfig context {name}",
        renew,
        settings.as_user or str(user.get("as") or ""),
        settings.as_groups or (() if settings.as_user else tuple(map(str, user.get("as-groups") or ()))),
    )


def _credentials(user: dict[str, Any]) -> tuple[str, str]:
    """Which credentials a user of a kubeconfig has, and how they are renewed."""
    if "tokenFile" in user:
        return "the token", f"Write a new token to {user['tokenFile']}; it is read again."
    if "token" in user:
        return "the token", "Put a new token into the kubeconfig (`kubectl config set-credentials`); it is read again."
    if "exec" in user:
        return f"what {user['exec'].get('command')} gave", "Log in again with that command; it is run again."
    if "auth-provider" in user:
        return "the OIDC token", "Log in again so that the kubeconfig has a new token."
    if "client-certificate" in user or "client-certificate-data" in user:
        return "the client certificate", "See whether it has expired, and put a new one into the kubeconfig."
    if "username" in user:
        return "the password", "Correct it in the kubeconfig."
    return "the empty credentials", "Add a token, a client certificate or an exec plugin to that user."


def _client(configuration: Any) -> ApiClient:
    from kubernetes.client import ApiClient

    configuration.connection_pool_maxsize = _CONNECTIONS
    return ApiClient(configuration)
