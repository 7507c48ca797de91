"""What a cluster has besides workloads: namespaces, nodes, configuration, secrets, accounts, volumes."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from autodevops.sandbox.basics.hashing import digest, uid
from autodevops.sandbox.basics.moments import rfc3339
from autodevops.sandbox.world.objects.meta import condition, metadata, object_uid
from autodevops.sandbox.world.objects.pods import host_ip
from autodevops.sandbox.world.templates import Json, common_labels
from autodevops.sandbox.world.topology import Node, Service

if TYPE_CHECKING:
    from autodevops.sandbox.world.world import World

KUBERNETES_VERSION = "v1.34.2"
_SYSTEM_NAMESPACES = ("default", "kube-node-lease", "kube-public", "kube-system")
_HEARTBEAT = 300.0  # seconds between node status updates when nothing changes


def cluster_scoped(world: World, at: float) -> dict[str, list[Json]]:
    """Everything that does not depend on rollouts."""
    born = min(history.rollouts[0].at for history in world.course.histories.values())
    names = sorted({*_SYSTEM_NAMESPACES, *(service.namespace for service in world.topology.services)})
    found: dict[str, list[Json]] = {
        "namespaces": [_namespace(name, born) for name in names],
        "nodes": [_node(node, born, at) for node in world.nodes],
        "serviceaccounts": [_account("default", name, born) for name in names],
        "configmaps": [_root_certificate(name, born) for name in names],
        "secrets": [],
        "persistentvolumeclaims": [],
        "persistentvolumes": [],
        "storageclasses": [_storage_class(born)],
        "jobs": [],
        "cronjobs": [],
    }
    for service in world.topology.services:
        found["serviceaccounts"].append(_account(service.name, service.namespace, born))
        if service.config:
            found["configmaps"].append(_config(service, born))
        if service.secret:
            found["secrets"].append(_secret(service, born))
        if service.storage:
            claim, volume = _storage(service, born)
            found["persistentvolumeclaims"].append(claim)
            found["persistentvolumes"].append(volume)
    return found


def _namespace(name: str, born: float) -> Json:
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": metadata("Namespace", name, "", born, born, labels={"kubernetes.io/metadata.name": name}),
        "spec": {"finalizers": ["kubernetes"]},
        "status": {"phase": "Active"},
    }


def _node(node: Node, born: float, at: float) -> Json:
    beat = at - (at - born) % _HEARTBEAT
    memory = node.memory_gib * 1024 * 1024
    capacity = {
        "cpu": str(node.cpu),
        "ephemeral-storage": "103079844Ki",
        "hugepages-2Mi": "0",
        "memory": f"{memory}Ki",
        "pods": "110",
    }
    allocatable = {**capacity, "cpu": f"{node.cpu * 1000 - 80}m", "memory": f"{memory - 512 * 1024}Ki"}
    pressures = (
        ("MemoryPressure", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
        ("DiskPressure", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
        ("PIDPressure", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
    )
    conditions = [
        condition(kind, False, born, reason, message, lastHeartbeatTime=beat) for kind, reason, message in pressures
    ]
    conditions.append(
        condition("Ready", True, born, "KubeletReady", "kubelet is posting ready status", lastHeartbeatTime=beat)
    )
    index = int("".join(c for c in node.name if c.isdigit()) or 0)
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": metadata(
            "Node",
            node.name,
            "",
            born,
            beat,
            labels={
                "beta.kubernetes.io/arch": "amd64",
                "beta.kubernetes.io/os": "linux",
                "kubernetes.io/arch": "amd64",
                "kubernetes.io/hostname": node.name,
                "kubernetes.io/os": "linux",
                "topology.kubernetes.io/zone": node.zone,
                "topology.kubernetes.io/region": "region-1",
            },
            annotations={"node.alpha.kubernetes.io/ttl": "0"},
        ),
        "spec": {"podCIDR": f"10.244.{index}.0/24", "podCIDRs": [f"10.244.{index}.0/24"]},
        "status": {
            "capacity": capacity,
            "allocatable": allocatable,
            "conditions": conditions,
            "addresses": [
                {"type": "InternalIP", "address": host_ip(node.name)},
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
    }


def _account(name: str, namespace: str, born: float) -> Json:
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": metadata("ServiceAccount", name, namespace, born, born),
    }


def _root_certificate(namespace: str, born: float) -> Json:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata("ConfigMap", "kube-root-ca.crt", namespace, born, born),
        "data": {
            "ca.crt": "-----BEGIN CERTIFICATE-----\nbm90IGEgcmVhbCBjZXJ0aWZpY2F0ZQ==\n-----END CERTIFICATE-----\n"
        },
    }


def _config(service: Service, born: float) -> Json:
    name = f"{service.name}-config"
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata("ConfigMap", name, service.namespace, born, born, labels=common_labels(service)),
        "data": dict(service.config),
    }


def _secret(service: Service, born: float) -> Json:
    name = f"{service.name}-secrets"
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": metadata("Secret", name, service.namespace, born, born, labels=common_labels(service)),
        "data": {key: base64.b64encode(value.encode()).decode() for key, value in service.secret.items()},
        "type": "Opaque",
    }


def _storage_class(born: float) -> Json:
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": metadata(
            "StorageClass",
            "standard",
            "",
            born,
            born,
            annotations={"storageclass.kubernetes.io/is-default-class": "true"},
        ),
        "provisioner": "csi.sandbox.example",
        "reclaimPolicy": "Delete",
        "volumeBindingMode": "WaitForFirstConsumer",
        "allowVolumeExpansion": True,
    }


def _storage(service: Service, born: float) -> tuple[Json, Json]:
    claim_name = f"data-{service.name}-0"
    claim_uid = object_uid("PersistentVolumeClaim", service.namespace, claim_name)
    volume_name = f"pvc-{claim_uid}"
    common: Json = {"accessModes": ["ReadWriteOnce"], "storageClassName": "standard", "volumeMode": "Filesystem"}
    claim: Json = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": metadata(
            "PersistentVolumeClaim", claim_name, service.namespace, born, born, labels=common_labels(service)
        ),
        "spec": {**common, "resources": {"requests": {"storage": service.storage}}, "volumeName": volume_name},
        "status": {"phase": "Bound", "accessModes": ["ReadWriteOnce"], "capacity": {"storage": service.storage}},
    }
    volume: Json = {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": metadata("PersistentVolume", volume_name, "", born, born),
        "spec": {
            **common,
            "capacity": {"storage": service.storage},
            "persistentVolumeReclaimPolicy": "Delete",
            "csi": {"driver": "csi.sandbox.example", "volumeHandle": volume_name},
            "claimRef": {
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "namespace": service.namespace,
                "name": claim_name,
                "uid": claim_uid,
            },
        },
        "status": {"phase": "Bound", "lastPhaseTransitionTime": rfc3339(born)},
    }
    return claim, volume
