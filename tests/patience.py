"""Where tests find a sandbox's systems, and how long they wait for them: a busy machine is not what is tested."""

from __future__ import annotations

from autodevops.sandbox import Sandbox

_SYSTEMS = ("KUBERNETES", "PROMETHEUS", "ALERTMANAGER", "LOKI", "TEMPO", "GITHUB")


def patient(sandbox: Sandbox) -> dict[str, str]:
    """The sandbox's environment, with limits that only a hang passes."""
    limits = {f"AUTODEVOPS_{system}__TIMEOUT_SECONDS": "60" for system in _SYSTEMS}
    return {**sandbox.environment(), **limits, "AUTODEVOPS_INVESTIGATION__TOOL_TIMEOUT_SECONDS": "90"}
