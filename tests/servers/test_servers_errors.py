"""Whatever goes wrong between a server and its system is one clear error of the right class."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import anyio
import httpx
import pytest
from mcp import Client
from pydantic import SecretStr
from servers.loopback import ask, serve
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from autodevops import servers
from autodevops.kernel.errors import ToolDenied, ToolError, ToolNotFound, ToolRejected, ToolTimeout, ToolUnavailable
from autodevops.servers import github, loki, prometheus
from autodevops.servers._failures import System, unreachable
from autodevops.settings import (
    AlertmanagerSettings,
    GitHubSettings,
    LokiSettings,
    PrometheusSettings,
    Settings,
)
from autodevops.toolbox import McpToolbox

TOKEN = "tok-3f9c1b7e"


def answering(response: Response) -> Starlette:
    async def endpoint(_request: Request) -> Response:
        return response

    return Starlette(routes=[Route("/{path:path}", endpoint, methods=["GET", "POST"])])


@dataclass(frozen=True)
class Case:
    name: str
    response: Response
    error: type[ToolError]
    says: tuple[str, ...]


BAD_DATA = {"status": "error", "errorType": "bad_data", "error": "1:7: parse error: unclosed left parenthesis"}
CASES = [
    Case(
        "expired token",
        PlainTextResponse("no", 401),
        ToolDenied,
        ("Prometheus at http", "AUTODEVOPS_PROMETHEUS__TOKEN"),
    ),
    Case("no right", JSONResponse({"message": "nope"}, 403), ToolDenied, ("403", "nope")),
    Case("PromQL error", JSONResponse(BAD_DATA, 400), ToolRejected, ("unclosed left parenthesis",)),
    Case("execution error", JSONResponse({"error": "too many samples"}, 422), ToolRejected, ("too many samples",)),
    Case("no such route", PlainTextResponse("404 page not found", 404), ToolUnavailable, ("did not answer like",)),
    Case("busy", PlainTextResponse("slow down", 429), ToolUnavailable, ("limits",)),
    Case("broken", PlainTextResponse("boom", 500), ToolUnavailable, ("500", "boom")),
    Case("gateway timeout", PlainTextResponse("", 504), ToolTimeout, ("in time",)),
    Case(
        "query timeout",
        JSONResponse({"status": "error", "errorType": "timeout", "error": "query timed out"}, 503),
        ToolTimeout,
        ("query timed out", "TIMEOUT_SECONDS"),
    ),
    Case(
        "HTML page",
        HTMLResponse("<html>hi</html>"),
        ToolUnavailable,
        ("did not answer like Prometheus", "check the address"),
    ),
    Case("HTML error page", HTMLResponse("<html>secret page</html>", 502), ToolUnavailable, ("502",)),
    Case("login page", HTMLResponse("<html>Sign in</html>"), ToolUnavailable, ("most likely a login page",)),
    Case("no tenant", PlainTextResponse("no org id", 401), ToolDenied, ("tenants", "AUTODEVOPS_PROMETHEUS__TENANT")),
    Case("how long", PlainTextResponse("slow", 429, headers={"Retry-After": "30"}), ToolUnavailable, ("in 30 s",)),
    Case("down for now", PlainTextResponse("", 503, headers={"Retry-After": "300"}), ToolUnavailable, ("in 5 min",)),
    Case("proxy's password", PlainTextResponse("", 407), ToolDenied, ("proxy", "HTTPS_PROXY")),
    Case("other JSON", JSONResponse({"hello": "world"}), ToolUnavailable, ("did not answer like Prometheus",)),
    Case("JSON list", JSONResponse([1, 2]), ToolUnavailable, ("did not answer like Prometheus",)),
    Case("login redirect", RedirectResponse("https://sso.example/login?t=1"), ToolUnavailable, ("sso.example/login",)),
    Case("quoted token", PlainTextResponse(f"bad header Bearer {TOKEN}", 400), ToolRejected, ("***",)),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_each_wrong_answer_has_its_error(case: Case) -> None:
    with serve(answering(case.response)) as url:
        server = prometheus.create_server(PrometheusSettings(url=url, token=SecretStr(TOKEN)), AlertmanagerSettings())
        with pytest.raises(ToolError) as caught:
            await ask(server, "query_instant", query="up")
    assert type(caught.value) is case.error
    text = str(caught.value)
    for part in case.says:
        assert part.lower() in text.lower()
    assert TOKEN not in text
    assert "<html>" not in text
    assert caught.value.next_step


async def test_refused_connection_names_system_address_and_setting() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
        server = loki.create_server(LokiSettings(url=url))
        with pytest.raises(ToolUnavailable, match=f"Loki at {url} does not answer: connection refused") as caught:
            await ask(server, "list_labels")
    assert "AUTODEVOPS_LOKI__URL" in caught.value.next_step


def test_unknown_host_is_said_to_be_unknown() -> None:
    tempo_system = System("Tempo", "http://tempo:3200", "AUTODEVOPS_TEMPO__URL", "", "", "")
    try:
        try:
            raise socket.gaierror(-2, "Name or service not known")
        except socket.gaierror as cause:
            raise httpx.ConnectError("All connection attempts failed") from cause
    except httpx.ConnectError as error:
        told = unreachable(tempo_system, error)
    assert str(told).startswith("Tempo at http://tempo:3200 does not answer: its host name is not known.")


def test_a_connection_that_ends_in_the_handshake_says_nothing_of_a_certificate() -> None:
    system = System("Kubernetes", "https://k8s:6443", "the kubeconfig", "", "", "")
    told = unreachable(system, ssl.SSLEOFError(8, "[SSL: UNEXPECTED_EOF_WHILE_READING] EOF occurred"))
    assert str(told).startswith("Kubernetes at https://k8s:6443 does not answer: it closed the connection")


async def test_slow_answer_is_a_timeout_that_names_the_limit() -> None:
    async def endpoint(_request: Request) -> Response:
        await anyio.sleep(30)  # bounded by the client's timeout and the server's shutdown
        return Response()

    with serve(Starlette(routes=[Route("/{path:path}", endpoint)])) as url:
        server = loki.create_server(LokiSettings(url=url, timeout_seconds=0.2))
        with pytest.raises(ToolTimeout, match=r"0\.2 s") as caught:
            await ask(server, "list_labels")
    assert "AUTODEVOPS_LOKI__TIMEOUT_SECONDS" in caught.value.next_step


@pytest.mark.parametrize(
    ("name", "tool", "arguments", "variable"),
    [
        ("prometheus", "query_instant", {"query": "up"}, "AUTODEVOPS_PROMETHEUS__URL"),
        ("prometheus", "list_alert_groups", {}, "AUTODEVOPS_ALERTMANAGER__URL"),
        ("loki", "list_labels", {}, "AUTODEVOPS_LOKI__URL"),
        ("tempo", "list_tags", {}, "AUTODEVOPS_TEMPO__URL"),
        ("github", "list_commits", {"repository": "acme/shop"}, "AUTODEVOPS_GITHUB__URL"),
    ],
)
async def test_unconfigured_system_says_which_setting_to_set(
    name: str, tool: str, arguments: dict[str, Any], variable: str
) -> None:
    with pytest.raises(ToolUnavailable, match="is not configured") as caught:
        await ask(servers.create(name, Settings(github=GitHubSettings(url=""))), tool, **arguments)
    assert variable in caught.value.next_step
    assert "autodevops.toml" in caught.value.next_step


@pytest.mark.parametrize("token", ["two\nlines", "naïve"])
async def test_unsendable_token_is_refused_without_being_shown(token: str) -> None:
    with serve(answering(JSONResponse({}))) as url:
        server = loki.create_server(LokiSettings(url=url, token=SecretStr(token)))
        with pytest.raises(ToolDenied) as caught:
            await ask(server, "list_labels")
    assert token not in str(caught.value)
    assert token.splitlines()[0] not in str(caught.value)


async def test_credentials_in_the_address_are_not_shown() -> None:
    with serve(answering(PlainTextResponse("no", 401))) as url:
        server = loki.create_server(LokiSettings(url=url.replace("http://", "http://me:hunter2@")))
        with pytest.raises(ToolDenied) as caught:
            await ask(server, "list_labels")
    assert "hunter2" not in str(caught.value)


async def test_credentials_headers_and_tenant_reach_the_system() -> None:
    seen: dict[str, str] = {}

    async def endpoint(request: Request) -> Response:
        seen.update(request.headers)
        return JSONResponse({"status": "success", "data": ["app"]})

    with serve(Starlette(routes=[Route("/{path:path}", endpoint)])) as url:
        settings = LokiSettings(url=url, token=SecretStr(TOKEN), tenant="team-a", headers={"X-Extra": SecretStr("1")})
        assert await ask(loki.create_server(settings), "list_labels") == {
            "truncated": False, "note": "", "names": ["app"],
        }  # fmt: skip
    assert (seen["authorization"], seen["x-scope-orgid"], seen["x-extra"]) == (f"Bearer {TOKEN}", "team-a", "1")


async def test_missing_ca_file_is_named() -> None:
    server = loki.create_server(
        LokiSettings.model_validate({"url": "https://127.0.0.1:1", "ca_file": "/nowhere/ca.pem"})
    )
    with pytest.raises(ToolUnavailable, match=r"/nowhere/ca\.pem") as caught:
        await ask(server, "list_labels")
    assert "AUTODEVOPS_LOKI__CA_FILE" in caught.value.next_step


@pytest.mark.parametrize(
    ("tool", "instead"),
    [
        ("list_targets", "up == 0"),
        ("list_rules", "ALERTS"),
        ("list_alerts", "list_alert_groups"),
        ("get_metadata", "Judge by the name"),
    ],
)
async def test_what_a_compatible_system_leaves_out_is_said_plainly(tool: str, instead: str) -> None:
    with serve(answering(PlainTextResponse("404 page not found", 404))) as url:
        server = prometheus.create_server(PrometheusSettings(url=url), AlertmanagerSettings())
        with pytest.raises(ToolNotFound, match="Thanos, Mimir and VictoriaMetrics") as caught:
            await ask(server, tool)
    assert instead in caught.value.next_step
    assert "AUTODEVOPS_PROMETHEUS__URL" in caught.value.next_step


NOW = datetime(2026, 11, 24, 4, tzinfo=UTC)


@pytest.mark.parametrize(
    ("status", "headers", "message", "wait"),
    [
        (403, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": f"{NOW.timestamp() + 1800:.0f}"}, "", "in 30 min"),
        (403, {"Retry-After": "60"}, "You have exceeded a secondary rate limit", "in 60 s"),
        (429, {"Retry-After": "Tue, 24 Nov 2026 04:01:00 GMT"}, "secondary rate limit", "in 60 s"),
        (403, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "nonsense"}, "", "in a minute"),
    ],
)
async def test_github_says_how_long_to_wait(status: int, headers: dict[str, str], message: str, wait: str) -> None:
    with serve(answering(JSONResponse({"message": message}, status, headers=headers))) as url:
        server = github.create_server(GitHubSettings(url=url), clock=lambda: NOW)
        with pytest.raises(ToolUnavailable, match="no requests left") as caught:
            await ask(server, "list_commits", repository="acme/shop")
    assert f"Ask again {wait}" in caught.value.next_step


async def test_github_says_which_field_it_does_not_like() -> None:
    body = {"message": "Validation Failed", "errors": [{"resource": "Issue", "field": "title", "code": "missing"}]}
    with serve(answering(JSONResponse(body, 422))) as url:
        server = github.create_server(GitHubSettings(url=url))
        with pytest.raises(ToolRejected, match="Validation Failed: Issue title missing"):
            await ask(server, "list_commits", repository="acme/shop")


async def test_a_connection_that_the_system_closed_meanwhile_is_opened_again() -> None:
    """Each connection answers once and is left without an answer then, as one that idled for too long."""
    answer = (
        b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 30\r\n\r\n{"status":"success","data":[]}'
    )
    connections = 0

    async def serve_one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        with contextlib.suppress(asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
        writer.close()

    listener = await asyncio.start_server(serve_one, "127.0.0.1", 0)
    async with listener:
        port = listener.sockets[0].getsockname()[1]
        async with McpToolbox({"loki": loki.create_server(LokiSettings(url=f"http://127.0.0.1:{port}"))}) as tools:
            await tools.call("loki.list_labels", {})
            await tools.call("loki.list_labels", {})
    assert connections == 2


async def test_github_says_when_the_rate_limit_is_used_up() -> None:
    response = JSONResponse({"message": "API rate limit exceeded"}, 403, headers={"X-RateLimit-Remaining": "0"})
    with serve(answering(response)) as url:
        server = github.create_server(GitHubSettings(url=url))
        with pytest.raises(ToolUnavailable, match="no requests left"):
            await ask(server, "list_commits", repository="acme/shop")


async def test_missing_named_thing_is_not_found() -> None:
    with serve(answering(JSONResponse({"message": "Not Found"}, 404))) as url:
        server = github.create_server(GitHubSettings(url=url))
        with pytest.raises(ToolNotFound, match="Repository acme/shp does not exist"):
            await ask(server, "list_commits", repository="acme/shp")


async def test_huge_answer_is_refused_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autodevops.servers._http.MAX_ANSWER_BYTES", 1000)
    with serve(answering(PlainTextResponse("x" * 10_000))) as url:
        server = loki.create_server(LokiSettings(url=url))
        with pytest.raises(ToolRejected, match="larger than"):
            await ask(server, "list_labels")


@pytest.mark.parametrize(
    ("start", "end", "says"),
    [
        ("yesterday", "1", "start='yesterday' is not a time"),
        ("2026-11-24T03:00:00", "1", "has no time zone"),
        ("2026-11-24T03:00:00Z", "2026-11-24T02:00:00Z", "ends at"),
        ("1700000000000", "1700000000001", "Unix seconds"),
        ("nan", "1", "Unix seconds"),
    ],
)
async def test_bad_times_are_rejected_before_anything_is_asked(start: str, end: str, says: str) -> None:
    server = loki.create_server(LokiSettings(url="http://127.0.0.1:1"))
    with pytest.raises(ToolRejected) as caught:
        await ask(server, "query_logs", query='{app="a"}', start=start, end=end)
    assert says in str(caught.value)


async def test_error_text_begins_with_its_code_on_the_wire() -> None:
    async with Client(servers.create("loki", Settings())) as client:
        result = await client.call_tool("list_labels", {})
    assert result.is_error
    assert result.content[0].type == "text"
    assert result.content[0].text.startswith("Error executing tool list_labels: unavailable: Loki is not configured.")


def test_making_servers_leaves_logging_alone() -> None:
    import logging

    before = (list(logging.getLogger().handlers), logging.getLogger().level)
    for name in servers.NAMES:
        servers.create(name, Settings())
    assert (list(logging.getLogger().handlers), logging.getLogger().level) == before
