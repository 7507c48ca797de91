"""MCP servers that nobody here wrote, through the toolbox: over stdio and HTTP, in both protocol eras."""

from __future__ import annotations

import json
import re
import socket
import subprocess
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from npm_programs import node, npm_programs

from autodevops.kernel.errors import ToolDenied, ToolError, ToolRejected
from autodevops.sandbox import Sandbox
from autodevops.settings import ToolboxSettings
from autodevops.toolbox import McpToolbox, load_mcp_config
from autodevops.toolbox.stack import standard

NOW = datetime(2026, 11, 24, 4, tzinfo=UTC)


@pytest.fixture(scope="module")
def node_modules() -> Path:
    return npm_programs()


@pytest.fixture(scope="module")
def kubeconfig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    path = tmp_path_factory.mktemp("foreign") / "kubeconfig"
    with Sandbox(scenario="bad-deploy", seed=1, now=NOW) as sandbox:
        sandbox.write_kubeconfig(path)
        yield path


@pytest.fixture
def config(node_modules: Path, tmp_path: Path) -> Path:
    binary = next(node_modules.glob("kubernetes-mcp-server-*/bin/kubernetes-mcp-server*"))
    everything = node_modules / "@modelcontextprotocol/server-everything/dist/index.js"
    path = tmp_path / "mcp.json"
    servers = {
        "k8s": {"command": str(binary), "args": ["--kubeconfig", "${KUBECONFIG}"]},
        "all": {"command": node(node_modules), "args": [str(everything), "stdio"], "excludeTools": ["get-env"]},
    }
    path.write_text(json.dumps({"mcpServers": servers}))
    return path


@pytest.fixture
async def tools(config: Path, kubeconfig: Path) -> AsyncIterator[McpToolbox]:
    async with McpToolbox(load_mcp_config(config, {"KUBECONFIG": str(kubeconfig)})) as toolbox:
        yield toolbox


async def test_kubernetes_server_of_others_reads_the_sandbox(tools: McpToolbox) -> None:
    specs = await tools.list_tools("k8s")
    assert len(specs) >= 20  # one more where the kubeconfig has several contexts
    assert {"k8s.pods_list", "k8s.pods_log", "k8s.resources_get"} <= {spec.name for spec in specs if spec.read_only}
    reader = standard(tools, ToolboxSettings(), 20)
    pods = str((await reader.call("k8s.pods_list_in_namespace", {"namespace": "shop"})).data)
    found = re.search(r"\bcart-[a-z0-9]+-[a-z0-9]{5}\b", pods)
    assert found, pods[:500]
    logs = await reader.call("k8s.pods_log", {"namespace": "shop", "name": found.group(), "tail": 5})
    assert str(logs.data).strip()
    with pytest.raises(ToolDenied):
        await reader.call("k8s.pods_delete", {"namespace": "shop", "name": found.group()})
    with pytest.raises(ToolError, match="nope"):
        await reader.call("k8s.pods_get", {"namespace": "shop", "name": "nope"})


async def test_reference_server_lists_answers_and_refuses(tools: McpToolbox) -> None:
    specs = {spec.name for spec in await tools.list_tools("all")}
    assert "all.echo" in specs
    assert "all.get-env" not in specs
    assert "hello" in str((await tools.call("all.echo", {"message": "hello"})).data)
    weather: Any = (await tools.call("all.get-structured-content", {"location": "Chicago"})).data
    assert set(weather) == {"temperature", "conditions", "humidity"}
    with pytest.raises(ToolRejected):
        await tools.call("all.get-env", {})
    with pytest.raises(ToolError):
        await tools.call("all.echo", {})


@pytest.fixture
def address(node_modules: Path) -> Iterator[str]:
    script = node_modules / "@modelcontextprotocol/server-everything/dist/index.js"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    command = [node(node_modules), str(script), "streamableHttp"]
    with subprocess.Popen(command, env={"PORT": port}, stderr=subprocess.PIPE, text=True) as server:
        try:
            assert server.stderr is not None
            while port not in (line := server.stderr.readline()):
                assert line, "the server ended before it listened"
            yield f"http://127.0.0.1:{port}/mcp"
        finally:
            server.kill()


async def test_reference_server_is_reached_over_http(address: str) -> None:
    async with McpToolbox({"all": address}) as toolbox:
        assert "hello" in str((await toolbox.call("all.echo", {"message": "hello"})).data)
