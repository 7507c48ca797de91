"""Variables in an MCP client's JSON file, as each client spells them, and the `envFile` that VS Code reads.

`${NAME}` and `${NAME:-default}` (Claude), `${env:NAME}`, `${userHome}`, `${workspaceFolder}`, `${pathSeparator}` (VS
Code, Cursor). `${input:...}` asks a person, which nobody does here: it is refused with what to write instead.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from autodevops.kernel.errors import SettingsError

_VARIABLE = re.compile(
    r"\$\{(?P<name>\w+)(?::-(?P<default>[^}]*))?\}|\$\{env:(?P<env>\w+)\}|\$\{input:(?P<input>[^}]*)\}"
    r"|(?P<slash>\$\{/\})"
)


def expanded(value: Any, variables: Mapping[str, str], path: Path, where: str) -> Any:
    """`value` with the variables in all its texts replaced. Raises SettingsError for one that is not set."""
    if isinstance(value, dict):
        return {key: expanded(item, variables, path, where) for key, item in value.items()}
    if isinstance(value, list):
        return [expanded(item, variables, path, where) for item in value]
    if not isinstance(value, str):
        return value

    def replace(found: re.Match[str]) -> str:
        if found["input"] is not None:
            raise SettingsError(
                f"{where} uses ${{input:{found['input']}}}, which a person would be asked for.",
                "Write ${env:NAME} and set NAME in the environment.",
            )
        if found["slash"]:
            return os.sep
        name = found["name"] or found["env"]
        if name in variables:
            return variables[name]
        if found["default"] is not None:
            return found["default"]
        if found["name"] and (meant := _places(path).get(name)) is not None:
            return meant
        raise SettingsError(f"{where} uses ${{{name}}}, which is not set.", f"Set {name} in the environment.")

    return _VARIABLE.sub(replace, value)


def read_env_file(env_file: Path, path: Path, where: str) -> dict[str, str]:
    """An `.env` file; a relative path counts from the workspace. Raises SettingsError when it cannot be read."""
    from dotenv import dotenv_values

    file = Path(_workspace(path), env_file)
    if not file.is_file():
        raise SettingsError(f"{where}: envFile {file} does not exist.", "Correct the path, or remove it.")
    return {name: value for name, value in dotenv_values(file, interpolate=False).items() if value is not None}


def _places(path: Path) -> dict[str, str]:
    workspace = _workspace(path)
    return {
        "workspaceFolder": str(workspace),
        "workspaceFolderBasename": workspace.name,
        "userHome": str(Path.home()),
        "pathSeparator": os.sep,
    }


def _workspace(path: Path) -> Path:
    folder = path.resolve().parent
    return folder.parent if folder.name in (".vscode", ".cursor") else folder
