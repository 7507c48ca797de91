"""Systems are reached as they are in the field: tokens, tenants, certificates, proxies, paths before the API."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from servers.certificates import Authority, authority
from servers.loopback import Tls, ask, call, serve
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from autodevops.kernel.errors import SettingsError, ToolDenied, ToolUnavailable
from autodevops.servers import loki, prometheus
from autodevops.servers.loki import create_server
from autodevops.settings import AlertmanagerSettings, LokiSettings, PrometheusSettings, load_settings

NAMES = {"status": "success", "data": ["app"]}


def settings(url: str, **more: Any) -> LokiSettings:
    return LokiSettings.model_validate({"url": url, **more})


@pytest.fixture
def seen() -> list[dict[str, str]]:
    return []


@pytest.fixture
def url(seen: list[dict[str, str]]) -> Iterator[str]:
    with serve(remembering(seen)) as address:
        yield address


def remembering(seen: list[dict[str, str]]) -> Starlette:
    async def endpoint(request: Request) -> Response:
        seen.append({**request.headers, "path": request.url.path})
        return JSONResponse(NAMES)

    return Starlette(routes=[Route("/{path:path}", endpoint, methods=["GET", "POST"])])


async def test_a_token_file_is_read_again_when_it_changes(tmp_path: Path, url: str, seen: list[dict[str, str]]) -> None:
    file = tmp_path / "token"
    file.write_text("first\n")
    server = create_server(settings(url, token_file=file))
    await call(server, "list_labels")
    file.write_text("second-token\n")
    os.utime(file, ns=(1, 1))  # a file system may be too coarse to tell two writes apart
    await call(server, "list_labels")
    assert [headers["authorization"] for headers in seen] == ["Bearer first", "Bearer second-token"]


async def test_a_token_file_that_is_not_there_is_named(tmp_path: Path, url: str) -> None:
    server = create_server(settings(url, token_file=tmp_path / "gone"))
    with pytest.raises(ToolDenied, match=r"gone for Loki cannot be read: No such file") as caught:
        await ask(server, "list_labels")
    assert "AUTODEVOPS_LOKI__TOKEN_FILE" in caught.value.next_step


async def test_basic_authentication_and_an_own_header_that_replaces_ours(url: str, seen: list[dict[str, str]]) -> None:
    await call(create_server(settings(url, username="me", password="hunter2")), "list_labels")
    assert seen[0]["authorization"] == f"Basic {base64.b64encode(b'me:hunter2').decode()}"
    await call(create_server(settings(url, token="x", headers={"authorization": "Token y"})), "list_labels")
    assert seen[1]["authorization"] == "Token y"


async def test_several_tenants_are_sent_as_one_header(url: str, seen: list[dict[str, str]]) -> None:
    await call(create_server(settings(url, tenant="team-a|team-b")), "list_labels")
    server = prometheus.create_server(PrometheusSettings(url=url, tenant="team-c"), AlertmanagerSettings())
    await call(server, "list_metrics")
    assert [headers["x-scope-orgid"] for headers in seen] == ["team-a|team-b", "team-c"]


@pytest.mark.parametrize(
    ("section", "says"),
    [
        ({"tenant": "a|b/c"}, "'b/c' is not a tenant id"),
        ({"tenant": "a||b"}, "'' is not a tenant id"),
        ({"token": "tok-3f9c", "token_file": "/t"}, "give one of them"),
        ({"key_file": "/k"}, "cert_file"),
    ],
)
def test_contradictory_settings_are_refused_without_showing_a_secret(section: dict[str, str], says: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(loki={"url": "http://loki", **section})
    assert says in str(caught.value)
    assert "tok-3f9c" not in str(caught.value)


@pytest.mark.parametrize("prefix", ["/prometheus", "/api/datasources/proxy/uid/abc"])
async def test_a_path_before_the_api_is_kept(url: str, seen: list[dict[str, str]], prefix: str) -> None:
    server = prometheus.create_server(PrometheusSettings(url=f"{url}{prefix}/"), AlertmanagerSettings())
    await call(server, "list_metrics")
    assert seen[0]["path"] == f"{prefix}/api/v1/label/__name__/values"


@pytest.fixture(scope="module")
def signer(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return authority(tmp_path_factory.mktemp("authority"))


async def test_an_own_authority_is_trusted_only_when_it_is_named(signer: Authority) -> None:
    with serve(remembering([]), Tls(*signer.issue("server"))) as url:
        assert (await call(create_server(settings(url, ca_file=signer.file)), "list_labels"))["names"] == ["app"]
        with pytest.raises(ToolUnavailable, match="is not trusted or not valid") as caught:
            await ask(create_server(settings(url)), "list_labels")
    assert "AUTODEVOPS_LOKI__CA_FILE" in caught.value.next_step


async def test_a_client_certificate_is_shown_and_its_absence_is_named(signer: Authority, tmp_path: Path) -> None:
    certificate, key = signer.issue("client")
    both = tmp_path / "both.pem"
    both.write_bytes(certificate.read_bytes() + key.read_bytes())
    with serve(remembering([]), Tls(*signer.issue("server"), clients=signer.file)) as url:
        shown = settings(url, ca_file=signer.file, cert_file=certificate, key_file=key)
        assert (await call(create_server(shown), "list_labels"))["names"] == ["app"]
        assert await call(create_server(settings(url, ca_file=signer.file, cert_file=both)), "list_labels")
        with pytest.raises(ToolUnavailable, match="closed the TLS connection without an answer") as caught:
            await ask(create_server(settings(url, ca_file=signer.file)), "list_labels")
    assert "AUTODEVOPS_LOKI__CERT_FILE" in caught.value.next_step


async def test_a_renewed_client_certificate_is_used(signer: Authority, tmp_path: Path) -> None:
    stranger = authority(tmp_path / "stranger")
    (wrong, wrong_key), (right, right_key) = stranger.issue("client"), signer.issue("renewed")
    shown, key = tmp_path / "shown.pem", tmp_path / "shown.key"
    with serve(remembering([]), Tls(*signer.issue("server"), clients=signer.file)) as url:
        server = create_server(settings(url, ca_file=signer.file, cert_file=shown, key_file=key))
        shown.write_bytes(wrong.read_bytes())
        key.write_bytes(wrong_key.read_bytes())
        async with servers_open(server) as tools:
            with pytest.raises(ToolUnavailable, match="closed the TLS connection"):
                await tools.call("x.list_labels", {})
            shown.write_bytes(right.read_bytes() + b"\n")
            key.write_bytes(right_key.read_bytes())
            assert (await tools.call("x.list_labels", {})).data["names"] == ["app"]


def servers_open(server: Any) -> Any:
    from autodevops.toolbox import McpToolbox

    return McpToolbox({"x": server})


async def test_an_unusable_client_certificate_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "broken.pem"
    broken.write_text("not a certificate")
    with pytest.raises(ToolUnavailable, match=r"broken\.pem for Loki cannot be read") as caught:
        await ask(create_server(settings("https://127.0.0.1:1", cert_file=broken)), "list_labels")
    assert "AUTODEVOPS_LOKI__CERT_FILE" in caught.value.next_step


async def test_the_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    async def proxy(scope: Scope, receive: Receive, send: Send) -> None:
        asked.append(scope["path"])
        await JSONResponse(NAMES)(scope, receive, send)

    with serve(proxy) as address:
        monkeypatch.setenv("HTTP_PROXY", address)
        monkeypatch.setenv("http_proxy", address)
        monkeypatch.setenv("NO_PROXY", "")
        monkeypatch.setenv("no_proxy", "")
        answer = await call(create_server(settings("http://loki.example:3100")), "list_labels")
    assert answer["names"] == ["app"]
    assert asked == ["http://loki.example:3100/loki/api/v1/labels"]


async def test_a_proxy_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, "http://me:hunter2@127.0.0.1:9")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "")
    with pytest.raises(ToolUnavailable, match=r"through the proxy http://127\.0\.0\.1:9: connection refused") as caught:
        await ask(loki.create_server(settings("http://loki.example:3100")), "list_labels")
    assert "hunter2" not in str(caught.value)
