"""kubectl, which nobody here wrote, reads and changes a cluster."""

from __future__ import annotations

import json
import subprocess

import pytest
from programs import require
from sandbox_kubernetes.clusters import Api
from sandbox_kubernetes.manifests import changed, deployment, pod

from autodevops.sandbox.cluster.kinds import KINDS


def rows(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines()]


def test_a_deployment_is_applied_rolled_out_undone_and_scaled(own: Api) -> None:
    assert own.apply(deployment("web")).strip() == "deployment.apps/web created"
    own.bench.time += 60
    assert "successfully rolled out" in own.kubectl("rollout", "status", "deploy/web")
    assert rows(own.kubectl("get", "deploy", "web"))[1][1:4] == ["2/2", "2", "2"]
    own.kubectl("set", "image", "deploy/web", "web=registry.example/web:2.0.0")
    own.bench.time += 60
    assert {one["spec"]["containers"][0]["image"][-5:] for one in own.get("pods")["items"]} == {"2.0.0"}
    own.kubectl("rollout", "undo", "deploy/web", "--dry-run=server")
    assert own.get("deploy", "web")["spec"]["template"]["spec"]["containers"][0]["image"].endswith(":2.0.0")
    own.kubectl("rollout", "undo", "deploy/web")
    own.bench.time += 60
    assert own.get("deploy", "web")["spec"]["template"]["spec"]["containers"][0]["image"].endswith(":1.0.0")
    assert [row[0] for row in rows(own.kubectl("rollout", "history", "deploy/web"))[2:4]] == ["2", "3"]
    own.kubectl("scale", "deploy/web", "--replicas=4")
    own.kubectl("rollout", "restart", "deploy/web")
    own.bench.time += 90
    assert own.get("deploy", "web")["status"]["readyReplicas"] == 4
    text = own.kubectl("describe", "deploy", "web")
    assert "4 desired | 4 updated | 4 total | 4 available | 0 unavailable" in text
    assert "Scaled up replica set" in text
    own.kubectl("delete", "deploy", "web", "--cascade=foreground", "--wait=false")
    own.bench.time += 120
    assert own.get("pods,rs,deploy")["items"] == []


def test_drain_waits_for_the_disruption_budget(own: Api) -> None:
    own.apply(deployment("web", 2))
    own.bench.time += 60
    own.kubectl("create", "pdb", "web", "--selector=app=web", "--min-available=2")
    own.bench.time += 5
    host = own.get("pods")["items"][0]["spec"]["nodeName"]
    refused = own.kubectl("drain", host, "--ignore-daemonsets", "--timeout=1s", status=1)
    assert "Cannot evict pod as it would violate the pod's disruption budget." in refused
    assert "SchedulingDisabled" in own.kubectl("get", "node", host)
    own.kubectl("delete", "pdb", "web")
    name = own.get("pods", "--field-selector", f"spec.nodeName={host}")["items"][0]["metadata"]["name"]
    with own.http() as http:
        path = f"/api/v1/namespaces/shop/pods/{name}"
        eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name, "namespace": "shop"}}
        assert http.post(f"{path}/eviction", json=eviction).status_code == 201
        assert http.get(path).json()["metadata"]["deletionTimestamp"]
    own.bench.time += 60
    own.kubectl("drain", host, "--ignore-daemonsets", "--timeout=60s")
    own.kubectl("uncordon", host)


@pytest.mark.parametrize(
    ("command", "kind", "check"),
    [
        ("deployment web --image=nginx --replicas=3 --port=80", "deployment/web", ("spec", "replicas", 3)),
        ("configmap config --from-literal=a=b", "configmap/config", ("data", "a", "b")),
        ("secret generic hidden --from-literal=a=b", "secret/hidden", ("data", "a", "Yg==")),
        ("service clusterip web --tcp=80:8080", "service/web", ("spec", "type", "ClusterIP")),
        ("job once --image=busybox -- sleep 1", "job/once", ("spec", "backoffLimit", 6)),
        ("cronjob often --image=busybox --schedule=*/5_*_*_*_*", "cronjob/often", ("spec", "suspend", False)),
        ("quota limit --hard=pods=7", "quota/limit", ("spec", "hard", {"pods": "7"})),
        ("role reader --verb=get --resource=pods", "role/reader", ("rules", 0, None)),
        ("rolebinding reads --role=reader --user=jane", "rolebinding/reads", ("roleRef", "name", "reader")),
        ("clusterrole all --verb=get --resource=nodes", "clusterrole/all", ("rules", 0, None)),
        ("serviceaccount robot", "serviceaccount/robot", ("metadata", "name", "robot")),
        ("pdb keep --selector=app=x --max-unavailable=1", "pdb/keep", ("spec", "maxUnavailable", 1)),
        ("priorityclass high --value=1000", "priorityclass/high", ("preemptionPolicy", "", "PreemptLowerPriority")),
        ("ingress way --rule=shop.example/*=web:80", "ingress/way", ("spec", "rules", None)),
        ("namespace other", "namespace/other", ("status", "phase", "Active")),
    ],
)
def test_kubectl_create_of_every_kind_arrives(
    api: Api, command: str, kind: str, check: tuple[str, object, object]
) -> None:
    words = [word.replace("_", " ") for word in command.split()]
    api.kubectl("create", *words)
    found = api.get(kind)
    outer, inner, wanted = check
    value = found[outer] if inner == "" else found[outer][inner]
    assert value == wanted if wanted is not None else value


def test_a_job_made_from_a_cronjob_has_its_whole_template(own: Api) -> None:
    """kubectl sends this one in protobuf, so every field of the template goes through the decoder."""
    template = {
        "restartPolicy": "OnFailure",
        "serviceAccountName": "default",
        "nodeSelector": {"disk": "ssd"},
        "securityContext": {"runAsUser": 0, "fsGroup": 5, "supplementalGroups": [7], "runAsNonRoot": False},
        "tolerations": [{"key": "a", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 0}],
        "affinity": {
            "nodeAffinity": {
                "requiredDuringSchedulingIgnoredDuringExecution": {
                    "nodeSelectorTerms": [{"matchExpressions": [{"key": "z", "operator": "In", "values": ["a"]}]}]
                }
            },
            "podAntiAffinity": {
                "preferredDuringSchedulingIgnoredDuringExecution": [
                    {
                        "weight": 3,
                        "podAffinityTerm": {
                            "topologyKey": "kubernetes.io/hostname",
                            "labelSelector": {"matchLabels": {"a": "b"}},
                        },
                    }
                ]
            },
        },
        "topologySpreadConstraints": [
            {"maxSkew": 1, "topologyKey": "z", "whenUnsatisfiable": "DoNotSchedule", "labelSelector": {}}
        ],
        "volumes": [
            {"name": "a", "emptyDir": {"sizeLimit": "1Gi"}},
            {"name": "b", "configMap": {"name": "c", "items": [{"key": "k", "path": "p", "mode": 256}]}},
            {"name": "c", "secret": {"secretName": "s", "optional": False}},
            {"name": "d", "persistentVolumeClaim": {"claimName": "p"}},
            {"name": "e", "hostPath": {"path": "/x"}},
            {"name": "f", "projected": {"sources": [{"serviceAccountToken": {"path": "t", "audience": "me"}}]}},
        ],
        "initContainers": [{"name": "first", "image": "init:1", "restartPolicy": "Always"}],
        "containers": [
            {
                "name": "main",
                "image": "main:1",
                "command": ["a", ""],
                "args": ["--x"],
                "ports": [{"name": "http", "containerPort": 80}],
                "env": [
                    {"name": "A", "value": "1"},
                    {"name": "B", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k", "optional": True}}},
                    {"name": "C", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
                ],
                "envFrom": [{"prefix": "P_", "configMapRef": {"name": "c"}}],
                "resources": {"limits": {"cpu": "500m"}, "requests": {"cpu": "250m", "memory": "64Mi"}},
                "volumeMounts": [{"name": "a", "mountPath": "/a", "readOnly": True, "subPath": "s"}],
                "readinessProbe": {"httpGet": {"path": "/x", "port": "http"}, "initialDelaySeconds": 5},
                "livenessProbe": {"exec": {"command": ["true"]}, "failureThreshold": 5},
                "lifecycle": {"preStop": {"sleep": {"seconds": 2}}},
                "securityContext": {"capabilities": {"drop": ["ALL"]}, "privileged": False},
            }
        ],
    }
    job = {"completions": 0, "backoffLimit": 0, "template": {"metadata": {"labels": {"a": "b"}}, "spec": template}}
    spec = {"schedule": "0 0 1 1 *", "jobTemplate": {"spec": job}}
    own.apply({"kind": "CronJob", "apiVersion": "batch/v1", "metadata": {"name": "long"}, "spec": spec})
    own.kubectl("create", "job", "--from=cronjob/long", "now")
    made, meant = own.get("job", "now")["spec"], own.get("cronjob", "long")["spec"]["jobTemplate"]["spec"]
    assert made["template"]["spec"] == meant["template"]["spec"]
    assert (made["completions"], made["backoffLimit"]) == (0, 0)


def test_every_kind_can_be_listed_and_tables_have_kubectls_columns(api: Api) -> None:
    for kind in KINDS.values():
        name = f"{kind.plural}.{kind.group}" if kind.group else kind.plural
        assert api.run("get", name, "-A", "-o", "wide").returncode == 0, kind
    headers = {
        "pods -o wide": "NAME READY STATUS RESTARTS AGE IP NODE NOMINATED NODE READINESS GATES",
        "nodes": "NAME STATUS ROLES AGE VERSION",
        "ns": "NAME STATUS AGE",
        "clusterroles": "NAME CREATED AT",
        "clusterrolebindings -o wide": "NAME ROLE AGE USERS GROUPS SERVICEACCOUNTS",
    }
    api.bench.put(pod("printed"))
    for arguments, header in headers.items():
        text = api.kubectl("get", *arguments.split())
        assert " ".join(text.splitlines()[0].split()) == header
        assert len(text.splitlines()) > 1


def test_apply_again_changes_what_the_manifest_changes_and_takes_away_what_it_drops(own: Api) -> None:
    first = changed(deployment("web"), "metadata.labels.extra", "1")
    own.apply(first)
    own.kubectl("scale", "deploy/web", "--replicas=5")
    assert own.apply(changed(first, "metadata.labels.extra", None)).strip().endswith("configured")
    found = own.get("deploy", "web")
    assert found["metadata"]["labels"] == {"app": "web"}
    assert found["spec"]["replicas"] == 2
    assert own.apply(changed(first, "metadata.labels.extra", None)).strip().endswith("unchanged")


def test_server_side_apply_says_who_owns_a_field(own: Api) -> None:
    item = {"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": "c"}, "data": {"a": "1", "b": "1"}}
    text = json.dumps(item)
    own.kubectl("apply", "--server-side", "-f", "-", stdin=text)
    other = json.dumps({**item, "data": {"a": "2"}})
    arguments = ("apply", "--server-side", "--field-manager=other", "-f", "-")
    refused = own.kubectl(*arguments, stdin=other, status=1)
    assert 'Apply failed with 1 conflict: conflict with "kubectl": .data.a' in refused
    own.kubectl(*arguments, "--force-conflicts", stdin=other)
    assert own.get("cm", "c")["data"] == {"a": "2", "b": "1"}
    own.kubectl("apply", "--server-side", "-f", "-", stdin=json.dumps({**item, "data": {"a": "2"}}))
    assert own.get("cm", "c")["data"] == {"a": "2"}
    own.kubectl("patch", "cm", "c", "-p", '{"data":{"a":"3"}}')
    refused = own.kubectl(*arguments, stdin=other, status=1)
    assert 'conflict with "kubectl-patch" using v1: .data.a' in refused


def test_logs_come_from_the_container(api: Api) -> None:
    api.bench.put(pod("talker"), pod("starting", ready=False))
    api.bench.logs["shop", "talker", "main", False] = [(api.bench.time - 9.0 + n, f"line {n}") for n in range(5)]
    assert api.kubectl("logs", "talker", "--tail=2").splitlines() == ["line 3", "line 4"]
    stamped = api.kubectl("logs", "talker", "--timestamps").splitlines()
    assert stamped[0].split(" ", 1)[0].endswith("Z")
    assert "container nope is not valid for pod talker" in api.kubectl("logs", "talker", "-c", "nope", status=1)
    previous = api.kubectl("logs", "talker", "--previous", status=1)
    assert 'previous terminated container "main" in pod "talker" not found' in previous


def test_top_shows_usage_while_metrics_server_runs(own: Api) -> None:
    surroundings = own.bench.surroundings
    surroundings.cpu_cores["registry.example/web:1.0.0"] = 0.25
    own.apply(deployment("web", 1))
    own.bench.time += 60
    assert rows(own.kubectl("top", "pods"))[1][1] == "250m"
    assert {row[1] for row in rows(own.kubectl("top", "nodes"))[1:]} == {"250m", "0m"}
    surroundings.components["metrics-server"] = [(0.0, False)]
    assert "the server is currently unable to handle the request" in own.kubectl("top", "nodes", status=1)


def test_selectors_narrow_and_mistakes_are_refused(api: Api) -> None:
    api.bench.put(pod("here", {"tier": "a"}), pod("there", {"tier": "b"}, on="node-2"))
    found = api.kubectl("get", "pods", "-l", "tier in (a,b)", "--field-selector", "spec.nodeName=node-2", "-o", "name")
    assert found.split() == ["pod/there"]
    assert "field label not supported: foo" in api.kubectl("get", "pods", "--field-selector", "foo=bar", status=1)
    assert "unable to parse requirement" in api.kubectl("get", "pods", "-l", "a in (b", status=1)
    assert 'pods "nope" not found' in api.kubectl("get", "pod", "nope", status=1)
    assert 'doesn\'t have a resource type "gremlins"' in api.kubectl("get", "gremlins", status=1)
    paged = api.kubectl("get", "pods", "-A", "--chunk-size=1", "-o", "name").splitlines()
    assert paged == api.kubectl("get", "pods", "-A", "--chunk-size=0", "-o", "name").splitlines()


def test_watch_shows_what_is_and_then_what_comes(own: Api) -> None:
    own.apply(deployment("web", 1))
    own.bench.time += 60
    process = subprocess.Popen(
        [require("kubectl", "kubernetes-client"), "get", "pods", "-w", "--request-timeout=40s"],
        env=own.environment(), stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        assert process.stdout.readline().split()[0] == "NAME"
        first = process.stdout.readline().split()
        assert first[1:3] == ["1/1", "Running"]
        own.kubectl("delete", "pod", first[0], "--wait=false")
        own.bench.time += 1
        fresh = next(row for row in map(str.split, process.stdout) if row[0] != first[0])
        own.bench.time += 60
        assert next(row for row in map(str.split, process.stdout) if row[1] == "1/1")[0] == fresh[0]
    finally:
        process.kill()
        process.wait()
        process.stdout.close() if process.stdout else None


def test_rights_come_from_roles_in_the_cluster(own: Api) -> None:
    jane = own.token("jane", "developers")
    denied = own.kubectl("get", "pods", token=jane, status=1)
    assert 'User "jane" cannot list resource "pods" in API group "" in the namespace "shop"' in denied
    own.kubectl("create", "rolebinding", "view", "--clusterrole=view", "--group=developers")
    own.kubectl("get", "pods", token=jane)
    assert own.kubectl("auth", "can-i", "list", "pods", token=jane).strip() == "yes"
    assert own.run("auth", "can-i", "delete", "pods", token=jane).stdout.strip() == "no"
    own.kubectl("get", "secrets", token=jane, status=1)
    own.kubectl("get", "pods", "-n", "default", token=jane, status=1)
    assert "configmaps" in own.kubectl("auth", "can-i", "--list", token=jane)
    as_jane = own.kubectl("auth", "whoami", "--as=jane", "--as-group=developers")
    assert "developers system:authenticated" in as_jane
    own.kubectl("get", "pods", "--as=jane", "--as-group=developers")
    refused = own.kubectl("get", "pods", "--as=admin", token=jane, status=1)
    assert 'users "admin" is forbidden: User "jane" cannot impersonate resource "users"' in refused
    own.kubectl("create", "rolebinding", "lost", "--role=gone", "--group=developers")
    gone = own.kubectl("get", "secrets", token=jane, status=1)
    assert 'RBAC: role.rbac.authorization.k8s.io "gone" not found' in gone


def test_a_service_account_has_a_token_until_it_expires(own: Api) -> None:
    own.kubectl("create", "serviceaccount", "robot")
    token = own.kubectl("create", "token", "robot").strip()
    assert "system:serviceaccount:shop:robot" in own.kubectl("auth", "whoami", token=token)
    own.kubectl("create", "rolebinding", "robot", "--clusterrole=edit", "--serviceaccount=shop:robot")
    own.kubectl("create", "configmap", "mine", token=token)
    grant = ("create", "rolebinding", "more", "--clusterrole=cluster-admin", "--serviceaccount=shop:robot")
    assert "cannot create resource" in own.kubectl(*grant, token=token, status=1)
    own.bench.time += 3700
    assert "You must be logged in to the server" in own.kubectl("get", "pods", token=token, status=1)


def test_a_namespace_goes_with_what_is_in_it(own: Api) -> None:
    own.kubectl("create", "namespace", "brief")
    own.kubectl("create", "configmap", "x", "-n", "brief")
    own.kubectl("delete", "namespace", "brief", "--wait=false")
    assert own.get("namespace", "brief")["status"]["phase"] == "Terminating"
    refused = own.kubectl("create", "configmap", "y", "-n", "brief", status=1)
    assert "unable to create new content in namespace brief because it is being terminated" in refused
    own.bench.time += 60
    assert 'namespaces "brief" not found' in own.kubectl("get", "namespace", "brief", status=1)
    assert "this namespace may not be deleted" in own.kubectl("delete", "namespace", "default", status=1)


def test_autoscaler_of_the_old_version_is_stored_as_the_new_one(api: Api) -> None:
    api.apply(deployment("scaled", 1))
    api.kubectl("autoscale", "deploy", "scaled", "--max=4", "--cpu-percent=50")
    metric = api.get("hpa", "scaled")["spec"]["metrics"][0]
    assert metric["resource"]["target"]["averageUtilization"] == 50
    assert api.get("horizontalpodautoscalers.v1.autoscaling", "scaled")["spec"]["targetCPUUtilizationPercentage"] == 50


def test_explain_knows_the_fields(api: Api) -> None:
    text = api.kubectl("explain", "deployment.spec.strategy")
    assert "rollingUpdate" in text
    assert "<DeploymentStrategy>" in text
