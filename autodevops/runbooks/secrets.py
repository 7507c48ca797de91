"""The secrets a runbook names, fetched when it runs and from nowhere before.

A runbook says which secrets it needs, the settings say where each one is: in an environment variable, in a file, in a
Secret of the cluster, in the keyring of the desktop. They reach the kernel as environment variables, never as
parameters, and `masking` takes their values out of all that is written.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from autodevops.kernel.errors import UsageError
from autodevops.runbooks.masking import SHORTEST_SECRET
from autodevops.settings import KubernetesSettings

_OBJECT_NAME = re.compile(r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?")
_SYNTAX = "Write env:VARIABLE, file:/path, kubernetes:namespace/name/key or keyring:service/user."


@dataclass(frozen=True)
class Places:
    """Where secrets are: from the settings `[secrets]`, and how the cluster is reached."""

    where: Mapping[str, str] = field(default_factory=dict)
    kubernetes: KubernetesSettings = field(default_factory=KubernetesSettings)

    def of(self, name: str) -> str:
        """Names are the same in upper and lower case: environment variables that set them come in lower case."""
        return next((place for known, place in self.where.items() if known.upper() == name.upper()), "")


class _Missing(Exception):
    """What is wrong with a place, and what to do."""

    def __init__(self, problem: str, next_step: str) -> None:
        super().__init__(problem)
        self.next_step = next_step


def fetch_secrets(runbook: str, names: tuple[str, ...], places: Places) -> dict[str, str]:
    """The value of each secret by its name in upper case. Blocks: a file, the cluster or the keyring is asked.

    Raises UsageError naming the secret and where it was looked for.
    """
    found = {}
    for name in names:
        place = places.of(name)
        if not place:
            raise UsageError(
                f"Runbook {runbook} needs the secret {name}, and the settings do not say where it is.",
                f"Add it to [secrets] in autodevops.toml. {_SYNTAX}",
            )
        try:
            found[name.upper()] = _checked(_fetch(place, places.kubernetes))
        except _Missing as problem:
            raise UsageError(
                f"The secret {name} of runbook {runbook} was looked for in {place}: {problem}.", problem.next_step
            ) from problem
    return found


def _fetch(place: str, kubernetes: KubernetesSettings) -> str:
    kind, _, rest = place.partition(":")
    if kind == "kubernetes":
        return _from_kubernetes(rest, kubernetes)
    fetch = _KINDS.get(kind)
    if fetch is None or not rest:
        raise _Missing("this is no place for a secret", _SYNTAX)
    return fetch(rest)


def _checked(value: str) -> str:
    if len(value.strip()) < SHORTEST_SECRET:
        raise _Missing(
            f"its value has less than {SHORTEST_SECRET} characters and could not be masked", "Choose a longer one."
        )
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise _Missing("its value is not text in UTF-8", "Store it as text, for example in base64.") from error
    if "\0" in value:
        raise _Missing("its value holds a zero byte", "Store it as text, for example in base64.")
    return value


def _from_environment(variable: str) -> str:
    value = os.environ.get(variable)
    if value is None:
        raise _Missing("this environment variable is not set", f"Set {variable} where Auto-DevOps is started.")
    return value


def _from_file(path: str) -> str:
    """A line end at the end of the file is the editor's, not the secret's."""
    try:
        return Path(path).read_text(encoding="utf-8").removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError as error:
        raise _Missing("the file is not text in UTF-8", "Store it as text, for example in base64.") from error
    except OSError as error:
        raise _Missing(
            f"it cannot be read ({error.strerror})", "Check that the file is there and may be read."
        ) from error


def _from_keyring(rest: str) -> str:
    service, _, user = rest.rpartition("/")
    if not service or not user:
        raise _Missing("a place in the keyring is service/user", "Write keyring:service/user.")
    try:
        import keyring
        import keyring.errors
    except ImportError as error:
        raise _Missing("the library keyring is not installed", "Install it: pip install 'autodevops[keyring]'.") from (
            error
        )
    try:
        value = keyring.get_password(service, user)
    except keyring.errors.KeyringError as error:
        raise _Missing(f"the keyring says: {error}", "Unlock it, or keep the secret in another place.") from error
    if value is None:
        raise _Missing("the keyring has no such entry", f"Store it: keyring set {service} {user}.")
    return str(value)


def _from_kubernetes(rest: str, settings: KubernetesSettings) -> str:
    import base64
    import binascii

    from kubernetes.client import ApiException, CoreV1Api
    from kubernetes.config import ConfigException
    from urllib3.exceptions import HTTPError

    if len(settings.as_groups) > 1:
        raise _Missing(
            "a Secret cannot be read as a member of several groups",
            "Leave one in kubernetes.as_groups, or keep it elsewhere.",
        )
    parts = rest.split("/")
    if len(parts) != 3 or not all(parts) or not all(_OBJECT_NAME.fullmatch(part) for part in parts[:2]):
        raise _Missing("a key of a Secret is namespace/name/key", "Write kubernetes:namespace/name/key.")
    namespace, name, key = parts
    try:
        with _client(settings) as client:
            api = CoreV1Api(client)
            secret = api.read_namespaced_secret(name, namespace, _request_timeout=settings.timeout_seconds)
    except ApiException as error:
        raise _Missing(
            f"the cluster answers {error.status} {error.reason}",
            "Check the name, and that this user may get that Secret.",
        ) from error
    except (ConfigException, HTTPError, OSError) as error:
        raise _Missing(
            f"the cluster cannot be asked ({' '.join(str(error).split())[:200]})", "See `autodevops doctor`."
        ) from error
    data = secret.data or {}
    if key not in data:
        raise _Missing("the Secret has no such key", f"It has: {', '.join(sorted(data)) or 'none'}.")
    try:
        return base64.b64decode(data[key], validate=True).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise _Missing("its value is not text in UTF-8", "Store it as text, for example in base64.") from error


def _client(settings: KubernetesSettings):  # type: ignore[no-untyped-def]  # the client has no types
    from kubernetes.client import ApiClient, Configuration
    from kubernetes.config import ConfigException, load_incluster_config, load_kube_config

    configuration = Configuration()
    try:
        load_kube_config(  # type: ignore[no-untyped-call]
            config_file=str(settings.kubeconfig) if settings.kubeconfig else None,
            context=settings.context or None,
            client_configuration=configuration,
        )
    except ConfigException:
        if settings.kubeconfig or settings.context:
            raise
        load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
    configuration.retries = 1
    client = ApiClient(configuration)
    if settings.as_user:
        client.default_headers["Impersonate-User"] = settings.as_user
        for group in settings.as_groups:
            client.default_headers["Impersonate-Group"] = group
    return client


_KINDS: Mapping[str, Callable[[str], str]] = {
    "env": _from_environment,
    "file": _from_file,
    "keyring": _from_keyring,
}
