"""The JSON with which another MCP client starts or reaches our servers: what `autodevops mcp config` prints.

Settings of this shell go along, because a desktop client starts servers without them; what is secret goes as a
reference to the variable, never as its value.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from autodevops.settings import Settings


class Client(StrEnum):
    claude_desktop = "claude-desktop"
    cursor = "cursor"
    vscode = "vscode"


PLACES = {
    Client.claude_desktop: (
        "Put it into claude_desktop_config.json: macOS ~/Library/Application Support/Claude/, "
        "Windows %APPDATA%\\Claude\\, Linux ~/.config/Claude/; then restart Claude Desktop."
    ),
    Client.cursor: (
        "Put it into .cursor/mcp.json of a project, or for all projects: macOS and Linux ~/.cursor/mcp.json, "
        "Windows %USERPROFILE%\\.cursor\\mcp.json."
    ),
    Client.vscode: (
        "Put it into .vscode/mcp.json of a workspace, or for all of them (`MCP: Open User Configuration`): "
        "macOS ~/Library/Application Support/Code/User/mcp.json, Windows %APPDATA%\\Code\\User\\mcp.json, "
        "Linux ~/.config/Code/User/mcp.json."
    ),
}
_SET_THERE = "They must be set where it is started."
EXPANDS = {
    Client.claude_desktop: (
        "Claude Desktop does not replace references itself: keep these in a settings file instead "
        "(AUTODEVOPS_SETTINGS_FILE) and remove them here."
    ),
    Client.cursor: _SET_THERE,
    Client.vscode: _SET_THERE,
}
KUBERNETES = ("KUBECONFIG",)  # not ours, and yet a setting of the Kubernetes server
FIRST_PORT = 8811


def snippet(
    client: Client, names: tuple[str, ...], http: bool, environment: Mapping[str, str], command: list[str]
) -> dict[str, Any]:
    """The document for `client`. Over HTTP the n-th server is expected at port 8811 + n."""
    servers: dict[str, Any] = {}
    for number, name in enumerate(names):
        entry: dict[str, Any]
        if http:
            entry = {"url": f"http://127.0.0.1:{FIRST_PORT + number}/mcp"}
            if client is not Client.cursor:
                entry = {"type": "http", **entry}
        else:
            program, *first = command
            entry = {"command": program, "args": [*first, "mcp", "serve", name]}
            if client is Client.vscode:
                entry = {"type": "stdio", **entry}
            if env := _environment(client, name, environment):
                entry["env"] = env
        servers[f"autodevops-{name}"] = entry
    return {"servers" if client is Client.vscode else "mcpServers": servers}


def this_command() -> list[str]:
    """How this installation is started, from anywhere: the script beside this Python, else Python itself."""
    script = Path(sys.executable).with_name("autodevops.exe" if os.name == "nt" else "autodevops")
    return [str(script)] if script.exists() else [sys.executable, "-m", "autodevops"]


def secret_names(environment: Mapping[str, str]) -> list[str]:
    """Those of our variables that are set and secret."""
    return [name for name in sorted(environment) if name.startswith("AUTODEVOPS_") and _secret(name, environment[name])]


def sections_of(server: str) -> tuple[str, ...]:
    """The sections of the settings that a server reads."""
    return (server, "alertmanager") if server == "prometheus" else (server,)


def _environment(client: Client, server: str, environment: Mapping[str, str]) -> dict[str, str]:
    sections = tuple(one.upper() for one in sections_of(server))
    wanted = {
        name: value
        for name, value in environment.items()
        if name == "AUTODEVOPS_SETTINGS_FILE"
        or any(name == f"AUTODEVOPS_{section}" or name.startswith(f"AUTODEVOPS_{section}__") for section in sections)
        or (server == "kubernetes" and name in KUBERNETES)
    }
    return {
        name: _reference(client, name) if _secret(name, value) else _absolute(name, value)
        for name, value in sorted(wanted.items())
    }


def _reference(client: Client, name: str) -> str:
    return f"${{{name}}}" if client is Client.claude_desktop else f"${{env:{name}}}"


def _absolute(name: str, value: str) -> str:
    """The client starts us in another folder."""
    if name in KUBERNETES:
        return os.pathsep.join(str(Path(part).expanduser().absolute()) for part in value.split(os.pathsep) if part)
    path = name.endswith(("_FILE", "__KUBECONFIG"))
    return str(Path(value).expanduser().absolute()) if path else value


def _secret(name: str, value: str) -> bool:
    """By what settings hide themselves (a whole section may hold such), or by the look of the value."""
    from autodevops.analysis.redaction import redact_text

    if redact_text(value) != value:  # http://user:password@host
        return True
    if name in (*KUBERNETES, "AUTODEVOPS_SETTINGS_FILE"):
        return False
    model: Any = Settings
    for part in name.removeprefix("AUTODEVOPS_").lower().split("__"):
        fields = model.model_fields if isinstance(model, type) and issubclass(model, BaseModel) else {}
        if part not in fields:
            return True  # no setting that we know: better not shown
        model = fields[part].annotation
    return "SecretStr" in str(model) or (isinstance(model, type) and issubclass(model, BaseModel))
