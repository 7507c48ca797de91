"""The toolbox: many servers, one broken one, and errors that keep their class across MCP."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from mcp import StdioServerParameters
from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError as McpToolError
from mcp.types import ToolAnnotations
from pydantic import BaseModel

from autodevops.kernel.errors import ToolDenied, ToolError, ToolNotFound, ToolRejected, ToolTimeout, ToolUnavailable
from autodevops.toolbox import McpToolbox, ReadOnly, Timeout
from autodevops.toolbox.config import Chosen, HttpServer


class Total(BaseModel):
    value: int
    truncated: bool = False


def arithmetic() -> MCPServer[Any]:
    server: MCPServer[Any] = MCPServer("arithmetic", log_level="ERROR")

    @server.tool(annotations=ToolAnnotations(read_only_hint=True))
    async def add(a: int, b: int) -> Total:
        return Total(value=a + b, truncated=b == 0)

    @server.tool()
    async def erase() -> Total:
        return Total(value=0)

    @server.tool(annotations=ToolAnnotations(read_only_hint=True))
    async def fail(text: str) -> Total:
        raise McpToolError(text)

    @server.tool(annotations=ToolAnnotations(read_only_hint=True))
    async def crash() -> Total:
        raise RuntimeError("internal detail")

    @server.tool(annotations=ToolAnnotations(read_only_hint=True))
    async def wait() -> Total:
        await asyncio.Event().wait()
        raise AssertionError("unreachable")

    @server.tool(annotations=ToolAnnotations(read_only_hint=True))
    async def words() -> str:
        return "plain"

    return server


@pytest.fixture
async def tools() -> AsyncIterator[McpToolbox]:
    nowhere = StdioServerParameters(command="/nowhere/mcp-server")
    async with McpToolbox({"math": arithmetic(), "broken": nowhere}) as toolbox:
        yield toolbox


async def test_call_gives_the_structured_answer(tools: McpToolbox) -> None:
    answer = await tools.call("math.add", {"a": 1, "b": 2})
    assert answer.data == {"value": 3, "truncated": False}
    assert not answer.truncated
    assert (await tools.call("math.add", {"a": 1, "b": 0})).truncated
    assert (await tools.call("math.words", {})).data == {"result": "plain"}


async def test_server_that_does_not_start_costs_only_its_own_callers(tools: McpToolbox) -> None:
    broken, fine = await asyncio.gather(
        tools.call("broken.anything", {}), tools.call("math.add", {"a": 1, "b": 1}), return_exceptions=True
    )
    assert isinstance(broken, ToolUnavailable)
    assert "MCP server broken does not answer" in broken.message
    assert not isinstance(fine, BaseException)
    names = [spec.name for spec in await tools.list_tools()]
    assert "math.add" in names
    assert not any(name.startswith("broken.") for name in names)
    with pytest.raises(ToolUnavailable):
        await tools.list_tools("broken")


async def test_who_asks_at_the_same_time_shares_one_list_of_tools(monkeypatch: pytest.MonkeyPatch) -> None:
    server, listed = arithmetic(), 0
    once = server.list_tools

    async def counted() -> Any:
        nonlocal listed
        listed += 1
        return await once()

    monkeypatch.setattr(server, "list_tools", counted)
    async with McpToolbox({"math": server}) as toolbox:
        answers = await asyncio.gather(*(toolbox.call("math.add", {"a": 1, "b": n}) for n in range(1, 9)))
    assert [answer.data for answer in answers] == [{"value": 1 + n, "truncated": False} for n in range(1, 9)]
    assert listed == 1


@pytest.mark.parametrize(
    ("tool", "hint"), [("math.ad", "Did you mean math.add"), ("meth.add", "Did you mean math"), ("add", "There are")]
)
async def test_unknown_tool_or_server_names_near_ones(tools: McpToolbox, tool: str, hint: str) -> None:
    with pytest.raises(ToolRejected, match="There is no") as caught:
        await tools.call(tool, {})
    assert hint in caught.value.next_step


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("unavailable: X is down.\nStart it.", ToolUnavailable),
        ("timeout: X is slow.\nStart it.", ToolTimeout),
        ("denied: X is down.\nStart it.", ToolDenied),
        ("rejected: X is down.\nStart it.", ToolRejected),
        ("not_found: X is down.\nStart it.", ToolNotFound),
    ],
)
async def test_errors_keep_class_message_and_next_step(tools: McpToolbox, text: str, kind: type[ToolError]) -> None:
    with pytest.raises(ToolError) as caught:
        await tools.call("math.fail", {"text": text})
    assert type(caught.value) is kind
    assert caught.value.message.startswith("X is")
    assert caught.value.next_step == "Start it."


async def test_foreign_errors_are_told_as_they_are(tools: McpToolbox) -> None:
    with pytest.raises(ToolError, match=r"math\.fail failed: no such table") as caught:
        await tools.call("math.fail", {"text": "no such\ntable"})
    assert type(caught.value) is ToolError


async def test_crash_of_a_tool_does_not_show_its_inside(tools: McpToolbox) -> None:
    with pytest.raises(ToolUnavailable, match="failed inside its server") as caught:
        await tools.call("math.crash", {})
    assert "internal detail" not in str(caught.value)


async def test_wrong_arguments_are_rejected(tools: McpToolbox) -> None:
    with pytest.raises(ToolRejected, match=r"arguments of math\.add are wrong.*b Field required"):
        await tools.call("math.add", {"a": 1})


async def test_misspelled_argument_is_rejected_and_not_ignored(tools: McpToolbox) -> None:
    with pytest.raises(ToolRejected, match=r"no argument of math\.fail called txet") as caught:
        await tools.call("math.fail", {"text": "x", "txet": "y"})
    assert caught.value.next_step == "Did you mean text?"


async def test_reader_never_gets_a_writing_tool(tools: McpToolbox) -> None:
    reader = ReadOnly(tools)
    assert "math.erase" not in [spec.name for spec in await reader.list_tools()]
    with pytest.raises(ToolDenied, match=r"math\.erase may change something"):
        await reader.call("math.erase", {})
    assert (await reader.call("math.add", {"a": 2, "b": 2})).data == {"value": 4, "truncated": False}
    with pytest.raises(ToolUnavailable):
        await reader.call("broken.anything", {})


async def test_slow_call_is_a_timeout_and_the_connection_stays(tools: McpToolbox) -> None:
    limited = Timeout(tools, 0.1)
    await tools.list_tools("math")
    with pytest.raises(ToolTimeout, match=r"math\.wait took longer than 0\.1 s"):
        await limited.call("math.wait", {})
    assert (await tools.call("math.add", {"a": 1, "b": 2})).data == {"value": 3, "truncated": False}


async def test_cancelling_a_call_leaves_the_toolbox_usable(tools: McpToolbox) -> None:
    waiting = asyncio.create_task(tools.call("math.wait", {}))
    await tools.call("math.add", {"a": 1, "b": 2})
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert (await tools.call("math.add", {"a": 1, "b": 2})).data == {"value": 3, "truncated": False}


async def test_nothing_is_left_running_after_closing() -> None:
    before = asyncio.all_tasks()
    async with McpToolbox({"math": arithmetic()}) as toolbox:
        await toolbox.call("math.add", {"a": 1, "b": 2})
    assert asyncio.all_tasks() == before


CHILD = """
import os
from mcp.server import MCPServer
server = MCPServer("child", log_level="ERROR")

@server.tool()
async def pid() -> dict[str, int]:
    return {"pid": os.getpid()}

@server.tool()
async def hang() -> dict[str, int]:
    import asyncio
    open(os.environ["STARTED"], "w").write(str(os.getpid()))
    await asyncio.Event().wait()

server.run("stdio")
"""


async def test_killed_server_is_unavailable_and_comes_back(tmp_path: Path) -> None:
    started = tmp_path / "started"
    os.mkfifo(started)
    child = StdioServerParameters(command=sys.executable, args=["-c", CHILD], env={"STARTED": str(started)})
    async with McpToolbox({"child": child, "math": arithmetic()}) as tools:
        first = (await tools.call("child.pid", {})).data
        hanging = asyncio.create_task(tools.call("child.hang", {}))
        assert await asyncio.to_thread(started.read_text) == str(first["pid"])  # type: ignore[index, call-overload]
        os.kill(first["pid"], signal.SIGKILL)  # type: ignore[index, call-overload, arg-type]
        with pytest.raises(ToolUnavailable, match="MCP server child does not answer"):
            await asyncio.wait_for(hanging, 20)
        assert (await tools.call("math.add", {"a": 1, "b": 2})).data == {"value": 3, "truncated": False}
        second = (await tools.call("child.pid", {})).data
        assert second != first


async def test_server_that_answers_nobody_any_more_is_connected_to_anew() -> None:
    """Its process is there, and nothing breaks: only that whoever asks gives up tells that it hangs."""
    child = StdioServerParameters(command=sys.executable, args=["-c", CHILD])
    async with McpToolbox({"child": child}) as tools:
        first = (await tools.call("child.pid", {})).data
        os.kill(first["pid"], signal.SIGSTOP)  # type: ignore[index, call-overload, arg-type]
        for _ in range(3):
            with pytest.raises(ToolTimeout):
                await Timeout(tools, 0.1).call("child.pid", {})
        assert (await tools.call("child.pid", {})).data != first


async def test_a_question_that_takes_too_long_costs_no_connection_where_others_are_answered() -> None:
    child = StdioServerParameters(command=sys.executable, args=["-c", CHILD], env={"STARTED": os.devnull})
    async with McpToolbox({"child": child}) as tools:
        first = (await tools.call("child.pid", {})).data
        for _ in range(4):
            with pytest.raises(ToolTimeout):
                await Timeout(tools, 0.1).call("child.hang", {})
            assert (await tools.call("child.pid", {})).data == first


async def test_server_that_never_speaks_is_given_up_and_can_be_closed() -> None:
    mute = StdioServerParameters(command=sys.executable, args=["-c", "import sys; sys.stdin.read()"])
    async with McpToolbox({"mute": mute}, connect_seconds=0.5) as tools:
        with pytest.raises(ToolTimeout, match=r"did not start within 0\.5 s"):
            await tools.call("mute.x", {})
    async with McpToolbox({"mute": mute}, connect_seconds=60) as tools:
        with pytest.raises(ToolTimeout, match="took longer"):
            await Timeout(tools, 0.5).call("mute.x", {})


async def test_nothing_listening_is_unavailable() -> None:
    async with McpToolbox({"far": "http://127.0.0.1:9/mcp", "other": HttpServer("http://127.0.0.1:9/mcp")}) as tools:
        for name in ("far", "other"):
            with pytest.raises(ToolUnavailable, match=f"MCP server {name} does not answer"):
                await tools.call(f"{name}.x", {})


DYING = "import sys; open(sys.argv[1], 'a').write('x'); sys.exit('no licence')"


async def test_server_that_dies_at_its_start_is_not_started_by_every_call(tmp_path: Path) -> None:
    starts = tmp_path / "starts"
    dying = StdioServerParameters(command=sys.executable, args=["-c", DYING, str(starts)])
    async with McpToolbox({"dying": dying, "math": arithmetic()}) as tools:
        for _ in range(2):
            with pytest.raises(ToolUnavailable, match="MCP server dying does not answer"):
                await tools.call("dying.x", {})
        for _ in range(5):
            with pytest.raises(ToolUnavailable, match=r"failed 2 times in a row and is tried again in \d+ s"):
                await tools.call("dying.x", {})
        assert (await tools.call("math.add", {"a": 1, "b": 2})).data == {"value": 3, "truncated": False}
    assert await asyncio.to_thread(starts.read_text) == "xx"


BABBLING = """
import sys
print("Welcome to my server!", flush=True)
for line in sys.stdin:
    print("{not json", flush=True)
"""


async def test_server_that_answers_garbage_is_given_up() -> None:
    babbling = StdioServerParameters(command=sys.executable, args=["-c", BABBLING])
    async with McpToolbox({"babbling": babbling, "math": arithmetic()}, connect_seconds=1) as tools:
        with pytest.raises(ToolUnavailable, match="babbling"):
            await tools.call("babbling.x", {})
        assert (await tools.call("math.add", {"a": 1, "b": 2})).data == {"value": 3, "truncated": False}


SLOW = """
import json, sys
answers = {
    "initialize": {
        "protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": {"name": "slow", "version": "1"},
    },
    "tools/list": {"tools": [{"name": "ask", "inputSchema": {"type": "object"}}]},
    "tools/call": {"content": [{"type": "text", "text": "here"}]},
}
began = False
for line in sys.stdin:
    message = json.loads(line)
    if message["method"] == "server/discover":  # not answered before the greeting has come
        began = True
    elif began:
        told = {"error": {"code": 0, "message": "duplicate initialize"}}
        print(json.dumps({"jsonrpc": "2.0", "id": message["id"], **told}), flush=True)
    elif "id" in message:
        print(json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": answers[message["method"]]}), flush=True)
"""


async def test_server_that_reads_the_newer_question_too_late_is_greeted_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mcp.client.session.DISCOVER_TIMEOUT_SECONDS", 0.05)
    slow = StdioServerParameters(command=sys.executable, args=["-c", SLOW])
    async with McpToolbox({"slow": slow}, connect_seconds=60) as tools:
        assert (await tools.call("slow.ask", {})).data == "here"


LYING = """
from mcp.server import MCPServer
from mcp.types import CallToolResult, TextContent
server = MCPServer("lying", log_level="ERROR")

@server.tool()
async def total() -> dict[str, int]:
    return {"n": 1}

@server.tool()
async def big() -> str:
    return "x" * 50_000

async def lie(*_args, **_kwargs):
    return CallToolResult(content=[TextContent(type="text", text="?")], structured_content={"n": "many"})

object.__setattr__(server._tool_manager.get_tool("total"), "run", lie)
server.run("stdio")
"""


async def test_answer_against_its_own_schema_and_oversized_ones_are_named() -> None:
    lying = StdioServerParameters(command=sys.executable, args=["-c", LYING])
    async with McpToolbox({"lying": lying}, max_answer_bytes=10_000) as tools:
        with pytest.raises(ToolUnavailable, match="answered against its own schema"):
            await tools.call("lying.total", {})
        with pytest.raises(ToolRejected, match=r"lying\.big answered .* MB; at most") as caught:
            await tools.call("lying.big", {})
        assert "Narrow" in caught.value.next_step


async def test_only_chosen_tools_exist() -> None:
    targets = {
        "some": Chosen(arithmetic(), include=("a*", "words")),
        "most": Chosen(arithmetic(), exclude=("erase",)),
        "math": arithmetic(),
    }
    async with McpToolbox(targets) as tools:
        assert {spec.name for spec in await tools.list_tools("some")} == {"some.add", "some.words"}
        assert "most.erase" not in {spec.name for spec in await tools.list_tools("most")}
        assert (await tools.call("some.add", {"a": 1, "b": 2})).data == {"value": 3, "truncated": False}
        with pytest.raises(ToolRejected, match=r"no tool most\.erase"):
            await tools.call("most.erase", {})
        assert (await tools.call("math.erase", {})).data == {"value": 0, "truncated": False}
