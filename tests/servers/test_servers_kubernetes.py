"""The Kubernetes server: any kind by discovery, Secrets masked, what is missing named."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp.server import MCPServer
from servers.fake_cluster import Cluster, kubeconfig
from servers.loopback import ask, call, serve

from autodevops.domain.tool_results import RolloutHistory
from autodevops.kernel.errors import ToolDenied, ToolNotFound, ToolRejected, ToolTimeout, ToolUnavailable
from autodevops.servers import kubernetes
from autodevops.servers.kubernetes.objects import MASK, tidy
from autodevops.servers.kubernetes.rollout import selector_text
from autodevops.settings import KubernetesSettings


@dataclass
class World:
    cluster: Cluster
    server: MCPServer[Any]
    url: str


@pytest.fixture(params=[True, False], ids=["aggregated", "plain"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    cluster = Cluster(aggregated=request.param)
    with serve(cluster.app) as url:
        settings = KubernetesSettings(kubeconfig=kubeconfig(tmp_path / "config", url))
        yield World(cluster, kubernetes.create_server(settings), url)


@pytest.mark.parametrize("word", ["Pod", "pods", "po", "pod", "pods.v1"])
async def test_a_kind_is_known_by_all_its_names_and_core_wins(world: World, word: str) -> None:
    answer = await call(world.server, "list_resources", kind=word, namespace="shop", output="full")
    assert [item["metadata"]["name"] for item in answer["items"]] == [f"cart-{n}" for n in range(5)]
    assert {(item["apiVersion"], item["kind"]) for item in answer["items"]} == {("v1", "Pod")}


@pytest.mark.parametrize("word", ["deployments.apps", "Deployment.apps", "deploy.v1.apps", "wd", "widgets.example.org"])
async def test_groups_and_custom_resources_are_found(world: World, word: str) -> None:
    answer = await call(world.server, "list_resources", kind=word, output="full")
    assert len(answer["items"]) == 1


async def test_unknown_kind_names_near_ones(world: World) -> None:
    with pytest.raises(ToolRejected, match="no kind 'deplyoment'") as caught:
        await ask(world.server, "list_resources", kind="deplyoment")
    assert "deployment" in caught.value.next_step


async def test_secret_values_never_leave(world: World) -> None:
    listed = await call(world.server, "list_resources", kind="secrets", namespace="shop", output="full")
    got = await call(world.server, "get_resource", kind="Secret", name="db", namespace="shop")
    for text in (json.dumps(listed), json.dumps(got)):
        assert "czNjcjN0" not in text
        assert "s3cr3t" not in text
    assert got["resource"]["data"] == {"password": MASK}
    assert got["resource"]["stringData"] == {"plain": MASK}


async def test_bookkeeping_is_dropped_and_odd_objects_pass(world: World) -> None:
    pod = (await call(world.server, "get_resource", kind="pod", name="cart-0"))["resource"]
    assert "managedFields" not in pod["metadata"]
    assert pod["metadata"]["annotations"] == {"kept": "yes"}
    assert pod["spec"] == {"containers": None}


async def test_who_edited_when_can_be_asked_for_without_what(world: World) -> None:
    found = await call(
        world.server, "list_resources", kind="pod", fields=["metadata.name", "metadata.managedFields"], limit=1
    )
    assert found["rows"] == [["cart-0", [{"manager": "x", "time": "2026-11-24T01:00:00Z"}]]]


async def test_long_list_is_read_in_pages_and_cut_with_a_note(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autodevops.servers.kubernetes.cluster.PAGE", 2)
    whole = await call(world.server, "list_resources", kind="po", output="full")
    assert (len(whole["items"]), whole["truncated"]) == (5, False)
    part = await call(world.server, "list_resources", kind="po", limit=3, output="full")
    assert (len(part["items"]), part["truncated"]) == (3, True)
    assert "Only 3" in part["note"]


async def test_heavy_list_is_cut_by_weight(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autodevops.servers.kubernetes.listing.MAX_BYTES", 300)
    answer = await call(world.server, "list_resources", kind="po", output="full")
    assert answer["truncated"]
    assert 1 <= len(answer["items"]) < 5


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("list_resources", {"kind": "pods", "namespace": "shp"}),
        ("list_events", {"namespace": "shp"}),
        ("get_resource", {"kind": "pods", "name": "x", "namespace": "shp"}),
        ("get_pod_logs", {"name": "x", "namespace": "shp"}),
        ("get_rollout_history", {"kind": "deploy", "name": "x", "namespace": "shp"}),
    ],
)
async def test_unknown_namespace_is_named_with_near_ones(world: World, tool: str, arguments: dict[str, Any]) -> None:
    with pytest.raises(ToolNotFound, match="Namespace shp does not exist") as caught:
        await ask(world.server, tool, **arguments)
    assert "shop" in caught.value.next_step


async def test_empty_namespace_that_exists_is_an_empty_list(world: World) -> None:
    assert (await call(world.server, "list_resources", kind="pods", namespace="shipping"))["items"] == []


async def test_namespace_that_may_not_be_looked_at_gives_an_empty_list(world: World) -> None:
    world.cluster.forbidden.add("api/v1/namespaces/hidden")
    assert (await call(world.server, "list_resources", kind="pods", namespace="hidden"))["items"] == []


async def test_unknown_object_names_near_ones(world: World) -> None:
    with pytest.raises(ToolNotFound, match="Deployment crt does not exist in namespace shop") as caught:
        await ask(world.server, "get_resource", kind="deploy", name="crt", namespace="shop")
    assert caught.value.next_step == "Did you mean cart?"


async def test_events_come_newest_first_and_filtered_by_the_server(world: World) -> None:
    answer = await call(world.server, "list_events", namespace="shop", involved_kind="deploy", involved_name="cart")
    assert [event["reason"] for event in answer["items"]] == ["New", "Old"]
    assert "involvedObject.kind%3DDeployment%2CinvolvedObject.name%3Dcart" in world.cluster.requests[-1]
    cut = await call(world.server, "list_events", namespace="shop", limit=1)
    assert ([event["reason"] for event in cut["items"]], cut["truncated"]) == (["New"], True)


async def test_last_log_lines_are_read(world: World) -> None:
    answer = await call(world.server, "get_pod_logs", name="cart-0", tail_lines=3)
    assert answer["lines"] == ["line 47", "line 48", "line 49"]
    assert answer["truncated"]
    whole = await call(world.server, "get_pod_logs", name="cart-0", tail_lines=100, previous=True, since_seconds=60)
    assert (len(whole["lines"]), whole["truncated"]) == (50, False)
    assert "previous=true" in world.cluster.requests[-1]


async def test_several_containers_are_named_by_the_error(world: World) -> None:
    with pytest.raises(ToolRejected, match=r"choose one of: \[main proxy\]"):
        await ask(world.server, "get_pod_logs", name="cart-1", namespace="shop")


async def test_deployment_history_is_its_own_replica_sets_newest_first(world: World) -> None:
    answer = await call(world.server, "get_rollout_history", kind="Deployment", name="cart", namespace="shop")
    history = RolloutHistory.model_validate(answer)
    assert [(item.revision, item.owner) for item in history.revisions] == [(10, "cart-10"), (9, "cart-9")]
    assert history.revisions[0].images == {"main": "shop/cart:2"}
    assert history.revisions[0].change_cause == "to shop/cart:2"
    assert history.revisions[0].labels["app"] == "cart"


async def test_stateful_set_history_is_its_controller_revisions(world: World) -> None:
    answer = await call(world.server, "get_rollout_history", kind="sts", name="db", namespace="shop")
    assert [(item["revision"], item["images"], item["replicas"]) for item in answer["revisions"]] == [
        (2, {"main": "db:2"}, 3),
        (1, {"main": "db:1"}, 0),
    ]


async def test_kind_without_history_is_rejected(world: World) -> None:
    with pytest.raises(ToolRejected, match="Pod has no rollout history"):
        await ask(world.server, "get_rollout_history", kind="pod", name="cart-0")


async def test_kinds_are_listed_though_one_group_is_down(world: World) -> None:
    answer = await call(world.server, "list_api_resources")
    kinds = {item["kind"] for item in answer["resources"]}
    assert {"Pod", "Deployment", "Widget"} <= kinds


async def test_context_is_told(world: World) -> None:
    answer = await call(world.server, "get_context")
    assert (answer["context"], answer["cluster"], answer["server"], answer["namespace"]) == (
        "test",
        "fake",
        world.url,
        "shop",
    )


async def test_expired_token_is_denied(tmp_path: Path) -> None:
    with serve(Cluster(token="new").app) as url:
        path = kubeconfig(tmp_path / "config", url, token="tok-old-99")
        server = kubernetes.create_server(KubernetesSettings(kubeconfig=path))
        with pytest.raises(ToolDenied, match=f"Kubernetes at {url} refused") as caught:
            await ask(server, "list_resources", kind="pods")
    assert "tok-old-99" not in str(caught.value)


async def test_missing_kubeconfig_is_an_error_of_the_tool(tmp_path: Path) -> None:
    server = kubernetes.create_server(KubernetesSettings(kubeconfig=tmp_path / "nowhere"))
    with pytest.raises(ToolUnavailable, match="There is no kubeconfig at") as caught:
        await ask(server, "get_context")
    assert "KUBECONFIG" in caught.value.next_step


@pytest.mark.parametrize("text", ["[]", "{", "a: [", "current-context: x", '{"contexts": 3}', "", "just text"])
async def test_broken_kubeconfig_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config"
    path.write_text(text)
    with pytest.raises(ToolUnavailable, match=str(path)):
        await ask(kubernetes.create_server(KubernetesSettings(kubeconfig=path)), "get_context")


async def test_unknown_context_names_those_that_exist(tmp_path: Path) -> None:
    path = kubeconfig(tmp_path / "config", "http://127.0.0.1:1")
    server = kubernetes.create_server(KubernetesSettings(kubeconfig=path, context="prod"))
    with pytest.raises(ToolUnavailable, match="no context prod") as caught:
        await ask(server, "get_context")
    assert "other, test" in caught.value.next_step


async def test_environment_kubeconfig_and_chosen_context(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig(tmp_path / "config", "http://127.0.0.1:1")))
    answer = await call(kubernetes.create_server(KubernetesSettings(context="other")), "get_context")
    assert (answer["context"], answer["namespace"]) == ("other", "default")


async def test_unreachable_cluster_is_named(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
        server = kubernetes.create_server(KubernetesSettings(kubeconfig=kubeconfig(tmp_path / "config", url)))
        with pytest.raises(ToolUnavailable, match=f"{url} does not answer: connection refused"):
            await ask(server, "list_resources", kind="pods")


@given(st.dictionaries(st.text(), st.text(min_size=1)), st.dictionaries(st.text(), st.text(min_size=1)))
def test_no_secret_value_survives_tidying(data: dict[str, str], plain: dict[str, str]) -> None:
    secret = {"metadata": {"name": "x"}, "data": data, "stringData": plain, "type": "Opaque"}
    clean = tidy(secret, api_version="v1", kind="Secret", secret=True)
    assert set(clean["data"]) == set(data)
    assert {*clean["data"].values(), *clean["stringData"].values()} <= {MASK}


def test_selectors_are_spelled_as_the_api_reads_them() -> None:
    expressions = [
        {"key": "a", "operator": "In", "values": ["1", "2"]},
        {"key": "b", "operator": "NotIn", "values": ["3"]},
        {"key": "c", "operator": "Exists"},
        {"key": "d", "operator": "DoesNotExist"},
    ]
    assert (
        selector_text({"matchLabels": {"x": "y"}, "matchExpressions": expressions}) == "x=y,a in (1,2),b notin (3),c,!d"
    )


async def test_silent_cluster_is_a_timeout(tmp_path: Path) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        path = kubeconfig(tmp_path / "config", url)
        server = kubernetes.create_server(KubernetesSettings(kubeconfig=path, timeout_seconds=0.2))
        with pytest.raises(ToolTimeout, match=r"0\.2 s have passed"):
            await ask(server, "list_resources", kind="pods")
