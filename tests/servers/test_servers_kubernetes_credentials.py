"""How the Kubernetes server gets to a cluster: every way a kubeconfig knows, and a clear word where one fails."""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from servers.loopback import ask, call, serve
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from autodevops.kernel.errors import ToolDenied, ToolUnavailable
from autodevops.sandbox import Sandbox
from autodevops.servers import kubernetes
from autodevops.settings import KubernetesSettings

GROUPS = {"kind": "APIGroupList", "groups": []}
CORE = {
    "kind": "APIResourceList",
    "groupVersion": "v1",
    "resources": [{"name": "pods", "kind": "Pod", "namespaced": True, "verbs": ["list", "get"]}],
}
EXPIRED = base64.urlsafe_b64encode(json.dumps({"exp": 1_790_000_000}).encode()).decode().rstrip("=")


@dataclass
class Door:
    """An API server of one kind that lets some tokens in, and remembers who came."""

    tokens: set[str] = field(default_factory=set)
    came: list[Request] = field(default_factory=list)

    async def answer(self, request: Request) -> Response:
        self.came.append(request)
        given = request.headers.get("authorization", "").removeprefix("Bearer ")
        if self.tokens and given not in self.tokens:
            return JSONResponse({"kind": "Status", "code": 401, "message": "Unauthorized"}, 401)
        paths = {"/api": {"kind": "APIVersions", "versions": ["v1"]}, "/apis": GROUPS, "/api/v1": CORE}
        return JSONResponse(paths.get(urlsplit(request.scope["path"]).path, {"kind": "PodList", "items": []}))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Without routes: a proxy is asked for whole addresses."""
        await (await self.answer(Request(scope, receive)))(scope, receive, send)


@contextmanager
def opened(*tokens: str) -> Iterator[tuple[Door, str]]:
    door = Door(set(tokens))
    with serve(door) as url:
        yield door, url


def settings(path: Path, server: str, user: dict[str, Any], cluster: Any = None, **more: Any) -> KubernetesSettings:
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "here",
        "clusters": [{"name": "c", "cluster": {"server": server, **(cluster or {})}}],
        "users": [{"name": "dev", "user": user}],
        "contexts": [{"name": "here", "context": {"cluster": "c", "user": "dev", "namespace": "shop"}}],
    }
    target = path / "config"
    target.write_text(json.dumps(document))
    return KubernetesSettings(kubeconfig=target, **more)


def plugin(path: Path, script: str, **more: Any) -> dict[str, Any]:
    target = path / "plugin.py"
    target.write_text(script)
    version = "client.authentication.k8s.io/v1"
    return {"exec": {"apiVersion": version, "command": sys.executable, "args": [str(target)], **more}}


SAYS = """
import json, os, pathlib
assert json.loads(os.environ["KUBERNETES_EXEC_INFO"])["spec"]["interactive"] is False
token = pathlib.Path(__file__).with_name("token").read_text()
version = "client.authentication.k8s.io/v1"
print(json.dumps({"apiVersion": version, "kind": "ExecCredential", "status": {"token": token}}))
"""


async def test_an_exec_plugins_token_is_used_and_asked_for_again_when_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("first")
    with opened("first") as (door, url):
        server = kubernetes.create_server(settings(tmp_path, url, plugin(tmp_path, SAYS)))
        await call(server, "list_resources", kind="pods")
        (tmp_path / "token").write_text("second")
        door.tokens = {"second"}
        await call(server, "list_resources", kind="pods")
    assert door.came[-1].headers["authorization"] == "Bearer second"


@pytest.mark.parametrize(
    ("script", "says"),
    [
        ("import sys; sys.exit('the SSO session has expired, run sso login')", "the SSO session has expired"),
        ("print('hello')", "answered no JSON"),
        ("print('{}')", "answered no ExecCredential of client.authentication.k8s.io/v1"),
        (SAYS.replace('{"token": token}', "{}"), "answered no credentials"),
    ],
)
async def test_a_plugin_that_fails_is_named_with_what_it_says(tmp_path: Path, script: str, says: str) -> None:
    (tmp_path / "token").write_text("x")
    server = kubernetes.create_server(settings(tmp_path, "http://127.0.0.1:1", plugin(tmp_path, script)))
    with pytest.raises(ToolDenied, match="gives no credentials for context here: the exec plugin") as caught:
        await ask(server, "list_resources", kind="pods")
    assert says in caught.value.message


async def test_a_plugin_that_is_not_installed_tells_how_to_install_it(tmp_path: Path) -> None:
    user = plugin(tmp_path, "", command="kubelogin-of-nowhere", installHint="Install it with: brew install kubelogin")
    server = kubernetes.create_server(settings(tmp_path, "http://127.0.0.1:1", user))
    with pytest.raises(ToolDenied, match="kubelogin-of-nowhere is not installed") as caught:
        await ask(server, "get_context")
    assert caught.value.next_step == "Install it with: brew install kubelogin"


async def test_a_rotated_token_file_is_read_again(tmp_path: Path) -> None:
    (tmp_path / "rotated").write_text("old")
    with opened("old") as (door, url):
        server = kubernetes.create_server(settings(tmp_path, url, {"tokenFile": "rotated"}))
        await call(server, "list_resources", kind="pods")
        (tmp_path / "rotated").write_text("new")
        door.tokens = {"new"}
        await call(server, "list_resources", kind="pods")
    assert door.came[-1].headers["authorization"] == "Bearer new"


@pytest.mark.parametrize(
    ("user", "says", "next_step"),
    [
        ({"token": "stale"}, "refused the token of user dev in kubeconfig context here (HTTP 401)", "set-credentials"),
        ({"token": f"e30.{EXPIRED}.x"}, "which is valid until 2026-09-21 14:13 UTC", "set-credentials"),
        ({"username": "a", "password": "b"}, "the password of user dev", "Correct it"),
        ({}, "the empty credentials of user dev", "Add a token"),
    ],
)
async def test_refused_credentials_are_named_and_never_shown(
    tmp_path: Path, user: dict[str, Any], says: str, next_step: str
) -> None:
    with opened("fresh") as (_door, url):
        server = kubernetes.create_server(settings(tmp_path, url, user))
        with pytest.raises(ToolDenied) as caught:
            await ask(server, "list_resources", kind="pods")
    assert says in caught.value.message
    assert next_step in caught.value.next_step
    assert "stale" not in str(caught.value)
    assert EXPIRED not in str(caught.value)


@pytest.mark.parametrize(
    ("user", "chosen", "expected"),
    [
        ({}, {}, ("", [])),
        ({"as": "auditor", "as-groups": ["viewers"]}, {}, ("auditor", ["viewers"])),
        ({"as": "auditor"}, {"as_user": "dev", "as_groups": ("a", "b")}, ("dev", ["a", "b"])),
    ],
)
async def test_impersonation_comes_from_the_settings_else_from_the_kubeconfig(
    tmp_path: Path, user: dict[str, Any], chosen: dict[str, Any], expected: tuple[str, list[str]]
) -> None:
    with opened() as (door, url):
        server = kubernetes.create_server(settings(tmp_path, url, {"token": "t", **user}, **chosen))
        await call(server, "list_resources", kind="pods")
    headers = door.came[-1].headers
    assert (headers.get("impersonate-user", ""), headers.getlist("impersonate-group")) == expected


async def test_a_proxy_of_the_kubeconfig_is_used(tmp_path: Path) -> None:
    with opened() as (door, url):
        chosen = settings(tmp_path, "http://cluster.invalid:6443", {"token": "t"}, {"proxy-url": url})
        await call(kubernetes.create_server(chosen), "list_resources", kind="pods")
    assert door.came[-1].headers["host"] == "cluster.invalid:6443"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox("healthy", systems=("kubernetes",)) as running:
        yield running


async def test_a_certificate_of_nobody_known_is_refused_unless_the_kubeconfig_says_so(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    url, user = sandbox.addresses["kubernetes"], {"token": sandbox.token}
    untrusting = kubernetes.create_server(settings(tmp_path, url, user))
    with pytest.raises(ToolUnavailable, match=f"The TLS certificate of Kubernetes at {url} is not trusted") as caught:
        await ask(untrusting, "list_resources", kind="nodes")
    assert "the cluster of kubeconfig context here" in caught.value.next_step


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
async def test_insecure_is_only_what_the_kubeconfig_calls_so(sandbox: Sandbox, tmp_path: Path) -> None:
    url, user = sandbox.addresses["kubernetes"], {"token": sandbox.token}
    server = kubernetes.create_server(settings(tmp_path, url, user, {"insecure-skip-tls-verify": True}))
    assert (await call(server, "list_resources", kind="nodes"))["rows"]
