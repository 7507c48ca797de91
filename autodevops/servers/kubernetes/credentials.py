"""A kubeconfig's exec plugin, run so that its failure is told: the client library logs it and goes on as anonymous.

Everything else in a kubeconfig (contexts, merging, certificates, token files, proxies) is the library's.
"""

from __future__ import annotations

import json
import subprocess
from typing import Any

from kubernetes.config import ConfigException
from kubernetes.config.dateutil import parse_rfc3339
from kubernetes.config.exec_provider import ExecProvider
from kubernetes.config.kube_config import FileOrData, KubeConfigLoader, KubeConfigMerger

PLUGIN_SECONDS = 60  # a plugin that asks a cloud takes seconds; one that waits for a person at a browser never ends


class PluginFailed(ConfigException):
    """The exec plugin gave no credentials; `hint` is the kubeconfig's installHint."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class Loader(KubeConfigLoader):
    def __init__(self, files: str, context: str) -> None:
        merged = KubeConfigMerger(files).config  # type: ignore[no-untyped-call]
        if merged is None:
            raise ConfigException("it is empty")
        super().__init__(merged, active_context=context or None, config_base_path=None)  # type: ignore[no-untyped-call]

    @property
    def user(self) -> dict[str, Any]:
        """The user's section of the kubeconfig."""
        return dict(self._user.value) if self._user else {}

    @property
    def context(self) -> dict[str, Any]:
        """`name` and `context`, as in the file."""
        return dict(self.current_context)

    def _load_from_exec_plugin(self) -> bool | None:
        user: Any = self._user
        cluster: Any = self._cluster
        if "exec" not in user:
            return None
        base = self._get_base_path(cluster.path)  # type: ignore[no-untyped-call]
        plugin = ExecProvider(user["exec"], base, cluster)  # type: ignore[no-untyped-call]
        status = _run(plugin, user["exec"].value)
        if status.get("token"):
            self.token = f"Bearer {status['token']}"
        elif status.get("clientCertificateData") and status.get("clientKeyData"):
            self.cert_file, self.key_file = (
                _in_file(status, key, base) for key in ("clientCertificateData", "clientKeyData")
            )
        else:
            raise PluginFailed(f"the exec plugin {user['exec']['command']} answered no credentials")
        if status.get("expirationTimestamp"):
            self.expiry = parse_rfc3339(status["expirationTimestamp"])  # type: ignore[no-untyped-call]
        return True


def _in_file(status: dict[str, Any], key: str, base: str) -> Any:
    held = FileOrData(status, None, key, file_base_path=base, base64_file_content=False)  # type: ignore[no-untyped-call]
    return held.as_file()  # type: ignore[no-untyped-call]


def _run(plugin: ExecProvider, section: dict[str, Any]) -> dict[str, Any]:
    """The plugin's `status`. It never asks a person: stdin may be the MCP protocol's."""
    spec: dict[str, Any] = {"interactive": False}
    if plugin.cluster:
        spec["cluster"] = plugin.cluster.value
    information = {"apiVersion": plugin.api_version, "kind": "ExecCredential", "spec": spec}
    name, hint = f"the exec plugin {section['command']}", str(section.get("installHint") or "").strip()
    try:
        ended = subprocess.run(
            plugin.args,
            env={**plugin.env, "KUBERNETES_EXEC_INFO": json.dumps(information)},
            cwd=plugin.cwd,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PLUGIN_SECONDS,
            check=False,
        )
    except FileNotFoundError as error:
        raise PluginFailed(f"{name} is not installed", hint) from error
    except subprocess.TimeoutExpired as error:
        raise PluginFailed(f"{name} did not end in {PLUGIN_SECONDS} s") from error
    except OSError as error:
        raise PluginFailed(f"{name} cannot be run: {error.strerror}", hint) from error
    if ended.returncode:
        told = f": {ended.stderr.strip()}" if ended.stderr.strip() else ""
        raise PluginFailed(f"{name} failed with exit status {ended.returncode}{told}")
    try:
        answer = json.loads(ended.stdout)
    except ValueError as error:
        raise PluginFailed(f"{name} answered no JSON") from error
    if not isinstance(answer, dict) or answer.get("apiVersion") != plugin.api_version:
        raise PluginFailed(f"{name} answered no ExecCredential of {plugin.api_version}")
    status = answer.get("status")
    return status if isinstance(status, dict) else {}
