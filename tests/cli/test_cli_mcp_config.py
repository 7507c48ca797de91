"""`autodevops mcp config`: what it prints, our own toolbox reads, and no secret is in it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from mcp import StdioServerParameters
from typer.testing import CliRunner

from autodevops import servers
from autodevops.cli.app import app
from autodevops.toolbox import McpToolbox, load_mcp_config
from autodevops.toolbox.config import HttpServer

CLIENTS = ["claude-desktop", "cursor", "vscode"]
VARIABLES = {
    "AUTODEVOPS_LOKI__URL": "http://loki:3100",
    "AUTODEVOPS_LOKI__TENANT": "shop",
    "AUTODEVOPS_LOKI__TOKEN": "t0k",
    "AUTODEVOPS_LOKI__HEADERS": '{"X-Key": "h1dden"}',
    "AUTODEVOPS_TEMPO__URL": "http://bob:pa55@tempo:3200",
    "AUTODEVOPS_ALERTMANAGER__PASSWORD": "am-pw",
    "AUTODEVOPS_OLLAMA__MODEL": "small",
    "KUBECONFIG": "kc",
}


def printed(*arguments: str) -> tuple[str, str]:
    done = CliRunner().invoke(app, ["mcp", "config", *arguments])
    assert done.exit_code == 0, done.output
    return done.stdout, done.stderr


@pytest.mark.parametrize("client", CLIENTS)
def test_every_client_gets_its_form_and_no_secret(client: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    out, err = printed("--client", client)
    entries = json.loads(out)["servers" if client == "vscode" else "mcpServers"]
    assert set(entries) == {f"autodevops-{name}" for name in servers.NAMES}
    assert entries["autodevops-kubernetes"]["env"] == {"KUBECONFIG": str(tmp_path / "kc")}
    loki = entries["autodevops-loki"]["env"]
    assert (loki["AUTODEVOPS_LOKI__URL"], loki["AUTODEVOPS_LOKI__TENANT"]) == ("http://loki:3100", "shop")
    assert "AUTODEVOPS_LOKI__TOKEN}" in loki["AUTODEVOPS_LOKI__TOKEN"]
    assert not any(secret in out + err for secret in ("t0k", "h1dden", "pa55", "am-pw"))
    assert "OLLAMA" not in out
    for system in ("macOS", "Windows", "Linux"):
        assert system in err


@pytest.mark.parametrize("client", CLIENTS)
async def test_our_toolbox_starts_what_is_printed(client: str, tmp_path: Path) -> None:
    path = tmp_path / "mcp.json"
    path.write_text(printed("--client", client)[0])
    target = load_mcp_config(path)["autodevops-loki"]
    assert isinstance(target, StdioServerParameters)
    async with McpToolbox({"loki": target}) as tools:
        assert "loki.query_logs" in {spec.name for spec in await tools.list_tools("loki")}


@pytest.mark.parametrize("client", CLIENTS)
def test_http_addresses_are_five_different_ones(client: str, tmp_path: Path) -> None:
    path = tmp_path / "mcp.json"
    path.write_text(printed("--client", client, "--transport", "http")[0])
    targets = load_mcp_config(path)
    assert len({target.url for target in targets.values() if isinstance(target, HttpServer)}) == len(servers.NAMES)
