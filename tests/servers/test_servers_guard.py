"""Who is let in over HTTP: tokens, hosts and origins, TLS; and that nothing is open by accident."""

from __future__ import annotations

import re
import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from servers.served import served
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from typer.testing import CliRunner

from autodevops import servers
from autodevops.cli.app import app
from autodevops.kernel.errors import UsageError
from autodevops.servers.guard import Guard, security
from autodevops.settings import Settings

ONE, TWO = "token-of-the-first-client", "token-of-the-second-client"
ASK = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
HEADERS = {"Accept": "application/json, text/event-stream"}


async def inside(_request: Request) -> Response:
    return PlainTextResponse("inside")


def client(*tokens: str) -> httpx.AsyncClient:
    guarded = Guard(Starlette(routes=[Route("/mcp", inside)]), tokens)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=guarded), base_url="http://127.0.0.1")


@pytest.mark.parametrize("given", [f"Bearer {ONE}", f"Bearer {TWO}", f"bearer {TWO}"])
async def test_every_token_opens(given: str) -> None:
    async with client(ONE, TWO) as http:
        assert (await http.get("/mcp", headers={"Authorization": given})).text == "inside"


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ("", ""),
        ("Basic dTpw", ""),
        ("Bearer", ""),
        ("Bearer wrong", "invalid_token"),
        (f"Bearer {ONE}x", "invalid_token"),
    ],
)
async def test_no_other_does_and_the_challenge_says_what_is_wanted(given: str, error: str) -> None:
    async with client(ONE, TWO) as http:
        answer = await http.get("/mcp", headers={"Authorization": given} if given else {})
    challenge = answer.headers["www-authenticate"]
    assert answer.status_code == 401
    assert challenge.startswith('Bearer realm="autodevops"')
    assert ('error="invalid_token"' in challenge) == bool(error)
    assert ONE not in answer.text


async def test_health_needs_no_token_and_says_nothing_else() -> None:
    async with client(ONE) as http:
        assert (await http.get("/healthz")).json() == {"status": "ok"}


@pytest.mark.parametrize(
    ("host", "named", "expected"),
    [
        ("127.0.0.1", (), {"127.0.0.1:*", "localhost:*", "[::1]:*"}),
        ("192.0.2.7", (), {"192.0.2.7", "192.0.2.7:*"}),
        ("2001:db8::1", (), {"[2001:db8::1]", "[2001:db8::1]:*"}),
        ("0.0.0.0", ("mcp.example.org",), {"mcp.example.org", "mcp.example.org:*"}),
        ("0.0.0.0", ("mcp.example.org:8443",), {"mcp.example.org:8443"}),
    ],
)
def test_hosts_that_may_be_named(host: str, named: tuple[str, ...], expected: set[str]) -> None:
    chosen = security(host, named, ())
    assert chosen.enable_dns_rebinding_protection
    assert expected <= set(chosen.allowed_hosts)
    assert not {"*", "0.0.0.0:*", "evil.example"} & set(chosen.allowed_hosts)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"Authorization": f"Bearer {ONE}"}, 200),
        ({"Authorization": f"Bearer {ONE}", "Host": "rebound.example"}, 421),
        ({"Authorization": f"Bearer {ONE}", "Host": "mcp.example.org"}, 200),
        ({"Authorization": f"Bearer {ONE}", "Origin": "https://rebound.example"}, 403),
        ({"Authorization": f"Bearer {ONE}", "Origin": "https://pages.example.org"}, 200),
    ],
)
def test_a_served_server_lets_in_who_it_was_told_to(monkeypatch: pytest.MonkeyPatch, headers: Any, status: int) -> None:
    monkeypatch.setenv("AUTODEVOPS_MCP_SERVER__TOKENS", f"{TWO}, {ONE}")
    monkeypatch.setenv("AUTODEVOPS_MCP_SERVER__ALLOWED_HOSTS", "mcp.example.org")
    monkeypatch.setenv("AUTODEVOPS_MCP_SERVER__ALLOWED_ORIGINS", "https://pages.example.org")
    initialize = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {
            "protocolVersion": "2025-11-25",
            "capabilities": {},
            "clientInfo": {"name": "test", "version": "1"},
        },
    }
    with served("loki") as (url, _process):
        answer = httpx.post(url, json=initialize, headers={**HEADERS, **headers})
    assert answer.status_code == status, answer.text


def test_tls_is_served_with_the_given_certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    certificate, authority = _certificate(tmp_path)
    monkeypatch.setenv("AUTODEVOPS_MCP_SERVER__TLS_CERT", str(certificate))
    monkeypatch.setenv("AUTODEVOPS_MCP_SERVER__TLS_KEY", str(certificate))
    with served("loki") as (url, _process):
        assert url.startswith("https://")
        trusting = ssl.create_default_context(cadata=authority)
        assert httpx.get(url.replace("/mcp", "/healthz"), verify=trusting).json() == {"status": "ok"}


@pytest.mark.parametrize(
    ("chosen", "says"),
    [
        ({"tls_cert": "cert.pem"}, "needs a certificate and its key"),
        ({"tls_cert": "nowhere.pem", "tls_key": "nowhere.pem"}, "nowhere.pem cannot|nowhere.pem with key"),
        ({"token_file": "nowhere"}, "nowhere cannot be read"),
        ({"token_file": "empty"}, "has no token"),
        ({"tokens": ["short"]}, "shorter than 16"),
    ],
)
def test_what_would_not_be_safe_is_not_served(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chosen: dict[str, Any], says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").write_text("# no token yet\n")
    with pytest.raises(UsageError) as caught:
        servers.run("loki", Settings.model_validate({"mcp_server": chosen}), transport="http", port=0)
    assert re.search(says, caught.value.message)
    assert "short" not in str(caught.value).replace("shorter", "")


def test_writes_are_not_allowed_where_there_are_none() -> None:
    result = CliRunner().invoke(app, ["mcp", "serve", "tempo", "--allow-writes"])
    assert isinstance(result.exception, UsageError)
    assert "tempo server only reads" in result.exception.message


def _certificate(folder: Path) -> tuple[Path, str]:
    """A certificate for loopback with its key in one file; it is its own authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mcp.example.org")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    shown = made.public_bytes(serialization.Encoding.PEM)
    path = folder / "served.pem"
    path.write_bytes(
        shown
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return path, shown.decode()
