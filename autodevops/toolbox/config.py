"""`mcpServers` JSON, as Claude Desktop, Cursor, VS Code and others write it, read into the toolbox's targets.

What they differ in is taken as meant: `servers` for `mcpServers` and comments (VS Code), `serverUrl` and `httpUrl` for
`url`, `disabled` or `enabled`, and the lists of tools to have or to leave out. How variables are spelled is in
`variables`. What this client cannot do (SSE, asking a person for an input) is refused by name, not skipped.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autodevops.kernel.errors import SettingsError
from autodevops.toolbox.variables import expanded, read_env_file

_ADDRESSES = ("url", "serverUrl", "httpUrl")
_WANTED = ("includeTools", "enabledTools", "enabled_tools")
_UNWANTED = ("excludeTools", "disabledTools", "disabled_tools")
_HTTP = ("http", "streamable-http", "streamableHttp", "streamable_http")


@dataclass(frozen=True)
class HttpServer:
    """A streamable HTTP server that wants headers of its own, such as Authorization."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Chosen:
    """A target of which only some tools are wanted: those that `include` names (all when empty), without `exclude`.

    Names may hold `*` and `?`. It says which tools exist for us; what may be changed is for `ReadOnly` to say.
    """

    target: Any
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()


def load_mcp_config(path: Path, environment: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Targets by server name, for McpToolbox. Raises SettingsError, naming the file and the entry."""
    variables = os.environ if environment is None else environment
    targets: dict[str, Any] = {}
    for name, entry in _entries(path).items():
        where = f"Server {name!r} in {path}"
        if isinstance(entry, dict) and (entry.get("disabled") is True or entry.get("enabled") is False):
            continue
        targets[name] = _target(where, name, expanded(entry, variables, path, where), path)
    return targets


def _entries(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise SettingsError(
            f"{path} cannot be read: {error.strerror}.", "Give the path of an MCP JSON file."
        ) from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path} is not text in UTF-8: {error}.", "Save it as UTF-8.") from error
    document = _parsed(path, text)
    if isinstance(document, dict) and isinstance(document.get("mcp"), dict):  # in VS Code's settings.json
        document = document["mcp"]
    servers = document.get("mcpServers", document.get("servers")) if isinstance(document, dict) else None
    if not isinstance(servers, dict):
        raise SettingsError(f'{path} has no "mcpServers" object.', "Write it as other MCP clients do.")
    return servers


def _parsed(path: Path, text: str) -> Any:
    def unique(found: Iterable[tuple[str, Any]]) -> dict[str, Any]:
        pairs = list(found)
        names = [name for name, _ in pairs]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise SettingsError(f"{path} has {twice[0]!r} twice.", "Rename one of them, or remove it.")
        return dict(pairs)

    try:
        return json.loads(text, object_pairs_hook=unique)
    except ValueError as error:
        import json5  # comments and trailing commas, which VS Code allows; late, because it is slow to import

        try:
            return json5.loads(text, object_pairs_hook=unique)
        except ValueError:
            raise SettingsError(f"{path} is not JSON: {error}.", "Correct that place and try again.") from error


def _target(where: str, name: str, entry: Any, path: Path) -> Any:
    if "." in name or not name:
        raise SettingsError(f"{where} has a dot in its name, or none.", "Tools are called `server.tool`: rename it.")
    addresses = [key for key in _ADDRESSES if key in entry] if isinstance(entry, dict) else []
    if not isinstance(entry, dict) or ("command" in entry) + len(addresses) != 1:
        raise SettingsError(f"{where} needs either a command or a url.", 'Give "command" and "args", or "url".')
    target = _http(where, entry, addresses[0]) if addresses else _stdio(where, entry, path)
    include, exclude = _names(where, entry, _WANTED), _names(where, entry, _UNWANTED)
    return Chosen(target, include, exclude) if include or exclude else target


def _http(where: str, entry: Mapping[str, Any], address: str) -> HttpServer:
    if entry.get("type", "http") not in _HTTP:
        raise SettingsError(f"{where} has type {entry['type']!r}.", 'Only streamable HTTP is spoken: "http".')
    headers = entry.get("headers") or {}
    url = str(entry[address])
    if not url.startswith(("http://", "https://")):
        raise SettingsError(f"{where}: {url!r} is no http(s) address.", "Write it as http://127.0.0.1:8811/mcp.")
    if not isinstance(headers, dict):
        raise SettingsError(f"{where}: headers is not an object.", 'Write "headers": {"Authorization": "Bearer ..."}.')
    return HttpServer(url, {str(key): str(value) for key, value in headers.items()})


def _stdio(where: str, entry: Mapping[str, Any], path: Path) -> Any:
    from mcp import StdioServerParameters
    from pydantic import ValidationError

    if entry.get("type", "stdio") != "stdio":
        raise SettingsError(f"{where} has a command and type {entry['type']!r}.", 'A command speaks "stdio".')
    try:
        env = entry.get("env")
        if isinstance(env, dict):
            env = {key: str(value) for key, value in env.items() if value is not None}  # null: not set
        if entry.get("envFile"):
            env = {**read_env_file(Path(entry["envFile"]), path, where), **(env or {})}
        return StdioServerParameters(
            command=entry["command"], args=entry.get("args") or [], env=env, cwd=entry.get("cwd")
        )
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise SettingsError(f"{where}: {place} is wrong: {first['msg']}.", "Correct it and try again.") from error


def _names(where: str, entry: Mapping[str, Any], keys: Iterable[str]) -> tuple[str, ...]:
    for key in keys:
        names = entry.get(key) or []
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise SettingsError(f"{where}: {key} is not a list of tool names.", f'Write "{key}": ["get_*"].')
        if names:
            return tuple(names)
    return ()
