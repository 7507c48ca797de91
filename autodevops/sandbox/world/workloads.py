"""Workloads over time: rollouts and pods as the workload controllers would have made them.

`replay` takes everything done to one workload, in order of time, and returns all rollouts and pods there ever were,
with the moments at which each was created, became ready and went. It is the only place that decides which pods exist.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from autodevops.sandbox.basics import hashing
from autodevops.sandbox.world.primitives import PullRequestText
from autodevops.sandbox.world.templates import Json, template_hash, template_version
from autodevops.sandbox.world.topology import Node, Service

_START_SECONDS = {"java": 9.0, "dotnet": 7.0, "python": 6.0, "nodejs": 5.0, "go": 3.0, "none": 4.0}


@dataclass(frozen=True)
class Rollout:
    """One revision of a workload, from `at` (epoch seconds) on. `commit` is the Git commit it was built from."""

    service: str
    revision: int
    at: float
    version: str
    image: str
    hash: str
    commit: str
    cause: str
    previous_version: str
    template: Json = field(repr=False, compare=False)
    pull_request: PullRequestText | None = None
    annotations: dict[str, str] = field(default_factory=dict, repr=False, compare=False)
    released: bool = True
    """False when an image released before was put back (a rollback) or started anew (a restart)."""


@dataclass(frozen=True)
class Pod:
    """One pod: there from `created_at` until `deleted_at` (epoch seconds, infinite while it lives), serving from
    `ready_at`."""

    name: str
    namespace: str
    service: str
    uid: str
    node: str
    ip: str
    version: str
    hash: str
    created_at: float
    ready_at: float
    template: Json = field(repr=False, compare=False)
    deleted_at: float = math.inf

    def exists(self, at: float) -> bool:
        return self.created_at <= at < self.deleted_at

    def ready(self, at: float) -> bool:
        return self.ready_at <= at < self.deleted_at


@dataclass(frozen=True)
class Rolled:
    """Input: a new template from `at` on. `undo` puts back the previous revision's template instead."""

    at: float
    template: Json | None = None
    commit: str = ""
    cause: str = ""
    pull_request: PullRequestText | None = None
    annotations: dict[str, str] | None = None
    undo: bool = False


@dataclass(frozen=True)
class Scaled:
    """Input: another number of replicas from `at` on."""

    at: float
    replicas: int


@dataclass(frozen=True)
class PodDeleted:
    """Input: somebody deleted this pod at `at`."""

    at: float
    pod: str


Input = Rolled | Scaled | PodDeleted


@dataclass(frozen=True)
class History:
    """Everything that was and is of one workload. `scalings` are (epoch seconds, replicas)."""

    service: Service
    rollouts: tuple[Rollout, ...]
    pods: tuple[Pod, ...]
    scalings: tuple[tuple[float, int], ...]

    def rollout(self, at: float) -> Rollout | None:
        """The revision wanted at a moment."""
        return next((rollout for rollout in reversed(self.rollouts) if rollout.at <= at), None)

    def replicas(self, at: float) -> int:
        """How many pods are wanted at a moment."""
        return next((count for when, count in reversed(self.scalings) if when <= at), 0)


def replay(service: Service, nodes: Sequence[Node], index: int, seed: int, inputs: Sequence[Input]) -> History:
    """All rollouts and pods that follow from `inputs`. `index` tells workloads apart when addresses are given out."""
    controller = _Controller(service, nodes, index, seed)
    for entry in sorted(inputs, key=lambda one: one.at):
        controller.take(entry)
    pods = tuple(sorted(controller.pods, key=lambda pod: (pod.created_at, pod.name)))
    return History(service, tuple(controller.rollouts), pods, tuple(controller.scalings))


class _Controller:
    def __init__(self, service: Service, nodes: Sequence[Node], index: int, seed: int) -> None:
        self.service, self.nodes, self.index, self.seed = service, nodes, index, seed
        self.rollouts: list[Rollout] = []
        self.pods: list[Pod] = []
        self.scalings: list[tuple[float, int]] = []
        self.made = 0

    def take(self, entry: Input) -> None:
        match entry:
            case Rolled():
                self._roll(entry)
            case Scaled(at, replicas):
                self.scalings.append((at, replicas))
            case PodDeleted(at, name):
                self.pods = [replace(p, deleted_at=at) if p.name == name and p.exists(at) else p for p in self.pods]
        if self.rollouts and self.scalings:
            self._reconcile(entry.at)

    def _roll(self, entry: Rolled) -> None:
        template = entry.template
        annotations = entry.annotations or {}
        commit, cause = entry.commit, entry.cause
        if entry.undo or template is None:
            if len(self.rollouts) < 2:
                return
            back = next((r for r in reversed(self.rollouts) if r.hash != self.rollouts[-1].hash), self.rollouts[0])
            template, commit, cause, annotations = back.template, back.commit, back.cause, back.annotations
        digest, version = template_hash(template), template_version(template)
        previous = self.rollouts[-1].version if self.rollouts else ""
        released = all(rollout.version != version for rollout in self.rollouts)
        self.rollouts.append(
            Rollout(
                service=self.service.name,
                revision=len(self.rollouts) + 1,
                at=entry.at,
                version=version,
                image=str(template["spec"]["containers"][0].get("image", "")),
                hash=digest,
                commit=commit,
                cause=cause,
                previous_version=previous,
                template=template,
                pull_request=entry.pull_request,
                annotations=annotations,
                released=released,
            )
        )

    def _reconcile(self, at: float) -> None:
        """Plan from `at` on: what was planned for later and has not begun is forgotten."""
        wanted, replicas = self.rollouts[-1], self.scalings[-1][1]
        self.pods = [
            replace(pod, deleted_at=math.inf) if math.isfinite(pod.deleted_at) and pod.deleted_at > at else pod
            for pod in self.pods
            if pod.created_at <= at
        ]
        live = [pod for pod in self.pods if pod.exists(at)]
        if self.service.kind == "DaemonSet":
            replicas = len(self.nodes)
        surplus = len(live) - replicas
        if surplus > 0:
            leaving = sorted(live, key=lambda pod: (pod.hash == wanted.hash, -pod.created_at))[:surplus]
            for pod in leaving:
                self._end(pod, at + 0.4)
            live = [pod for pod in live if pod not in leaving]
        moment = at + (0.6 if self.scalings[0][0] < at else 0.0)
        for _ in range(-surplus):
            live.append(self._create(moment, wanted, self._free_name(live)))
        stale = [pod for pod in live if pod.hash != wanted.hash]
        for pod in stale:
            if self.service.kind == "Deployment":
                fresh = self._create(moment, wanted, "")
                self._end(pod, fresh.ready_at + 0.3)
            else:
                self._end(pod, moment)
                fresh = self._create(moment + 1.5, wanted, pod.name)
            moment = fresh.ready_at + 0.8

    def _end(self, pod: Pod, at: float) -> None:
        self.pods = [replace(one, deleted_at=at) if one is pod else one for one in self.pods]

    def _free_name(self, live: Sequence[Pod]) -> str:
        if self.service.kind != "StatefulSet":
            return ""
        taken = {pod.name for pod in live}
        ordinal = next(number for number in range(len(live) + 1) if f"{self.service.name}-{number}" not in taken)
        return f"{self.service.name}-{ordinal}"

    def _create(self, at: float, rollout: Rollout, name: str) -> Pod:
        service = self.service
        key = (self.seed, service.name, self.made)
        if not name:
            suffix = hashing.safe_name(5, "pod", *key)
            owner = f"{service.name}-{rollout.hash}" if service.kind == "Deployment" else service.name
            name = f"{owner}-{suffix}"
        if service.kind == "DaemonSet":
            place = self.made % len(self.nodes)
        else:
            place = (self.index + self.made) % len(self.nodes)
        start = _START_SECONDS[service.language] * (0.8 + 0.5 * hashing.uniform("start", *key))
        address = self.index * 16 + self.made % 16
        pod = Pod(
            name=name,
            namespace=service.namespace,
            service=service.name,
            uid=hashing.uid("pod", *key),
            node=self.nodes[place].name,
            ip=f"10.244.{place + 1}.{address % 250 + 2}",
            version=rollout.version,
            hash=rollout.hash,
            created_at=at,
            ready_at=at + start,
            template=rollout.template,
        )
        self.made += 1
        self.pods.append(pod)
        return pod
