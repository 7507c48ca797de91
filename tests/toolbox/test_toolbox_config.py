"""mcpServers files of other clients, and the start-up that spares a second."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from mcp import StdioServerParameters

from autodevops.kernel.errors import SettingsError
from autodevops.toolbox import load_mcp_config
from autodevops.toolbox.config import HttpServer


def write(path: Path, servers: Any) -> Path:
    path.write_text(json.dumps({"mcpServers": servers}))
    return path


def test_commands_and_addresses_are_read(tmp_path: Path) -> None:
    path = write(
        tmp_path / "mcp.json",
        {
            "files": {"command": "npx", "args": ["-y", "${PACKAGE:-files}"], "env": {"KEY": "${KEY}"}},
            "far": {"type": "http", "url": "http://127.0.0.1:1/mcp", "headers": {"Authorization": "Bearer ${KEY}"}},
            "off": {"command": "x", "disabled": True},
        },
    )
    targets = load_mcp_config(path, {"KEY": "k1"})
    assert targets["files"] == StdioServerParameters(command="npx", args=["-y", "files"], env={"KEY": "k1"})
    assert targets["far"] == HttpServer("http://127.0.0.1:1/mcp", {"Authorization": "Bearer k1"})
    assert "k1" not in repr(targets["far"])
    assert set(targets) == {"files", "far"}


@pytest.mark.parametrize(
    ("servers", "says"),
    [
        ({"a": {}}, "either a command or a url"),
        ({"a": {"command": "x", "url": "y"}}, "either a command or a url"),
        ({"a": {"command": "x", "args": "y"}}, "args is wrong"),
        ({"a": {"command": "${NOT_SET}"}}, "NOT_SET"),
        ({"a": {"type": "sse", "url": "http://x"}}, "'sse'"),
        ({"a.b": {"command": "x"}}, "dot"),
        ({"a": 3}, "either a command or a url"),
        ([], "mcpServers"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, servers: Any, says: str) -> None:
    path = write(tmp_path / "mcp.json", servers)
    with pytest.raises(SettingsError, match=says) as caught:
        load_mcp_config(path, {})
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("text", [None, "{", "[]"])
def test_unreadable_file_is_named(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "mcp.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(SettingsError, match=str(path)):
        load_mcp_config(path)


def test_jsonschema_still_validates_without_the_grammar() -> None:
    script = """
import sys
from autodevops.kernel.startup import skip_unused_imports
skip_unused_imports(); skip_unused_imports()
import jsonschema
jsonschema.validate({"a": 1}, {"type": "object", "properties": {"a": {"type": "integer"}}})
try:
    jsonschema.validate({"a": "x"}, {"properties": {"a": {"type": "integer"}}})
except jsonschema.ValidationError:
    print("validated")
checker = jsonschema.Draft202012Validator.FORMAT_CHECKER
print(checker.conforms("not a date", "date"), "lark" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split() == ["validated", "False", "False"]
