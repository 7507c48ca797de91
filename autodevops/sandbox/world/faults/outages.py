"""Primitives for what is wrong under or beside Kubernetes: machines, components, registries, networks, disks."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, Literal

from pydantic import Field

from autodevops.sandbox.basics.moments import Seconds
from autodevops.sandbox.world.faults.changes import Primitive
from autodevops.sandbox.world.faults.effects import Effect, Outage


class _Outage(Primitive):
    target: str = ""

    def outage(self, origin: float, what: str, **more: Any) -> Outage:
        end = math.inf if self.until is None else origin + self.until
        return Outage(what, self.target, origin + self.onset, end, **more)


class NodeFault(_Outage):
    """Something of the node `target` (all nodes when empty) fails: `kubelet` stops, the container `runtime` is down,
    its `network` is cut, `kube-proxy` keeps old routes, `disk` or `memory` or `pids` run out, image `pulls` fail, or
    another tenant takes `amount` of its `cpu` (0 to 1)."""

    kind: Literal["node"]
    part: Literal["kubelet", "runtime", "network", "kube-proxy", "disk", "memory", "pids", "pulls", "cpu"]
    amount: float = Field(default=1.0, ge=0, le=1)

    def effects(self, origin: float) -> Iterator[Effect]:
        yield self.outage(origin, self.part, amount=self.amount)


class Component(_Outage):
    """A part of the control plane does not run: `kube-scheduler`, `kube-controller-manager` or `metrics-server`."""

    kind: Literal["component"]
    target: Literal["kube-scheduler", "kube-controller-manager", "metrics-server"]

    def effects(self, origin: float) -> Iterator[Effect]:
        yield self.outage(origin, "component")


class RegistryFault(_Outage):
    """Images whose name begins with `target` cannot be pulled: the registry is `unreachable`, does not resolve
    (`no-such-host`), refuses the credentials (`unauthorized`), or answers `too-many-requests`."""

    kind: Literal["registry"]
    failure: Literal["unreachable", "no-such-host", "unauthorized", "too-many-requests"]

    def effects(self, origin: float) -> Iterator[Effect]:
        yield self.outage(origin, "registry", message=self.failure)


class Link(_Outage):
    """The network between `target` and whoever calls it (or only calls from `callers`) loses `loss` of the packets and
    takes `delay` longer. `target` is a service (or only `pods` of its pods), or a node: then all pods on it."""

    kind: Literal["link"]
    loss: float = Field(default=0.0, ge=0, le=1)
    delay: Seconds = Field(default=0.0, ge=0)
    caller: str = ""
    pods: int = Field(default=0, ge=0)

    def effects(self, origin: float) -> Iterator[Effect]:
        yield self.outage(origin, "link", amount=self.loss, delay=self.delay, to=self.caller, pods=self.pods)


class Volume(_Outage):
    """The volume behind the claim `target` fills up to `used`, in `full_after`; once it is full, writes fail."""

    kind: Literal["volume"]
    full_after: Seconds = Field(default=0.0, ge=0)
    used: float = Field(default=1.0, gt=0, le=1)

    def effects(self, origin: float) -> Iterator[Effect]:
        yield self.outage(origin, "volume", amount=self.used, delay=self.full_after)


class Certificate(_Outage):
    """The certificate in the Secret `target` (of an Ingress, or of an external service) ends at `onset`."""

    kind: Literal["certificate"]

    def effects(self, origin: float) -> Iterator[Effect]:
        yield self.outage(origin, "certificate")


class Dns(_Outage):
    """Names do not resolve: the share `intensity` of look-ups fails, though CoreDNS runs (an upstream, a bad zone)."""

    kind: Literal["dns"]
    intensity: float = Field(default=1.0, gt=0, le=1)

    def effects(self, origin: float) -> Iterator[Effect]:
        yield self.outage(origin, "dns", amount=self.intensity)
