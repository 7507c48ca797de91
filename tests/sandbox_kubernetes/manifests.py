"""Ordinary manifests that tests change a little."""

from __future__ import annotations

import copy
from typing import Any

from autodevops.sandbox.cluster.store import Json


def node(name: str) -> Json:
    at = "2026-11-24T12:00:00Z"
    return {
        "kind": "Node",
        "apiVersion": "v1",
        "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name}},
        "spec": {},
        "status": {
            "capacity": {"cpu": "4", "memory": "8Gi", "pods": "110"},
            "allocatable": {"cpu": "4", "memory": "8Gi", "pods": "110"},
            "addresses": [{"type": "InternalIP", "address": "10.0.0.1"}, {"type": "Hostname", "address": name}],
            "conditions": [
                {"type": "Ready", "status": "True", "reason": "KubeletReady", "lastTransitionTime": at},
            ],
            "nodeInfo": {
                "kubeletVersion": "v1.34.2", "osImage": "Debian GNU/Linux 12 (bookworm)", "kernelVersion": "6.1.0",
                "containerRuntimeVersion": "containerd://2.1.4", "architecture": "amd64", "operatingSystem": "linux",
                "bootID": "b", "machineID": "m", "systemUUID": "s", "kubeProxyVersion": "",
            },
        },
    }  # fmt: skip


def pod(name: str, labels: dict[str, str] | None = None, *, on: str = "node-1", ready: bool = True) -> Json:
    """A pod as its kubelet would have it."""
    at = "2026-11-24T12:01:00Z"
    running = {"state": {"running": {"startedAt": at}}, "lastState": {}}
    return {
        "kind": "Pod",
        "apiVersion": "v1",
        "metadata": {"name": name, "namespace": "shop", "labels": labels or {"app": name}},
        "spec": {"nodeName": on, "containers": [{"name": "main", "image": "registry.example/app:1"}]},
        "status": {
            "phase": "Running",
            "podIP": "10.244.1.5",
            "startTime": at,
            "conditions": [{"type": "Ready", "status": str(ready)}],
            "containerStatuses": [
                {"name": "main", "image": "registry.example/app:1", "imageID": "", "ready": ready, "restartCount": 0}
                | running
            ],
        },
    }


def deployment(name: str, replicas: int = 2, **spec: Any) -> Json:
    labels = {"app": name}
    return {
        "kind": "Deployment",
        "apiVersion": "apps/v1",
        "metadata": {"name": name, "namespace": "shop", "labels": dict(labels)},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": dict(labels)},
            "template": {
                "metadata": {"labels": dict(labels)},
                "spec": {"containers": [{"name": name, "image": f"registry.example/{name}:1.0.0"}]},
            },
            **spec,
        },
    }


def changed(item: Json, path: str, value: Any) -> Json:
    """A copy with another value at a dotted path; None takes it away."""
    found = copy.deepcopy(item)
    here: Any = found
    *steps, last = path.split(".")
    for step in steps:
        here = here[int(step)] if isinstance(here, list) else here.setdefault(step, {})
    if value is None:
        del here[last]
    else:
        here[int(last) if isinstance(here, list) else last] = value
    return found
