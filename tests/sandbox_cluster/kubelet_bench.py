"""A cluster with nodes made by hand, for tests of what happens on them."""

from __future__ import annotations

from typing import Any

from autodevops.sandbox.cluster.cluster import Cluster
from autodevops.sandbox.cluster.store import Json, Key
from autodevops.sandbox.cluster.surroundings import PlainSurroundings

START = 1_760_000_000.0
BORN = START + 100.0
"""When tests create their pods."""


def cluster_of(surroundings: PlainSurroundings, *nodes: str, images: tuple[str, ...] = ()) -> Cluster:
    """A cluster with these nodes, each of which has these images."""
    cluster = Cluster(surroundings, START)
    for name in nodes:
        status: Json = {"images": [{"names": [image], "sizeBytes": 1} for image in images]}
        cluster.store.create({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}, "status": status})
    return cluster


def pod_of(name: str, node: str = "n1", container: Json | None = None, **spec: Any) -> Json:
    """A pod with one container `web`."""
    tolerations = [
        {"key": f"node.kubernetes.io/{key}", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}
        for key in ("not-ready", "unreachable")
    ]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "shop"},
        "spec": {
            "nodeName": node,
            "tolerations": tolerations,
            "containers": [{"name": "web", "image": "web:1", **(container or {})}],
            **spec,
        },
    }


def key_of_pod(name: str) -> Key:
    return Key("Pod", "shop", name)


def seen(cluster: Cluster, name: str, moment: float) -> Json | None:
    """A pod as it was at a moment."""
    pods = cluster.store.at("Pod", moment)
    return next((pod for pod in pods if pod["metadata"]["name"] == name), None)


def told(cluster: Cluster, name: str) -> list[str]:
    """All that was ever said of an object: `type reason message`."""
    events = [change.object for change in cluster.store.log if change.key.kind == "Event"]
    about = [event for event in events if event["involvedObject"]["name"] == name]
    return list(dict.fromkeys(f"{one['type']} {one['reason']} {one['message']}" for one in about))
