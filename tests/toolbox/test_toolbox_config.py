"""mcpServers files of other clients, and the start-up that spares a second."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from mcp import StdioServerParameters

from autodevops.kernel.errors import SettingsError, ToolDenied
from autodevops.toolbox import load_mcp_config
from autodevops.toolbox.config import Chosen, HttpServer
from autodevops.workbench import Workbench


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


def test_vscode_and_cursor_files_are_read(tmp_path: Path) -> None:
    path = tmp_path / ".vscode/mcp.json"
    path.parent.mkdir()
    (tmp_path / ".env").write_text('# secrets\nexport TOKEN="a b"\nPLAIN=$x\nBOTH=file\n')
    path.write_text(
        """{
        // VS Code allows comments, and a comma too many
        "inputs": [],
        "servers": {
            "one": {"type": "stdio", "command": "${workspaceFolder}/serve", "args": ["${userHome}", "${env:KEY}"],
                    "envFile": "${workspaceFolder}/.env", "env": {"BOTH": "entry", "NONE": null, "N": 1}},
            "two": {"type": "streamableHttp", "url": "https://example.org/mcp"},
        },
    }"""
    )
    targets = load_mcp_config(path, {"KEY": "k1"})
    assert targets["one"] == StdioServerParameters(
        command=f"{tmp_path}/serve",
        args=[str(Path.home()), "k1"],
        env={"TOKEN": "a b", "PLAIN": "$x", "BOTH": "entry", "N": "1"},
    )
    assert targets["two"] == HttpServer("https://example.org/mcp")


@pytest.mark.parametrize(
    "entry",
    [
        {"type": "streamable-http", "url": "http://x/mcp"},
        {"type": "streamableHttp", "url": "http://x/mcp"},
        {"serverUrl": "http://x/mcp"},
        {"httpUrl": "http://x/mcp", "timeout": 5000, "trust": True},
        {"url": "http://x/mcp", "enabled": True, "disabled": False},
    ],
)
def test_http_has_many_spellings(tmp_path: Path, entry: Any) -> None:
    assert load_mcp_config(write(tmp_path / "mcp.json", {"a": entry}), {}) == {"a": HttpServer("http://x/mcp")}


def test_tool_lists_and_switches_are_kept(tmp_path: Path) -> None:
    entries = {
        "a": {"url": "http://x", "includeTools": ["get_*"]},
        "b": {"url": "http://x", "disabledTools": ["erase"]},
        "c": {"url": "http://x", "enabled": False},
    }
    assert load_mcp_config(write(tmp_path / "mcp.json", entries), {}) == {
        "a": Chosen(HttpServer("http://x"), include=("get_*",)),
        "b": Chosen(HttpServer("http://x"), exclude=("erase",)),
    }


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"mcpServers": {"a": {"command": "x"}, "a": {"command": "y"}}}', "'a' twice"),
        ('{"servers": {"a": {"command": "x", "args": ["${input:api-key}"]}}}', r"\$\{input:api-key\}"),
        ('{"servers": {"a": {"command": "x", "envFile": "none.env"}}}', "none.env does not exist"),
        ('{"servers": {"a": {"url": "ftp://x"}}}', "no http"),
        ('{"servers": {"a": {"url": "http://x", "headers": "y"}}}', "headers is not an object"),
        ('{"servers": {"a": {"url": "http://x", "excludeTools": "y"}}}', "excludeTools is not a list"),
        ('{"servers": {"a": {"command": "x", "type": "sse"}}}', "'sse'"),
    ],
)
def test_what_other_clients_would_not_take_is_named(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "mcp.json"
    path.write_text(text)
    with pytest.raises(SettingsError, match=says):
        load_mcp_config(path, {})


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
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=180, check=True)
    assert done.stdout.split() == ["validated", "False", "False"]


async def test_workbench_takes_further_servers_and_refuses_our_own_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve = (
        "from mcp.server import MCPServer\ns = MCPServer('more')\n@s.tool()\ndef hello() -> str: return 'x'\ns.run()"
    )
    path = write(tmp_path / "mcp.json", {"more": {"command": sys.executable, "args": ["-c", serve]}})
    monkeypatch.setenv("AUTODEVOPS_TOOLBOX__SERVERS", str(path))
    async with Workbench.from_settings() as bench:
        with pytest.raises(ToolDenied, match=r"more\.hello may change something"):
            await bench.tools.call("more.hello", {})
    write(path, {"loki": {"url": "http://127.0.0.1:1/mcp"}})
    with pytest.raises(SettingsError, match="'loki', which is one of our own"):
        async with Workbench.from_settings():
            pass
