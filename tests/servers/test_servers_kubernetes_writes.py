"""What changes the cluster: nothing in a dry run, exactly what it says otherwise, and back again by its own undo."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp import Client
from mcp.server import MCPServer
from servers.loopback import ask, call

from autodevops.domain.tool_results import DrainResult, WriteResult
from autodevops.kernel.errors import ToolDenied, ToolRejected
from autodevops.sandbox import Sandbox
from autodevops.servers import kubernetes
from autodevops.servers.kubernetes.edits import edits, reverse_patch
from autodevops.settings import KubernetesSettings

KEPT_APART = ("resourceVersion", "generation")


@dataclass(frozen=True)
class Case:
    """A write, and the fields it touches."""

    tool: str
    arguments: dict[str, Any]
    paths: tuple[str, ...]
    kind: str = "deploy"
    undone: bool = field(default=True, kw_only=True)


ENV = {"spec": {"template": {"spec": {"containers": [{"name": "email", "env": [{"name": "MODE", "value": "slow"}]}]}}}}
IMAGE = {"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "registry.example/shop/cart:9"}
CASES = [
    Case("scale_workload", {"kind": "deploy", "name": "cart", "replicas": 4}, ("spec.replicas",)),
    Case("scale_workload", {"kind": "sts", "name": "redis", "replicas": 0}, ("spec.replicas",), "sts"),
    Case(
        "restart_workload",
        {"kind": "deploy", "name": "email"},
        (r"spec.template.metadata.annotations.kubectl\.kubernetes\.io/restartedAt",),
        undone=False,
    ),
    Case(
        "rollback_workload", {"kind": "deploy", "name": "shipping"}, ("spec.template.spec.containers[shipping].image",)
    ),
    Case(
        "rollback_workload",
        {"kind": "deploy", "name": "catalog", "to_revision": 1},
        ("spec.template.spec.containers[catalog].image",),
    ),
    Case("cordon_node", {"name": "node-1"}, ("spec.unschedulable",), "node"),
    Case(
        "patch_resource",
        {"kind": "deploy", "name": "email", "patch": ENV},
        ("spec.template.spec.containers[email].env[MODE]",),
    ),
    Case(
        "patch_resource",
        {
            "kind": "cm",
            "name": "kube-root-ca.crt",
            "patch": {"metadata": {"labels": {"a.b/c": "d"}}},
            "patch_type": "merge",
        },
        ("metadata.labels",),
        "cm",
    ),
    Case(
        "patch_resource",
        {"kind": "deploy", "name": "cart", "patch": [IMAGE], "patch_type": "json"},
        ("spec.template.spec.containers[cart].image",),
    ),
]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox("healthy", systems=("kubernetes",)) as running:
        yield running


@pytest.fixture
def server(sandbox: Sandbox, tmp_path: Path) -> MCPServer[Any]:
    path = sandbox.write_kubeconfig(tmp_path / "config")
    return kubernetes.create_server(KubernetesSettings(kubeconfig=path, allow_writes=True))


async def spec_of(server: MCPServer[Any], kind: str, name: str) -> dict[str, Any]:
    item = (await call(server, "get_resource", kind=kind, name=name))["resource"]
    metadata = {key: value for key, value in item["metadata"].items() if key not in KEPT_APART}
    annotations = metadata.get("annotations") or {}
    annotations.pop("deployment.kubernetes.io/revision", None)  # the controller counts on, back as well as forth
    spec = {key: value for key, value in (item.get("spec") or {}).items() if key != "taints"}  # as that of nodes does
    return {**{key: value for key, value in item.items() if key != "status"}, "metadata": metadata, "spec": spec}


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.tool}-{case.arguments['name']}")
async def test_a_write_is_first_tried_then_done_then_undone(server: MCPServer[Any], case: Case) -> None:
    name = case.arguments["name"]
    before = await spec_of(server, case.kind, name)

    tried = WriteResult.model_validate(await call(server, case.tool, **case.arguments))
    assert (tried.dry_run, tried.changed) == (True, True)
    assert tried.summary.startswith("Dry run, nothing was changed:")
    assert await spec_of(server, case.kind, name) == before

    done = WriteResult.model_validate(await call(server, case.tool, **case.arguments, dry_run=False))
    assert [edit.path for edit in done.edits] == [edit.path for edit in tried.edits]
    assert set(case.paths) <= {edit.path for edit in done.edits}
    after = await spec_of(server, case.kind, name)
    assert after != before
    if not case.undone:
        assert not done.undo.possible
        assert done.undo.note
        return
    undone = WriteResult.model_validate(await call(server, done.undo.tool, **done.undo.arguments))
    assert {edit.path: edit.after for edit in undone.edits} == {edit.path: edit.before for edit in done.edits}
    assert await spec_of(server, case.kind, name) == before


async def test_what_is_so_already_is_no_change(server: MCPServer[Any]) -> None:
    answer = await call(server, "uncordon_node", name="node-1", dry_run=False)
    assert (answer["changed"], answer["edits"], answer["undo"]["possible"]) == (False, [], False)
    assert answer["summary"] == "Node node-1 is uncordoned already."


CART = {"kind": "deploy", "name": "cart"}
PROXY = {"kind": "ds", "name": "kube-proxy", "namespace": "kube-system"}
REFUSED = [
    ("scale_workload", {**PROXY, "replicas": 1}, "DaemonSet cannot be scaled"),
    ("scale_workload", {**CART, "replicas": 9, "expected_replicas": 7}, "not the 7 expected"),
    ("scale_workload", {"kind": "deploy", "name": "crt", "replicas": 1}, "Did you mean cart"),
    ("restart_workload", {"kind": "pod", "name": "redis-0"}, "Pod cannot be restarted"),
    ("rollback_workload", {**CART, "to_revision": 99}, "no revision 99"),
    ("rollback_workload", {"kind": "sts", "name": "postgres"}, "no revision before 1"),
    ("delete_pod", {"name": "redis-0", "uid": "another"}, "not the pod with uid another"),
    ("delete_pod", {"name": "redis-0", "resource_version": "1"}, "The object has changed meanwhile"),
    ("evict_pod", {"name": "redis-9"}, "Did you mean redis-0"),
    ("cordon_node", {"name": "nod-1"}, "node-1"),
    ("drain_node", {"name": "nod-1"}, "node-1"),
    ("scale_workload", {**CART, "replicas": 9, "uid": "another"}, "made anew"),
    ("restart_workload", {**CART, "uid": "another"}, "made anew"),
    ("restart_workload", {**CART, "generation": 99, "stamp": "never"}, "not 99"),
    ("rollback_workload", {"kind": "deploy", "name": "shipping", "generation": 99}, "not 99"),
    ("cordon_node", {"name": "node-1", "uid": "another"}, "made anew"),
    ("delete_finished_job", {"name": "no-such-job"}, "does not exist"),
    ("patch_resource", {**CART, "patch": {"spec": {"replcas": 1}}}, 'unknown field "spec.replcas"'),
    ("patch_resource", {**CART, "patch": {"spec": {"replicas": -1}}}, "spec.replicas"),
    ("patch_resource", {**CART, "patch": {}, "resource_version": "7"}, "not 7"),
    ("patch_resource", {**CART, "patch": [], "patch_type": "merge"}, "is an object"),
    ("patch_resource", {**CART, "patch": {}, "patch_type": "json"}, "list of operations"),
]


@pytest.mark.parametrize(("tool", "arguments", "says"), REFUSED)
async def test_what_cannot_be_done_says_why(
    server: MCPServer[Any], tool: str, arguments: dict[str, Any], says: str
) -> None:
    with pytest.raises(ToolRejected) as caught:  # ToolNotFound is one
        await ask(server, tool, **arguments, dry_run=False)
    assert says in str(caught.value)


async def test_a_restart_with_one_stamp_happens_once_and_a_changed_workload_is_left_alone(
    server: MCPServer[Any],
) -> None:
    async def generation() -> int:
        item = (await call(server, "get_resource", kind="deploy", name="payment"))["resource"]
        return int(item["metadata"]["generation"])

    begun = await generation()
    restart = {"kind": "deploy", "name": "payment", "generation": begun, "dry_run": False}
    first = await call(server, "restart_workload", **restart, stamp="plan-1")
    again = await call(server, "restart_workload", **restart, stamp="plan-1")
    assert (first["changed"], again["changed"]) == (True, False)
    assert "bears the stamp plan-1 already" in again["summary"]
    assert await generation() == begun + 1
    with pytest.raises(ToolRejected, match="changed meanwhile"):
        await ask(server, "restart_workload", **restart, stamp="plan-2")
    assert await generation() == begun + 1


async def test_a_wait_ends_with_the_change_and_not_before(server: MCPServer[Any]) -> None:
    async with Client(server) as client:

        async def wait(**more: Any) -> dict[str, Any]:
            found = await client.call_tool("wait_for_change", {"kind": "cm", "name": "kube-root-ca.crt", **more})
            return found.structured_content or {}

        quiet = await wait(timeout_seconds=1)
        assert (quiet["changed"], quiet["gone"]) == (False, False)
        version = quiet["resource"]["metadata"]["resourceVersion"]
        waiting = asyncio.create_task(wait(resource_version=version, timeout_seconds=60))
        patch = {"metadata": {"labels": {"waited": "for"}}}
        arguments = {"kind": "cm", "name": "kube-root-ca.crt", "patch": patch, "dry_run": False}
        await client.call_tool("patch_resource", arguments)
        changed = await waiting
        assert changed["changed"]
        assert changed["resource"]["metadata"]["labels"]["waited"] == "for"
        assert (await wait(resource_version=version, timeout_seconds=60))["changed"]  # it had changed before
    async with Client(server) as client:
        gone = await client.call_tool("wait_for_change", {"kind": "cm", "name": "nobody", "resource_version": "1"})
        assert (gone.structured_content or {})["gone"]


async def test_changes_of_a_kind_are_told_from_a_version_on_and_none_is_missed(server: MCPServer[Any]) -> None:
    async def wait(**more: Any) -> dict[str, Any]:
        return await call(
            server, "wait_for_changes", kind="cm", field_selector="metadata.name=kube-root-ca.crt", **more
        )

    quiet = await wait(timeout_seconds=1)
    assert (quiet["changes"], quiet["expired"]) == ([], False)
    for value in ("once", "twice"):
        patch = {"metadata": {"labels": {"told": value}}}
        await call(server, "patch_resource", kind="cm", name="kube-root-ca.crt", patch=patch, dry_run=False)
    told = await wait(resource_version=quiet["resource_version"], timeout_seconds=60)
    labels = [change["resource"]["metadata"]["labels"]["told"] for change in told["changes"]]
    assert labels == ["once", "twice"]
    after = await wait(resource_version=told["resource_version"], timeout_seconds=1)
    assert (after["changes"], after["resource_version"]) == ([], told["resource_version"])


async def test_only_a_job_that_has_ended_is_deleted_and_its_pods_with_it(server: MCPServer[Any]) -> None:
    jobs = (await call(server, "list_resources", kind="jobs", namespace="shop", output="full"))["items"]
    ended = next(one for one in jobs if one["status"].get("completionTime"))
    uid, name = ended["metadata"]["uid"], ended["metadata"]["name"]
    arguments = {"name": name, "namespace": "shop", "uid": uid}
    tried = await call(server, "delete_finished_job", **arguments)
    assert tried["summary"].startswith("Dry run, nothing was changed:")
    assert (await call(server, "get_resource", kind="job", name=name))["resource"]["metadata"]["uid"] == uid
    done = await call(server, "delete_finished_job", **arguments, dry_run=False)
    assert not done["undo"]["possible"]
    with pytest.raises(ToolRejected, match="does not exist"):
        await ask(server, "delete_finished_job", **arguments, dry_run=False)
    pods = await call(server, "list_resources", kind="pods", namespace="shop", label_selector=f"job-name={name}")
    assert pods["rows"] == []


async def test_an_autoscaled_workload_warns(server: MCPServer[Any]) -> None:
    answer = await call(server, "scale_workload", kind="deploy", name="frontend", replicas=0)
    assert any("HorizontalPodAutoscaler frontend" in text for text in answer["warnings"])
    assert "With 0 replicas it serves nobody." in answer["warnings"]


async def test_secret_values_stay_masked_in_edits_and_wherever_a_patch_copies_them(server: MCPServer[Any]) -> None:
    added = {
        "kind": "secret",
        "name": "payment-secrets",
        "patch": {"stringData": {"extra": "hunter22"}},
        "dry_run": False,
    }
    copied = {
        "kind": "secret",
        "name": "payment-secrets",
        "patch": [
            {"op": "add", "path": "/metadata/annotations", "value": {}},
            {"op": "copy", "from": "/data/extra", "path": "/metadata/annotations/leak"},
        ],
        "patch_type": "json",
    }
    first, second = await call(server, "patch_resource", **added), await call(server, "patch_resource", **copied)
    assert first["edits"] == [{"path": "data.extra", "before": None, "after": "***"}]
    assert second["edits"] == [{"path": "metadata.annotations", "before": None, "after": {"leak": "***"}}]
    assert not first["undo"]["possible"]
    changed = await call(server, "patch_resource", **{**added, "patch": {"stringData": {"extra": "another1"}}})
    assert changed["edits"] == [{"path": "data.extra", "before": "***", "after": "***"}]
    for text in (json.dumps(first), json.dumps(second), json.dumps(changed)):
        assert "hunter22" not in text
        assert "aHVudGVyMjI" not in text


async def test_a_deleted_pod_is_made_again_by_its_owner(server: MCPServer[Any]) -> None:
    pod = (await call(server, "get_resource", kind="pod", name="redis-0"))["resource"]
    arguments = {"name": "redis-0", "uid": pod["metadata"]["uid"]}
    tried = await call(server, "delete_pod", **arguments)
    assert tried["summary"].endswith("StatefulSet redis makes a new pod in its place.")
    assert (await call(server, "get_resource", kind="pod", name="redis-0"))["resource"]["metadata"].get(
        "deletionTimestamp"
    ) is None
    done = await call(server, "delete_pod", **arguments, dry_run=False)
    assert not done["undo"]["possible"]
    with pytest.raises(ToolRejected, match="any more"):
        await gone(server, arguments)


async def gone(server: MCPServer[Any], arguments: dict[str, Any]) -> None:
    """Ask until the pod of that uid is another."""
    async with Client(server) as client:
        for _ in range(200):
            found = await client.call_tool("get_resource", {"kind": "pod", "name": arguments["name"]})
            content = found.structured_content or {}
            if content.get("resource", {}).get("metadata", {}).get("uid") not in (None, arguments["uid"]):
                break
    await ask(server, "delete_pod", **arguments)


async def test_a_budget_that_allows_no_eviction_is_named(server: MCPServer[Any]) -> None:
    listed = await call(
        server,
        "list_resources",
        kind="pods",
        namespace="shop",
        label_selector="app.kubernetes.io/name=checkout",
        fields=["metadata.name"],
    )
    blocked: list[str] = []
    for (name,) in listed["rows"]:
        try:
            await ask(server, "evict_pod", name=name, namespace="shop", dry_run=False)
        except ToolRejected as error:
            blocked.append(str(error))
    assert blocked
    assert "PodDisruptionBudget checkout (minAvailable 2)" in blocked[0]
    assert "2 must stay, 0 may go" in blocked[0]


async def test_a_drain_leaves_what_belongs_to_the_node_and_says_so_of_every_pod(server: MCPServer[Any]) -> None:
    tried = DrainResult.model_validate(await call(server, "drain_node", name="node-4"))
    leaving = {pod.name for pod in tried.pods if pod.outcome == "would_leave"}
    # What an earlier test evicted may be going just now, and keep its budget from letting another go.
    assert {pod.outcome for pod in tried.pods} - {"leaving", "gone", "blocked"} == {"would_leave", "stays"}
    assert "unschedulable" not in (await spec_of(server, "node", "node-4"))["spec"]
    done = DrainResult.model_validate(await call(server, "drain_node", name="node-4", dry_run=False, timeout_seconds=0))
    assert leaving & {pod.name for pod in done.pods}, "the dry run evicted them"
    stays = [pod for pod in done.pods if pod.outcome == "stays"]
    assert [pod.name.rpartition("-")[0] for pod in stays] == ["kube-proxy"]
    assert "DaemonSet kube-proxy" in stays[0].reason
    assert (await spec_of(server, "node", "node-4"))["spec"]["unschedulable"] is True
    assert done.undo.tool == "uncordon_node"
    await call(server, done.undo.tool, **done.undo.arguments)
    assert "unschedulable" not in (await spec_of(server, "node", "node-4"))["spec"]


async def test_a_server_without_writes_has_no_write_tool(sandbox: Sandbox, tmp_path: Path) -> None:
    path = sandbox.write_kubeconfig(tmp_path / "config")
    with pytest.raises(ToolRejected, match=r"no tool x\.cordon_node"):
        await ask(
            kubernetes.create_server(KubernetesSettings(kubeconfig=path)), "cordon_node", name="node-1", dry_run=False
        )


async def test_who_may_not_write_is_told_the_right_that_is_missing(sandbox: Sandbox, tmp_path: Path) -> None:
    path = sandbox.write_kubeconfig(tmp_path / "config")
    settings = KubernetesSettings(kubeconfig=path, allow_writes=True, as_user="dev", as_groups=("guests",))
    with pytest.raises(ToolDenied, match=r"asked as dev.*cannot get resource") as caught:
        await ask(kubernetes.create_server(settings), "cordon_node", name="node-1", dry_run=False)
    assert "check_access" in caught.value.next_step


VALUES = st.recursive(
    st.integers() | st.text(max_size=3) | st.booleans(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=12,
)
OBJECTS = st.dictionaries(st.text(max_size=2), VALUES, max_size=4)


def merged(target: Any, patch: Any) -> Any:
    """RFC 7386, section 2, as it is written there."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), value)
    return result


@given(OBJECTS, OBJECTS)
def test_the_patch_back_gives_back_what_was(before: dict[str, Any], after: dict[str, Any]) -> None:
    assert merged(after, reverse_patch(after, before)) == before


@given(OBJECTS)
def test_the_same_object_has_no_edits(item: dict[str, Any]) -> None:
    assert edits({"spec": item}, {"spec": item}) == ()


def test_elements_are_known_by_their_names() -> None:
    before = {"spec": {"containers": [{"name": "a", "image": "1"}, {"name": "b", "image": "1"}], "args": ["x", "y"]}}
    after = {"spec": {"containers": [{"name": "b", "image": "2"}, {"name": "c", "image": "1"}], "args": ["x"]}}
    assert {edit.path: (edit.before, edit.after) for edit in edits(before, after)} == {
        "spec.args": (["x", "y"], ["x"]),
        "spec.containers[a]": ({"name": "a", "image": "1"}, None),
        "spec.containers[b].image": ("1", "2"),
        "spec.containers[c]": (None, {"name": "c", "image": "1"}),
    }
