"""What the Kubernetes server's reading tools answer of a whole cluster: short for a model, exact for a program."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp.server import MCPServer
from servers.fake_cluster import kubeconfig
from servers.loopback import ask, call, serve
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from autodevops.domain.tool_results import UsageList
from autodevops.kernel.errors import ToolNotFound, ToolUnavailable
from autodevops.sandbox import Sandbox
from autodevops.servers import kubernetes
from autodevops.servers.kubernetes.objects import field, steps_of
from autodevops.settings import KubernetesSettings

READY = ("Ready", "Up-to-date", "Available")
SHORT = 8000  # characters, about 2,000 tokens


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox("healthy", systems=("kubernetes",)) as running:
        yield running


@pytest.fixture
def server(sandbox: Sandbox, tmp_path: Path) -> MCPServer[Any]:
    return kubernetes.create_server(KubernetesSettings(kubeconfig=sandbox.write_kubeconfig(tmp_path / "config")))


async def said(server: MCPServer[Any], tool: str, **arguments: Any) -> str:
    async with Client(server) as client:
        result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.content
    return "\n".join(part.text for part in result.content if part.type == "text")


@pytest.mark.parametrize(
    ("kind", "namespace", "output", "columns"),
    [
        ("po", "shop", "table", ["Name", "Ready", "Status", "Restarts", "Age"]),
        ("po", "", "table", ["Namespace", "Name", "Ready", "Status", "Restarts", "Age"]),
        ("no", "", "table", ["Name", "Status", "Roles", "Age", "Version"]),
        ("ds", "kube-system", "table", ["Name", "Desired", "Current", *READY, "Node Selector", "Age"]),
        ("deploy", "shop", "wide", ["Name", *READY, "Age", "Containers", "Images", "Selector"]),
        ("secrets", "shop", "table", ["Name", "Type", "Data", "Age"]),
    ],
)  # fmt: skip
async def test_the_table_has_the_columns_of_kubectl_get(
    server: MCPServer[Any], kind: str, namespace: str, output: str, columns: list[str]
) -> None:
    answer = await call(server, "list_resources", kind=kind, namespace=namespace, output=output)
    assert answer["columns"] == columns
    assert answer["rows"]
    assert answer["items"] == []
    assert all(len(row) == len(columns) for row in answer["rows"])


async def test_every_form_of_a_list_is_of_the_same_objects_and_the_table_is_short(server: MCPServer[Any]) -> None:
    chosen = {"kind": "pods", "namespace": "shop"}
    table = await call(server, "list_resources", **chosen)
    full = await call(server, "list_resources", **chosen, output="full")
    some = await call(server, "list_resources", **chosen, fields=["metadata.name", "spec.containers.image"])
    names = [item["metadata"]["name"] for item in full["items"]]
    assert [row[0] for row in table["rows"]] == names
    assert [row[0] for row in some["rows"]] == names
    assert some["rows"][0][1] == [one["image"] for one in full["items"][0]["spec"]["containers"]]
    text = await said(server, "list_resources", **chosen)
    assert len(text) < SHORT < len(json.dumps(full))
    assert all(name in text for name in names)


async def test_a_cut_table_says_how_many_more_there_are(server: MCPServer[Any]) -> None:
    whole = await call(server, "list_resources", kind="pods", namespace="shop")
    part = await call(server, "list_resources", kind="pods", namespace="shop", limit=4)
    assert part["rows"] == whole["rows"][:4]
    assert part["truncated"]
    assert f"there are {len(whole['rows']) - 4} more" in part["note"]
    assert part["note"] in await said(server, "list_resources", kind="pods", namespace="shop", limit=4)


async def test_warnings_alone(server: MCPServer[Any]) -> None:
    events = await call(server, "list_events", type="Warning")
    assert all(event["type"] == "Warning" for event in events["items"])
    assert len((await call(server, "list_events"))["items"]) > len(events["items"])


async def test_kinds_by_word_and_verb(server: MCPServer[Any]) -> None:
    found = await call(server, "list_api_resources", containing="apps", verb="patch")
    assert {item["kind"] for item in found["resources"]} >= {"Deployment", "StatefulSet", "DaemonSet"}
    assert all("apps" in item["api_version"] for item in found["resources"])


async def test_use_is_told_beside_what_may_be_used(server: MCPServer[Any]) -> None:
    pods = UsageList.model_validate(await call(server, "get_resource_usage", namespace="shop", sort_by="memory"))
    nodes = UsageList.model_validate(await call(server, "get_resource_usage", of="nodes"))
    assert pods.measured_at is not None
    used = [one.memory_bytes for one in pods.usages]
    assert used == sorted(used, reverse=True)
    for one in pods.usages:
        assert 0 < one.memory_bytes <= (one.memory_limit_bytes or 0)
        assert one.cpu_limit_cores is None or (one.cpu_request_cores or 0) <= one.cpu_limit_cores
    assert len(nodes.usages) == 4
    assert all(0 < one.cpu_cores < (one.cpu_limit_cores or 0) for one in nodes.usages)
    (alone,) = (await call(server, "get_resource_usage", name=pods.usages[0].name, namespace="shop"))["usages"]
    assert alone["container"] == pods.usages[0].container


async def test_use_of_what_does_not_exist_or_is_not_measured_is_told_apart(server: MCPServer[Any]) -> None:
    with pytest.raises(ToolNotFound, match="Node nod-1 does not exist"):
        await ask(server, "get_resource_usage", of="nodes", name="nod-1")
    done = await call(
        server, "list_resources", kind="pods", field_selector="status.phase=Succeeded", fields=["metadata.name"]
    )
    with pytest.raises(ToolNotFound, match="is not measured"):
        await ask(server, "get_resource_usage", name=done["rows"][0][0], namespace="shop")


@pytest.mark.parametrize(
    ("status", "says", "next_step"),
    [
        (404, "has no metrics API (metrics.k8s.io): metrics-server is not installed", "Install metrics-server"),
        (503, "The metrics API of Kubernetes at", "See whether metrics-server runs"),
    ],
)
async def test_a_cluster_without_metrics_says_so(tmp_path: Path, status: int, says: str, next_step: str) -> None:
    async def answer(request: Request) -> Response:
        known = {
            "/api": {"kind": "APIVersions", "versions": ["v1"]},
            "/api/v1": {"kind": "APIResourceList", "groupVersion": "v1", "resources": []},
            "/apis": {"kind": "APIGroupList", "groups": []},
        }
        found = known.get(request.url.path)
        return JSONResponse(found) if found else JSONResponse({"kind": "Status", "message": "no"}, status)

    with serve(Starlette(routes=[Route("/{path:path}", answer)])) as url:
        server = kubernetes.create_server(KubernetesSettings(kubeconfig=kubeconfig(tmp_path / "config", url)))
        with pytest.raises(ToolUnavailable) as caught:
            await ask(server, "get_resource_usage")
    assert says in caught.value.message
    assert next_step in caught.value.next_step


async def test_permissions_are_asked_of_the_cluster(sandbox: Sandbox, tmp_path: Path, server: MCPServer[Any]) -> None:
    checks = [
        {"verb": "patch", "kind": "deploy", "namespace": "shop"},
        {"verb": "create", "kind": "pods", "subresource": "eviction", "namespace": "shop", "name": "redis-0"},
        {"verb": "update", "kind": "nodes"},
    ]
    path = sandbox.write_kubeconfig(tmp_path / "other")
    nobody = kubernetes.create_server(KubernetesSettings(kubeconfig=path, as_user="nobody"))
    mine = await call(server, "check_access", checks=checks)
    theirs = await call(nobody, "check_access", checks=checks)
    assert [one["allowed"] for one in mine["answers"]] == [True, True, True]
    assert [one["resource"] for one in mine["answers"]] == ["deployments.apps", "pods/eviction", "nodes"]
    assert (theirs["user"], [one["allowed"] for one in theirs["answers"]]) == ("nobody", [False, False, False])


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a.b", [1, 2]),
        ("a.b.1", 2),
        ("a.b.9", None),
        ("c.n", ["x", "y"]),
        (r"l.k8s\.io/app", "cart"),
        ("nothing.here", None),
        ("a.b.c", [None, None]),
    ],
)
def test_fields_are_found_by_their_path(path: str, expected: object) -> None:
    item = {"a": {"b": [1, 2]}, "c": [{"n": "x"}, {"n": "y"}], "l": {"k8s.io/app": "cart"}}
    assert field(item, steps_of(path)) == expected
