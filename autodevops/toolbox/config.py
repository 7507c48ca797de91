"""`mcpServers` JSON, as Claude Desktop, Cursor and others write it, read into the toolbox's targets.

`${NAME}` and `${NAME:-default}` in any string stand for environment variables.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autodevops.kernel.errors import SettingsError

_VARIABLE = re.compile(r"\$\{(\w+)(?::-([^}]*))?\}")


@dataclass(frozen=True)
class HttpServer:
    """A streamable HTTP server that wants headers of its own, such as Authorization."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


def load_mcp_config(path: Path, environment: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Targets by server name, for McpToolbox. Raises SettingsError, naming the file and the entry."""
    try:
        document = json.loads(path.read_text())
    except OSError as error:
        raise SettingsError(
            f"{path} cannot be read: {error.strerror}.", "Give the path of an MCP JSON file."
        ) from error
    except ValueError as error:
        raise SettingsError(f"{path} is not JSON: {error}.", "Correct that place and try again.") from error
    servers = document.get("mcpServers") if isinstance(document, dict) else None
    if not isinstance(servers, dict):
        raise SettingsError(f'{path} has no "mcpServers" object.', "Write it as other MCP clients do.")
    variables = os.environ if environment is None else environment
    return {
        name: _target(f"Server {name!r} in {path}", name, _expanded(entry, variables, f"Server {name!r} in {path}"))
        for name, entry in servers.items()
        if not (isinstance(entry, dict) and entry.get("disabled"))
    }


def _target(where: str, name: str, entry: Any) -> Any:
    from mcp import StdioServerParameters
    from pydantic import ValidationError

    if "." in name or not name:
        raise SettingsError(f"{where} has a dot in its name, or none.", "Tools are called `server.tool`: rename it.")
    if not isinstance(entry, dict) or not ("command" in entry) ^ ("url" in entry):
        raise SettingsError(f"{where} needs either a command or a url.", 'Give "command" and "args", or "url".')
    if "url" in entry:
        if entry.get("type", "http") not in ("http", "streamable-http", "streamableHttp"):
            raise SettingsError(f"{where} has type {entry['type']!r}.", 'Only streamable HTTP is spoken: "http".')
        headers = entry.get("headers") or {}
        return HttpServer(str(entry["url"]), {str(key): str(value) for key, value in headers.items()})
    try:
        return StdioServerParameters(
            command=entry["command"], args=entry.get("args") or [], env=entry.get("env"), cwd=entry.get("cwd")
        )
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise SettingsError(f"{where}: {place} is wrong: {first['msg']}.", "Correct it and try again.") from error


def _expanded(value: Any, variables: Mapping[str, str], where: str) -> Any:
    if isinstance(value, dict):
        return {key: _expanded(item, variables, where) for key, item in value.items()}
    if isinstance(value, list):
        return [_expanded(item, variables, where) for item in value]
    if not isinstance(value, str):
        return value

    def replace(found: re.Match[str]) -> str:
        name, default = found.group(1), found.group(2)
        if name in variables:
            return variables[name]
        if default is None:
            raise SettingsError(f"{where} uses ${{{name}}}, which is not set.", f"Set {name} in the environment.")
        return default

    return _VARIABLE.sub(replace, value)
