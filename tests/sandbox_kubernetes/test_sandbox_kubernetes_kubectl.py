"""kubectl, which nobody here wrote, reads and mends the cluster."""

from __future__ import annotations

import json
import subprocess

import pytest
from programs import require
from sandbox_kubernetes.clusters import Cluster


def test_get_pods_prints_the_columns_of_an_api_server(shop: Cluster) -> None:
    lines = shop.kubectl("get", "pods").splitlines()
    assert lines[0].split() == ["NAME", "READY", "STATUS", "RESTARTS", "AGE"]
    payment = [line.split() for line in lines if line.startswith("payment-")]
    assert len(payment) == 3
    assert all(row[1:4] == ["1/1", "Running", "0"] and row[4].endswith("m") for row in payment)


@pytest.mark.parametrize(
    ("arguments", "header"),
    [
        ("pods -o wide -A", "NAMESPACE NAME READY STATUS RESTARTS AGE IP NODE NOMINATED"),
        ("deploy -o wide", "NAME READY UP-TO-DATE AVAILABLE AGE CONTAINERS IMAGES SELECTOR"),
        ("rs", "NAME DESIRED CURRENT READY AGE"),
        ("sts", "NAME READY AGE"),
        ("ds -n kube-system", "NAME DESIRED CURRENT READY UP-TO-DATE AVAILABLE NODE SELECTOR AGE"),
        ("svc", "NAME TYPE CLUSTER-IP EXTERNAL-IP PORT(S) AGE"),
        ("ep", "NAME ENDPOINTS AGE"),
        ("endpointslices", "NAME ADDRESSTYPE PORTS ENDPOINTS AGE"),
        ("nodes -o wide", "NAME STATUS ROLES AGE VERSION INTERNAL-IP EXTERNAL-IP OS-IMAGE"),
        ("events", "LAST SEEN TYPE REASON OBJECT MESSAGE"),
        ("events.events.k8s.io", "LAST SEEN TYPE REASON OBJECT MESSAGE"),
        ("ns", "NAME STATUS AGE"),
        ("cm", "NAME DATA AGE"),
        ("secrets", "NAME TYPE DATA AGE"),
        ("sa", "NAME SECRETS AGE"),
        ("pvc", "NAME STATUS VOLUME CAPACITY ACCESS MODES STORAGECLASS"),
        ("pv", "NAME CAPACITY ACCESS MODES RECLAIM POLICY STATUS CLAIM STORAGECLASS"),
        ("hpa", "NAME REFERENCE TARGETS MINPODS MAXPODS REPLICAS AGE"),
        ("sc", "NAME PROVISIONER RECLAIMPOLICY VOLUMEBINDINGMODE ALLOWVOLUMEEXPANSION AGE"),
    ],
)
def test_every_kind_is_printed_as_a_table(shop: Cluster, arguments: str, header: str) -> None:
    lines = shop.kubectl("get", *arguments.split()).splitlines()
    assert " ".join(lines[0].split()).startswith(header)
    assert len(lines) > 1


def test_objects_are_tied_together_as_controllers_tie_them(shop: Cluster) -> None:
    deployment = shop.get("deployment", "payment")
    sets = {one["metadata"]["name"]: one for one in shop.get("rs", "-l", "app.kubernetes.io/name=payment")["items"]}
    pods = shop.get("pods", "-l", "app.kubernetes.io/name=payment")["items"]
    assert deployment["spec"]["template"]["spec"]["containers"][0]["image"] == "registry.example/shop/payment:2.14.0"
    assert {one["metadata"]["ownerReferences"][0]["uid"] for one in sets.values()} == {deployment["metadata"]["uid"]}
    revisions = {int(one["metadata"]["annotations"]["deployment.kubernetes.io/revision"]) for one in sets.values()}
    assert revisions == {1, 2, 3, 4}
    newest = max(
        sets.values(), key=lambda one: int(one["metadata"]["annotations"]["deployment.kubernetes.io/revision"])
    )
    for pod in pods:
        owner = pod["metadata"]["ownerReferences"][0]
        assert (owner["kind"], owner["name"]) == ("ReplicaSet", newest["metadata"]["name"])
        assert owner["uid"] == newest["metadata"]["uid"]
    assert sorted(one["spec"]["replicas"] for one in sets.values()) == [0, 0, 0, 3]
    endpoints = shop.get("endpoints", "payment")["subsets"][0]["addresses"]
    assert {one["ip"] for one in endpoints} == {pod["status"]["podIP"] for pod in pods}
    commit = deployment["metadata"]["annotations"]["org.opencontainers.image.revision"]
    assert commit == shop.sandbox.world.rollouts("payment")[-1].commit


def test_describe_tells_the_rollout_and_its_events(shop: Cluster) -> None:
    text = shop.kubectl("describe", "deployment", "payment")
    assert "3 desired | 3 updated | 3 total | 3 available | 0 unavailable" in text
    assert "NewReplicaSetAvailable" in text
    assert "Scaled up replica set" in text
    pod = shop.get("pods", "-l", "app.kubernetes.io/name=payment")["items"][0]["metadata"]["name"]
    described = shop.kubectl("describe", "pod", pod)
    assert "Successfully assigned shop/" in described
    assert "QoS Class:                   Burstable" in described
    assert "Non-terminated Pods:" in shop.kubectl("describe", "node", "node-1")


def test_rollout_history_has_every_revision_with_its_cause(shop: Cluster) -> None:
    lines = shop.kubectl("rollout", "history", "deployment/payment").splitlines()
    assert [line.split()[0] for line in lines[2:6]] == ["1", "2", "3", "4"]
    assert "release payment 2.14.0" in lines[5]
    assert "successfully rolled out" in shop.kubectl("rollout", "status", "deployment/payment")


def test_logs_come_from_the_container(shop: Cluster) -> None:
    lines = shop.kubectl("logs", "deploy/payment", "--tail=5", "--timestamps").splitlines()
    assert len(lines) == 5
    for line in lines:
        stamp, _, text = line.partition(" ")
        assert stamp.endswith("Z")
        assert json.loads(text)["level"]
    name = shop.get("pods", "-l", "app.kubernetes.io/name=payment")["items"][0]["metadata"]["name"]
    assert "container nope is not valid for pod" in shop.kubectl("logs", name, "-c", "nope", status=1)
    assert f'previous terminated container "payment" in pod "{name}" not found' in shop.kubectl(
        "logs", name, "--previous", status=1
    )


def test_selectors_narrow_and_mistakes_are_refused(shop: Cluster) -> None:
    on_node = shop.get("pods", "-A", "--field-selector", "spec.nodeName=node-1")["items"]
    assert on_node
    assert {pod["spec"]["nodeName"] for pod in on_node} == {"node-1"}
    two = shop.get("pods", "-l", "app.kubernetes.io/name in (cart,email),team")["items"]
    assert {pod["metadata"]["labels"]["app.kubernetes.io/name"] for pod in two} == {"cart", "email"}
    assert "field label not supported: foo" in shop.kubectl("get", "pods", "--field-selector", "foo=bar", status=1)
    assert "unable to parse requirement" in shop.kubectl("get", "pods", "-l", "a in (b", status=1)


def test_pages_join_to_the_whole_list(shop: Cluster) -> None:
    paged = shop.kubectl("get", "pods", "-A", "--chunk-size=4", "-o", "name").splitlines()
    whole = shop.kubectl("get", "pods", "-A", "--chunk-size=0", "-o", "name").splitlines()
    assert paged == whole
    assert len(whole) > 20


def test_what_is_not_there_is_said_in_the_servers_words(shop: Cluster) -> None:
    assert 'pods "nope" not found' in shop.kubectl("get", "pod", "nope", status=1)
    assert 'deployments.apps "nope" not found' in shop.kubectl("get", "deploy", "nope", status=1)
    assert 'doesn\'t have a resource type "gremlins"' in shop.kubectl("get", "gremlins", status=1)
    assert shop.get("pods", "-n", "nowhere")["items"] == []


def test_access_is_told_and_kept(shop: Cluster) -> None:
    assert shop.kubectl("auth", "can-i", "list", "pods").strip() == "yes"
    assert shop.kubectl("auth", "can-i", "patch", "deployments.apps/scale").strip() == "yes"
    shop.kubectl("auth", "can-i", "create", "pods", status=1)
    assert "deployments.apps" in shop.kubectl("auth", "can-i", "--list")
    refused = shop.kubectl("delete", "deployment", "cart", status=1)
    assert 'cannot delete resource "deployments" in API group "apps" in the namespace "shop"' in refused


def test_wrong_token_is_refused(shop: Cluster) -> None:
    text = shop.kubeconfig.read_text().replace(shop.sandbox.token, "sandbox-expired")
    other = shop.home / "expired"
    other.write_text(text)
    refused = shop.kubectl("get", "pods", "--kubeconfig", str(other), status=1)
    assert "You must be logged in to the server" in refused


def test_watch_shows_what_is_and_then_what_comes(own: Cluster) -> None:
    arguments = ["get", "pods", "-w", "-l", "app.kubernetes.io/name=email", "--request-timeout=40s"]
    process = subprocess.Popen(
        [require("kubectl", "kubernetes-client"), "--kubeconfig", str(own.kubeconfig), *arguments],
        env={"HOME": str(own.home), "PATH": "/usr/bin:/bin"},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline().split()[0] == "NAME"
        first = process.stdout.readline().split()
        assert first[1:3] == ["1/1", "Running"]
        own.kubectl("delete", "pod", first[0])
        fresh = next(row for row in map(str.split, process.stdout) if row[0] != first[0])
        assert fresh[0].startswith("email-")
        own.clock.advance(60)
        assert next(row for row in map(str.split, process.stdout) if row[1] == "1/1")[0] == fresh[0]
    finally:
        process.kill()
        process.wait()
        process.stdout.close() if process.stdout else None


def test_rollout_undo_brings_the_old_replica_set_back(own: Cluster) -> None:
    before = own.get("deployment", "payment")
    own.kubectl("rollout", "undo", "deployment/payment", "--dry-run=server")
    assert own.get("deployment", "payment")["spec"] == before["spec"]
    own.kubectl("rollout", "undo", "deployment/payment")
    own.clock.advance(300)
    assert "successfully rolled out" in own.kubectl("rollout", "status", "deployment/payment")
    after = own.get("deployment", "payment")
    assert after["spec"]["template"]["spec"]["containers"][0]["image"].endswith("payment:2.13.1")
    assert after["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "5"
    assert int(after["metadata"]["generation"]) > int(before["metadata"]["generation"])
    history = own.kubectl("rollout", "history", "deployment/payment").splitlines()
    assert [line.split()[0] for line in history[2:6]] == ["1", "2", "4", "5"]
    now = own.clock().timestamp()
    assert own.sandbox.world.readings([now]).error_ratio("payment")[0] < 0.01


def test_restart_scale_and_patch_change_the_workload(own: Cluster) -> None:
    names = own.kubectl("get", "pods", "-l", "app.kubernetes.io/name=cart", "-o", "name").split()
    own.kubectl("rollout", "restart", "deployment/cart")
    own.kubectl("scale", "deployment/cart", "--replicas=4", "--dry-run=server")
    assert own.get("deployment", "cart")["spec"]["replicas"] == 2
    own.kubectl("scale", "deployment/cart", "--replicas=4")
    own.clock.advance(300)
    fresh = own.kubectl("get", "pods", "-l", "app.kubernetes.io/name=cart", "-o", "name").split()
    assert len(fresh) == 4
    assert not set(fresh) & set(names)
    own.kubectl("patch", "deployment", "cart", "-p", '{"spec":{"replicas":3}}')
    own.kubectl("patch", "deployment", "cart", "--type=json", "-p", '[{"op":"test","path":"/spec/replicas","value":3}]')
    refused = own.kubectl("patch", "deployment", "cart", "-p", '{"spec":{"replicas":-1}}', status=1)
    assert "must be greater than or equal to 0" in refused
    own.kubectl("label", "deployment", "cart", "x=y", status=1)
    assert own.kubectl("set", "image", "deployment/cart", "cart=registry.example/shop/cart:1.18.1")
    assert own.get("deployment", "cart")["spec"]["template"]["spec"]["containers"][0]["image"].endswith(":1.18.1")


def test_deleted_pod_is_replaced_by_its_controller(own: Cluster) -> None:
    name = own.kubectl("get", "pods", "-l", "app.kubernetes.io/name=catalog", "-o", "name").split()[0]
    own.kubectl("delete", name, "--dry-run=server")
    own.kubectl("get", name)
    own.kubectl("delete", name)
    own.kubectl("get", name, status=1)
    own.clock.advance(60)
    assert own.get("deployment", "catalog")["status"]["readyReplicas"] == 3
    assert "SuccessfulCreate" in own.kubectl("get", "events")
