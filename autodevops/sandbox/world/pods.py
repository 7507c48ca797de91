"""Pods as the rest of the world sees them: which program runs where, and when it ran and served.

Everything is read from the versions that the cluster keeps of a Pod, with the exact moments of its writes.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from autodevops.sandbox.cluster.kubelet.lives import lives
from autodevops.sandbox.cluster.meta import controller_of
from autodevops.sandbox.cluster.store import Json, Version
from autodevops.sandbox.world.topology import Topology


@dataclass(frozen=True)
class Run:
    """One run of one container: `attempt` 0 is the first. `ended` (epoch s) is infinite while it lives."""

    container: str
    attempt: int
    started: float
    ended: float = math.inf
    code: int = 0
    reason: str = ""


@dataclass(frozen=True)
class Pod:
    """One pod. Two values are equal when they are the same pod, however much of its life they know.

    `service` is the program of the topology that runs in it, empty for another; `container` the container that does.
    `ready` are the spans (from, to) in which it served; `runs` those of all its containers in order of start.
    """

    uid: str
    name: str = field(compare=False)
    namespace: str = field(compare=False)
    service: str = field(compare=False)
    container: str = field(compare=False)
    version: str = field(compare=False)
    workload: str = field(compare=False)
    kind: str = field(compare=False)
    hash: str = field(compare=False)
    node: str = field(compare=False)
    ip: str = field(compare=False)
    created_at: float = field(compare=False)
    item: Json = field(compare=False, repr=False)
    deleted_at: float = field(default=math.inf, compare=False)
    ready_spans: tuple[tuple[float, float], ...] = field(default=(), compare=False)
    all_runs: tuple[Run, ...] = field(default=(), compare=False)

    @property
    def labels(self) -> dict[str, str]:
        return dict(self.item["metadata"].get("labels") or {})

    @property
    def spec(self) -> dict[str, Any]:
        spec: dict[str, Any] = self.item["spec"]
        return spec

    @property
    def main(self) -> Json:
        """The container that is the program (the first one of an unknown program)."""
        found: Json = next(one for one in self.spec["containers"] if one["name"] == self.container)
        return found

    @property
    def runs(self) -> tuple[Run, ...]:
        """The runs of the main container."""
        return tuple(run for run in self.all_runs if run.container == self.container)

    @property
    def ready_at(self) -> float:
        """When it first served; infinite if it has not."""
        return self.ready_spans[0][0] if self.ready_spans else math.inf

    def exists(self, at: float) -> bool:
        return self.created_at <= at < self.deleted_at

    def ready(self, at: float) -> bool:
        index = bisect_right(self.ready_spans, (at, math.inf)) - 1
        return index >= 0 and at < self.ready_spans[index][1]

    def run(self, at: float) -> Run | None:
        """The main container's run at a moment, or the last one before it."""
        return next((run for run in reversed(self.runs) if run.started <= at), None)


def split_image(image: str) -> tuple[str, str]:
    """(name without tag, tag): `registry.example/shop/payment:2.13.1`. Without a tag it is `latest`."""
    bare = image.partition("@")[0]
    if ":" in bare.rpartition("/")[2]:
        name, _, tag = bare.rpartition(":")
        return name, tag
    return bare, "latest"


def identify(topology: Topology, item: Json, created_at: float) -> Pod:
    """The pod of a Pod object, without its life."""
    meta, spec = item["metadata"], item["spec"]
    containers = spec["containers"]
    main = next(
        (one for one in containers if split_image(str(one["image"]))[0] in topology.by_repository), containers[0]
    )
    repository, tag = split_image(str(main["image"]))
    service = topology.by_repository.get(repository)
    owner = controller_of(item) or {"kind": "Pod", "name": meta["name"]}
    labels = meta.get("labels") or {}
    digest = str(labels.get("pod-template-hash") or labels.get("controller-revision-hash", "").rpartition("-")[2])
    kind, workload = str(owner["kind"]), str(owner["name"])
    if kind == "ReplicaSet" and digest and workload.endswith(f"-{digest}"):
        kind, workload = "Deployment", workload.removesuffix(f"-{digest}")
    return Pod(
        uid=str(meta["uid"]),
        name=str(meta["name"]),
        namespace=str(meta["namespace"]),
        service=service.name if service else "",
        container=str(main["name"]),
        version=tag,
        workload=workload,
        kind=kind,
        hash=digest,
        node=str(spec.get("nodeName", "")),
        ip=str(item.get("status", {}).get("podIP", "")),
        created_at=created_at,
        item=item,
    )


def pods_of(topology: Topology, versions: Sequence[Version]) -> list[Pod]:
    """The pods that bore one name, one after the other, each with its life."""
    last = {str(v.object["metadata"]["uid"]): v.object for v in versions if v.object is not None}
    return [
        replace(
            identify(topology, last[life.uid], life.created),
            deleted_at=_or_never(life.gone),
            ready_spans=tuple((start, _or_never(end)) for start, end in life.ready),
            all_runs=tuple(
                Run(one.container, one.attempt, one.started, _or_never(one.ended), one.code or 0, one.reason)
                for one in life.runs
            ),
        )
        for life in lives(versions)
    ]


def _or_never(moment: float | None) -> float:
    return math.inf if moment is None else moment
