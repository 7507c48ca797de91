"""The topology as Kubernetes manifests, as its people would apply them: what the cluster begins with."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping

from autodevops.sandbox.basics.hashing import digest, uid
from autodevops.sandbox.basics.moments import to_datetime
from autodevops.sandbox.cluster.store import Json, copied
from autodevops.sandbox.world.certificates import LIFETIME, tls_secret_data
from autodevops.sandbox.world.surroundings import registry_password
from autodevops.sandbox.world.templates import common_labels, pod_template, selector
from autodevops.sandbox.world.topology import Node, Service, Topology

KUBERNETES_VERSION = "v1.34.2"
VIEWERS = "viewers"
"""The group whose members may look into the topology's namespace, and no more."""
_SERVICE_NAMES = {"coredns": "kube-dns"}


def service_name(service: Service) -> str:
    """What its Service is called."""
    return _SERVICE_NAMES.get(service.name, service.name)


def namespaces(topology: Topology) -> Iterator[Json]:
    """The topology's namespaces, besides those every cluster has."""
    for name in sorted({s.namespace for s in topology.services if s.kind != "External"} - {"kube-system"}):
        labels = {"kubernetes.io/metadata.name": name}
        yield _named("v1", "Namespace", name, labels=labels)


def cluster_objects(topology: Topology) -> Iterator[Json]:
    """What a cluster has before anything runs on it: nodes, classes, the API server's own Service."""
    for index, node in enumerate(topology.nodes):
        yield node_object(node, index)
    yield {
        **_named("storage.k8s.io/v1", "StorageClass", "standard"),
        "metadata": {"name": "standard", "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}},
        "provisioner": "csi.sandbox.example",
        "reclaimPolicy": "Delete",
        "volumeBindingMode": "WaitForFirstConsumer",
        "allowVolumeExpansion": True,
    }
    for name, value in (("system-cluster-critical", 2_000_000_000), ("system-node-critical", 2_000_001_000)):
        yield {**_named("scheduling.k8s.io/v1", "PriorityClass", name), "value": value, "globalDefault": False}
    yield _named(
        "v1", "Service", "kubernetes", "default",
        labels={"component": "apiserver", "provider": "kubernetes"},
        spec={
            "ports": [{"name": "https", "protocol": "TCP", "port": 443, "targetPort": 6443}],
            "clusterIP": "10.96.0.1", "clusterIPs": ["10.96.0.1"], "type": "ClusterIP", "sessionAffinity": "None",
        },
    )  # fmt: skip


def node_object(node: Node, index: int) -> Json:
    memory = node.memory_gib * 1024 * 1024
    capacity = {
        "cpu": str(node.cpu), "ephemeral-storage": "103079844Ki", "hugepages-2Mi": "0", "memory": f"{memory}Ki",
        "pods": "110",
    }  # fmt: skip
    cidr = f"10.244.{index + 1}.0/24"
    return _named(
        "v1", "Node", node.name,
        labels={
            "beta.kubernetes.io/arch": "amd64",
            "beta.kubernetes.io/os": "linux",
            "kubernetes.io/arch": "amd64",
            "kubernetes.io/hostname": node.name,
            "kubernetes.io/os": "linux",
            "topology.kubernetes.io/zone": node.zone,
            "topology.kubernetes.io/region": "region-1",
        },
        spec={"podCIDR": cidr, "podCIDRs": [cidr]},
        status={
            "capacity": capacity,
            "allocatable": {**capacity, "cpu": f"{node.cpu * 1000 - 80}m", "memory": f"{memory - 512 * 1024}Ki"},
            "addresses": [
                {"type": "InternalIP", "address": node_address(index)},
                {"type": "Hostname", "address": node.name},
            ],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}},
            "nodeInfo": {
                "machineID": digest("machine", node.name),
                "systemUUID": uid("machine", node.name),
                "bootID": uid("boot", node.name),
                "kernelVersion": "6.12.48",
                "osImage": "Debian GNU/Linux 12 (bookworm)",
                "containerRuntimeVersion": "containerd://2.1.4",
                "kubeletVersion": KUBERNETES_VERSION,
                "kubeProxyVersion": "",
                "operatingSystem": "linux",
                "architecture": "amd64",
            },
        },
    )  # fmt: skip


def node_address(index: int) -> str:
    """The internal address of the topology's node number `index`."""
    return f"10.0.0.{10 + index}"


def shared_objects(topology: Topology, seed: int, valid_until: float, ends: Mapping[str, float]) -> Iterator[Json]:
    """What the namespaces of the topology share: the registry's credentials, certificates, and its own manifests.

    Certificates are valid until `valid_until` (epoch s), or until what `ends` says for a Secret.
    """
    if registry := topology.registry:
        user, password = "pull", registry_password(registry.host)
        auth = base64.b64encode(f"{user}:{password}".encode()).decode()
        auths = {"auths": {registry.host: {"username": user, "password": password, "auth": auth}}}
        data = {".dockerconfigjson": base64.b64encode(json.dumps(auths).encode()).decode()}
        secret = _named("v1", "Secret", registry.secret, topology.namespace)
        yield {**secret, "type": "kubernetes.io/dockerconfigjson", "data": data}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"}
    yield {
        **_named("rbac.authorization.k8s.io/v1", "RoleBinding", VIEWERS, topology.namespace),
        "roleRef": role,
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": VIEWERS}],
    }
    for item in topology.manifests:
        item = copied(item)
        if item["kind"] not in ("IngressClass", "ClusterRole", "ClusterRoleBinding", "Namespace", "PriorityClass"):
            item["metadata"].setdefault("namespace", topology.namespace)
        for tls in item.get("spec", {}).get("tls", ()) if item["kind"] == "Ingress" else ():
            until = to_datetime(ends.get(tls["secretName"], valid_until))
            data = tls_secret_data(tls["hosts"], seed, until - LIFETIME)
            secret = _named("v1", "Secret", tls["secretName"], item["metadata"]["namespace"])
            yield {**secret, "type": "kubernetes.io/tls", "data": data}
        yield item


def service_objects(topology: Topology, service: Service) -> Iterator[Json]:
    """Everything around a service's workload: account, configuration, secrets, Service."""
    labels = common_labels(service)
    account = _named("v1", "ServiceAccount", service.name, service.namespace, labels=labels)
    if (registry := topology.registry) and service.repository.startswith(f"{registry.host}/"):
        account["imagePullSecrets"] = [{"name": registry.secret}]
    yield account
    if service.config:
        item = _named("v1", "ConfigMap", f"{service.name}-config", service.namespace, labels=labels)
        yield {**item, "data": dict(service.config)}
    if service.secret:
        data = {key: base64.b64encode(value.encode()).decode() for key, value in service.secret.items()}
        item = _named("v1", "Secret", f"{service.name}-secrets", service.namespace, labels=labels)
        yield {**item, "type": "Opaque", "data": data}
    if service.kind == "DaemonSet" or service.consumes:
        return
    protocol = "UDP" if service.port == 53 else "TCP"
    port = {"name": service.port_name, "protocol": protocol, "port": service.port, "targetPort": service.port_name}
    spec: Json = {"selector": selector(service), "ports": [port], "type": "ClusterIP", "sessionAffinity": "None"}
    if service.name == "coredns":
        spec |= {"clusterIP": "10.96.0.10", "clusterIPs": ["10.96.0.10"]}
    yield _named("v1", "Service", service_name(service), service.namespace, labels=labels, spec=spec)


def workload(service: Service, version: str, commit: str, annotations: dict[str, str]) -> Json:
    """The Deployment, StatefulSet or DaemonSet that runs a version of a service."""
    spec: Json = {
        "selector": {"matchLabels": selector(service)},
        "template": pod_template(service, version, commit),
        "revisionHistoryLimit": 10,
    }
    if service.kind != "DaemonSet":
        spec["replicas"] = service.replicas
    if service.kind == "Deployment":
        spec["progressDeadlineSeconds"] = 600
        spec["strategy"] = {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "25%", "maxSurge": "25%"}}
    elif service.kind == "StatefulSet":
        spec |= {
            "serviceName": service.name,
            "podManagementPolicy": "OrderedReady",
            "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}},
            "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Retain", "whenScaled": "Retain"},
        }
        if service.storage:
            claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": service.storage}}}
            spec["volumeClaimTemplates"] = [
                {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data"}, "spec": claim}
            ]
    else:
        spec["updateStrategy"] = {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1, "maxSurge": 0}}
    found = _named("apps/v1", service.kind, service.name, service.namespace, labels=common_labels(service), spec=spec)
    if annotations:
        found["metadata"]["annotations"] = dict(annotations)
    return found


def autoscaler(service: Service) -> Json:
    """The HorizontalPodAutoscaler of a service that has one."""
    target = {"type": "Utilization", "averageUtilization": 80}
    return _named(
        "autoscaling/v2", "HorizontalPodAutoscaler", service.name, service.namespace, labels=common_labels(service),
        spec={
            "scaleTargetRef": {"kind": service.kind, "name": service.name, "apiVersion": "apps/v1"},
            "minReplicas": service.replicas,
            "maxReplicas": service.hpa_max,
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": target}}],
        },
    )  # fmt: skip


def _named(
    api_version: str,
    kind: str,
    name: str,
    namespace: str = "",
    *,
    labels: dict[str, str] | None = None,
    **parts: Json,
) -> Json:
    metadata: Json = {"name": name}
    if namespace:
        metadata["namespace"] = namespace
    if labels:
        metadata["labels"] = labels
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **parts}
