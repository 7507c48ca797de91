"""Each server alone, as any MCP client meets it: over stdio and streamable HTTP, in a process of its own."""

from __future__ import annotations

import signal
import socket
import sys

import pytest
from mcp import Client, StdioServerParameters
from servers.served import command, served

from autodevops import servers
from autodevops.kernel.errors import UsageError
from autodevops.settings import Settings


@pytest.mark.parametrize("mode", ["auto", "legacy"])
@pytest.mark.parametrize("name", ["loki", "kubernetes"])
async def test_stdio_round_trip(name: str, mode: str) -> None:
    async with Client(StdioServerParameters(command=sys.executable, args=command(name, "stdio")), mode=mode) as client:
        tools = await client.list_tools()
        result = await client.call_tool(tools.tools[0].name, {"kind": "Pod", "query": "{", "start": "1", "end": "2"})
    assert tools.tools
    assert all(tool.annotations and tool.annotations.read_only_hint for tool in tools.tools)
    assert result.is_error


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_streamable_http_round_trip(mode: str) -> None:
    with served("github") as (url, _process):
        assert url.startswith("http://127.0.0.1:")
        assert url.endswith("/mcp")
        async with Client(url, mode=mode) as client:
            result = await client.call_tool("list_repositories", {})
    assert result.structured_content == {"truncated": False, "note": "", "names": []}


def test_ctrl_c_ends_it_cleanly() -> None:
    with served("loki") as (_url, process):
        process.send_signal(signal.SIGINT)
        _out, err = process.communicate(timeout=180)
    assert process.returncode == 0
    assert "Traceback" not in err


def test_busy_port_is_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=f"Port {port} on 127.0.0.1 is in use"):
            servers.run("loki", Settings(), transport="http", port=port)


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::", "example.org"])
def test_host_beyond_loopback_is_refused(host: str) -> None:
    with pytest.raises(UsageError, match="reachable from other machines"):
        servers.run("loki", Settings(), transport="http", host=host, port=0)


@pytest.mark.parametrize(("name", "transport"), [("lokki", "stdio"), ("loki", "carrier-pigeon")])
def test_unknown_server_or_transport_names_the_choices(name: str, transport: str) -> None:
    with pytest.raises(UsageError) as caught:
        servers.run(name, Settings(), transport=transport)
    assert "stdio" in caught.value.next_step or "kubernetes" in caught.value.next_step
