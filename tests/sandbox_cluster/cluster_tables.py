"""Objects in short form for the tables of cases beside the tests."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from autodevops.sandbox.cluster.kinds import KINDS
from autodevops.sandbox.cluster.store import Json, Store

START = 1_000_000.0


def table(name: str) -> dict[str, Any]:
    """A YAML file beside the tests."""
    found: dict[str, Any] = yaml.safe_load((Path(__file__).parent / name).read_text())
    return found


def whole(short: Json) -> Json:
    """An object in full: `{Pod: shop/web, labels: {...}, spec: {...}, status: {...}}`."""
    short = copy.deepcopy(short)
    kind = next(name for name in short if name in KINDS)
    namespace, _, name = str(short.pop(kind)).rpartition("/")
    meta: Json = {"name": name}
    if KINDS[kind].namespaced:
        meta["namespace"] = namespace or "shop"
    for field in ("labels", "annotations", "finalizers", "deletionTimestamp", "ownerReferences", "uid"):
        if field in short:
            meta[field] = short.pop(field)
    return {"apiVersion": KINDS[kind].api_version, "kind": kind, "metadata": meta, **short}


def pod(short: Json) -> Json:
    """A pod; `cpu` and `memory` are the requests of its one container, other fields belong to the spec."""
    short = copy.deepcopy(short)
    spec: Json = dict(short.pop("spec", {}))
    requests = {name: short.pop(name) for name in ("cpu", "memory") if name in short}
    more = short.pop("requests", {})
    container = {"name": "app", "image": "example/app:1", "resources": {"requests": {**requests, **more}}}
    if "ports" in short:
        container["ports"] = short.pop("ports")
    spec.setdefault("containers", [container])
    for field in [*short]:
        if field not in KINDS and field not in ("labels", "annotations", "status", "ownerReferences", "uid"):
            spec[field] = short.pop(field)
    return whole({**short, "spec": spec})


def node(short: Json) -> Json:
    """A node; `cpu`, `memory`, `pods` and `room` are allocatable."""
    short = copy.deepcopy(short)
    room = {"cpu": "2", "memory": "4Gi", "pods": "110", **short.pop("room", {})}
    room |= {name: str(short.pop(name)) for name in ("cpu", "memory", "pods") if name in short}
    spec = {name: short.pop(name) for name in ("taints", "unschedulable") if name in short}
    labels = {"kubernetes.io/hostname": short["Node"], **short.pop("labels", {})}
    return whole({**short, "labels": labels, "spec": spec, "status": {"allocatable": room, "capacity": room}})


def fill(store: Store, shorts: Iterable[Json]) -> None:
    """Put objects in short form into a store."""
    for short in shorts:
        make = pod if "Pod" in short else node if "Node" in short else whole
        store.create(make(short))


def events(store: Store, about: str = "") -> list[str]:
    """`Reason: message` of all events, or of those about one object."""
    return [
        f"{one['reason']}: {one['message']}"
        for one in store.items("Event")
        if not about or one["involvedObject"]["name"] == about
    ]
