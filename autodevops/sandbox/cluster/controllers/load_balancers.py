"""The cloud's half of a Service of type LoadBalancer: an address after a while, given back when it is not needed.

It works while the surroundings run a `cloud-controller-manager`; without one such Services stay pending for ever.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.sandbox.basics.hashing import number, uniform
from autodevops.sandbox.cluster.components import back_at
from autodevops.sandbox.cluster.recorder import Recorder
from autodevops.sandbox.cluster.store import Change, Json, Key, Store
from autodevops.sandbox.cluster.surroundings import Surroundings

_FINALIZER = "service.kubernetes.io/load-balancer-cleanup"


class LoadBalancers:
    name = "service-lb"
    kinds = ("Service",)

    def __init__(self, store: Store, surroundings: Surroundings) -> None:
        self._store, self._surroundings = store, surroundings
        self._recorder = Recorder(store, "service-controller")
        self._ready: dict[str, float] = {}
        """When an address will be there, by the Service's uid."""

    def concerns(self, change: Change) -> Iterable[tuple[Key, float]]:
        item = change.object
        if change.key.kind != "Service" or change.type == "DELETED":
            return ()
        ours = item["spec"].get("type") == "LoadBalancer" and not item["spec"].get("loadBalancerClass")
        return [(change.key, 0.1)] if ours or _FINALIZER in (item["metadata"].get("finalizers") or ()) else ()

    def reconcile(self, key: Key) -> float | None:
        service = self._store.get(*key)
        if service is None:
            return None
        later = back_at(self._surroundings, "cloud-controller-manager", self._store.now)
        if later is not None:
            return later
        wanted = service["spec"].get("type") == "LoadBalancer" and "deletionTimestamp" not in service["metadata"]
        there = bool((service.get("status", {}).get("loadBalancer") or {}).get("ingress"))
        if not wanted:
            self._give_back(key, service)
            return None
        if there:
            return None
        uid = service["metadata"]["uid"]
        if uid not in self._ready:
            self._ready[uid] = self._store.now + 15.0 + 30.0 * uniform("load-balancer", uid)
            if _FINALIZER not in (service["metadata"].get("finalizers") or ()):
                self._store.edit(key, lambda one: one["metadata"].setdefault("finalizers", []).append(_FINALIZER))
            self._recorder.normal(service, "EnsuringLoadBalancer", "Ensuring load balancer")
        if self._store.now < self._ready[uid]:
            return self._ready[uid]
        # 203.0.113.0/24 is set aside for documentation.
        ip = service["spec"].get("loadBalancerIP") or f"203.0.113.{1 + number('load-balancer', *key) % 254}"
        status = {"loadBalancer": {"ingress": [{"ip": ip, "ipMode": "VIP"}]}}
        self._store.edit(key, lambda one: one.setdefault("status", {}).update(status))
        self._recorder.normal(service, "EnsuredLoadBalancer", "Ensured load balancer")
        return None

    def _give_back(self, key: Key, service: Json) -> None:
        if _FINALIZER not in (service["metadata"].get("finalizers") or ()):
            return
        self._ready.pop(service["metadata"]["uid"], None)
        self._recorder.normal(service, "DeletingLoadBalancer", "Deleting load balancer")

        def clean(one: Json) -> None:
            one["metadata"]["finalizers"].remove(_FINALIZER)
            one["status"] = {"loadBalancer": {}}

        self._store.edit(key, clean)
        self._recorder.normal(service, "DeletedLoadBalancer", "Deleted load balancer")
