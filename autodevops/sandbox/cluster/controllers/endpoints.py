"""Which pods stand behind a Service: Endpoints and EndpointSlices, from selectors, ports and readiness.

Stands for two loops of the controller manager, endpoint-controller and endpointslice-controller, which look at the same
things at the same moments. Addresses of Services themselves are given at admission (`admitting/services`); Endpoints
written by hand are copied into slices by `endpoints_mirror`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from autodevops.sandbox.basics.hashing import uniform
from autodevops.sandbox.basics.moments import rfc3339
from autodevops.sandbox.cluster.admission import Denied, admit
from autodevops.sandbox.cluster.components import MANAGER, back_at
from autodevops.sandbox.cluster.meta import is_ready, matches, owner_reference
from autodevops.sandbox.cluster.store import Change, Json, Key, Store, key_of
from autodevops.sandbox.cluster.surroundings import Surroundings

MANAGED_BY = "endpointslice.kubernetes.io/managed-by"
_SLICER = "endpointslice-controller.k8s.io"
ENDPOINTS_BY = "endpoints.kubernetes.io/managed-by"
SERVICE_NAME = "kubernetes.io/service-name"
_HEADLESS = "service.kubernetes.io/headless"
_TRIGGER = "endpoints.kubernetes.io/last-change-trigger-time"
_MOST = 100  # endpoints in one slice


class EndpointPort(NamedTuple):
    """A port of a Service as one pod serves it."""

    name: str
    port: int
    protocol: str
    app_protocol: str = ""


class EndpointsController:
    name = "endpoints"
    kinds = ("Service", "Pod", "EndpointSlice", "Endpoints")

    def __init__(self, store: Store, surroundings: Surroundings) -> None:
        self._store, self._surroundings = store, surroundings

    def concerns(self, change: Change) -> Iterable[tuple[Key, float]]:
        key = change.key
        if key.kind == "Service":
            return [(key, 0.05)] if change.type != "MODIFIED" or _differs(change) else ()
        if key.kind == "Pod":
            return self._pod_changed(change)
        if key.kind == "EndpointSlice" and change.type == "DELETED":
            service = (change.object["metadata"].get("labels") or {}).get(SERVICE_NAME)
            return [(Key("Service", key.namespace, service), 0.1)] if service else ()
        if key.kind == "Endpoints" and change.type == "DELETED":
            return [(Key("Service", key.namespace, key.name), 0.1)]
        return ()

    def reconcile(self, key: Key) -> float | None:
        later = back_at(self._surroundings, MANAGER, self._store.now)
        if later is not None:
            return later
        service = self._store.get(*key)
        if service is None:
            self._store.remove(Key("Endpoints", key.namespace, key.name))
            for one in slices_of(self._store, key, _SLICER):
                self._store.remove(key_of(one))
            return None
        spec = service["spec"]
        if not spec.get("selector") or spec.get("type") == "ExternalName" or "deletionTimestamp" in service["metadata"]:
            return None
        chosen = [
            pod
            for pod in self._store.items("Pod", key.namespace)
            if _selects(service, pod) and pod.get("status", {}).get("podIP") and not _is_over(pod)
        ]
        chosen.sort(key=lambda pod: str(pod["metadata"]["name"]))
        try:
            self._write_endpoints(key, service, chosen)
            self._write_slices(key, service, chosen)
        except Denied:
            return self._store.now + 5.0
        return None

    def _pod_changed(self, change: Change) -> Iterable[tuple[Key, float]]:
        key, pod, before = change.key, change.object, change.before
        if change.type == "MODIFIED" and before is not None and _seen(before) == _seen(pod):
            return
        for service in self._store.items("Service", key.namespace):
            if _selects(service, pod) or (before is not None and _selects(service, before)):
                name = service["metadata"]["name"]
                yield Key("Service", key.namespace, name), 0.03 + 0.1 * uniform("endpoints", *key, change.id)

    def _write_endpoints(self, key: Key, service: Json, pods: Sequence[Json]) -> None:
        keep_all = bool(service["spec"].get("publishNotReadyAddresses"))
        by_port: dict[EndpointPort | None, tuple[list[Json], list[Json]]] = {}
        for pod in pods:
            if "deletionTimestamp" in pod["metadata"] and not keep_all:
                continue
            which = 0 if is_ready(pod) or keep_all else 1
            ports: list[EndpointPort | None] = [*ports_of(service, pod)]
            for port in ports or ([] if service["spec"].get("ports") else [None]):
                by_port.setdefault(port, ([], []))[which].append(_address(service, pod))
        subsets: list[Json] = []
        places: dict[str, Json] = {}
        for port, (ready, waiting) in by_port.items():
            same = repr((ready, waiting))
            if same not in places:
                groups = (("addresses", ready), ("notReadyAddresses", waiting))
                places[same] = {name: group for name, group in groups if group}
                subsets.append(places[same])
            if port is not None:  # a headless service without ports has addresses alone
                places[same].setdefault("ports", []).append(_port(port, named=bool(port.name)))
        labels = {**(service["metadata"].get("labels") or {}), ENDPOINTS_BY: "endpoint-controller"}
        if service["spec"].get("clusterIP") == "None":
            labels[_HEADLESS] = ""
        known = self._store.get("Endpoints", key.namespace, key.name)
        if known is None:
            meta: Json = {"name": key.name, "namespace": key.namespace, "labels": labels}
            meta["annotations"] = self._trigger()
            item = {"apiVersion": "v1", "kind": "Endpoints", "metadata": meta, "subsets": subsets}
            self._store.create(admit(self._store, item, "CREATE"))
        elif known.get("subsets") != subsets or (known["metadata"].get("labels") or {}) != labels:
            meta = {**known["metadata"], "labels": labels}
            meta["annotations"] = {**(meta.get("annotations") or {}), **self._trigger()}
            self._store.update({**known, "metadata": meta, "subsets": subsets})

    def _write_slices(self, key: Key, service: Json, pods: Sequence[Json]) -> None:
        groups: dict[tuple[EndpointPort, ...], list[Json]] = {}
        for pod in pods:
            groups.setdefault(tuple(ports_of(service, pod)), []).append(self._endpoint(service, pod))
        wanted = [(ports, part) for ports, all_of in groups.items() for part in _parts(all_of)]
        wanted = wanted or [((), [])]  # an empty slice says: this service was looked at
        there = slices_of(self._store, key, _SLICER)
        for ports, endpoints in wanted:
            written = [_port(port) for port in ports]
            fits = (one for one in there if one["ports"] == written)
            known = next(fits, None) or (there[0] if len(wanted) == 1 and there else None)
            if known is None:
                self._store.create(admit(self._store, self._slice(service, written, endpoints), "CREATE"))
                continue
            there.remove(known)
            if (known["ports"], known["endpoints"]) != (written, endpoints):
                meta = {**known["metadata"]}
                meta["annotations"] = {**(meta.get("annotations") or {}), **self._trigger()}
                self._store.update({**known, "metadata": meta, "ports": written, "endpoints": endpoints})
        for one in there:
            self._store.remove(key_of(one))

    def _slice(self, service: Json, ports: list[Json], endpoints: list[Json]) -> Json:
        meta = service["metadata"]
        labels = {**(meta.get("labels") or {}), MANAGED_BY: _SLICER, SERVICE_NAME: meta["name"]}
        if service["spec"].get("clusterIP") == "None":
            labels[_HEADLESS] = ""
        return {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {
                "generateName": f"{meta['name']}-",
                "namespace": meta["namespace"],
                "labels": labels,
                "annotations": self._trigger(),
                "ownerReferences": [owner_reference(service)],
            },
            "addressType": "IPv4",
            "endpoints": endpoints,
            "ports": ports,
        }

    def _endpoint(self, service: Json, pod: Json) -> Json:
        ready, leaving = is_ready(pod), "deletionTimestamp" in pod["metadata"]
        keep_all = bool(service["spec"].get("publishNotReadyAddresses"))
        address = _address(service, pod)
        endpoint: Json = {
            "addresses": [address["ip"]],
            "conditions": {
                "ready": keep_all or (ready and not leaving),
                "serving": ready or keep_all,
                "terminating": leaving,
            },
            "targetRef": address["targetRef"],
        }
        endpoint |= {name: address[name] for name in ("nodeName", "hostname") if name in address}
        node = self._store.get("Node", "", address.get("nodeName", ""))
        zone = (node["metadata"].get("labels") or {}).get("topology.kubernetes.io/zone") if node else None
        if zone:
            endpoint["zone"] = zone
        return endpoint

    def _trigger(self) -> dict[str, str]:
        return {_TRIGGER: rfc3339(self._store.now)}


def ports_of(service: Json, pod: Json) -> list[EndpointPort]:
    """The Service's ports as a pod serves them; a named target port no container has is left out."""
    found = []
    for port in service["spec"].get("ports") or ():
        protocol = port.get("protocol", "TCP")
        target = port.get("targetPort") or port["port"]
        number = target if isinstance(target, int) else _named(pod, str(target), protocol)
        if number is not None:
            found.append(EndpointPort(port.get("name", ""), number, protocol, port.get("appProtocol", "")))
    return found


def _parts(endpoints: list[Json]) -> Iterable[list[Json]]:
    return (endpoints[start : start + _MOST] for start in range(0, len(endpoints), _MOST))


def _named(pod: Json, name: str, protocol: str) -> int | None:
    spec = pod["spec"]
    sidecars = [one for one in spec.get("initContainers") or () if one.get("restartPolicy") == "Always"]
    for container in [*spec.get("containers", ()), *sidecars]:
        for port in container.get("ports") or ():
            if port.get("name") == name and port.get("protocol", "TCP") == protocol:
                return int(port["containerPort"])
    return None


def _port(port: EndpointPort, named: bool = True) -> Json:
    found: Json = {"name": port.name} if named else {}
    found |= {"port": port.port, "protocol": port.protocol}
    if port.app_protocol:
        found["appProtocol"] = port.app_protocol
    return found


def _address(service: Json, pod: Json) -> Json:
    meta, spec = pod["metadata"], pod["spec"]
    target = {"kind": "Pod", "namespace": meta["namespace"], "name": meta["name"], "uid": meta["uid"]}
    found: Json = {"ip": pod["status"]["podIP"], "targetRef": target}
    if spec.get("nodeName"):
        found["nodeName"] = spec["nodeName"]
    if spec.get("hostname") and spec.get("subdomain") == service["metadata"]["name"]:
        found["hostname"] = spec["hostname"]
    return found


def _selects(service: Json, pod: Json) -> bool:
    selector: Mapping[str, str] = service["spec"].get("selector") or {}
    return bool(selector) and matches({"matchLabels": selector}, pod["metadata"].get("labels") or {})


def _is_over(pod: Json) -> bool:
    return pod.get("status", {}).get("phase") in ("Succeeded", "Failed")


def _seen(pod: Json) -> tuple[Any, ...]:
    """What a Service sees of a pod."""
    meta, spec = pod["metadata"], pod["spec"]
    where = (pod.get("status", {}).get("podIP"), spec.get("nodeName"), spec.get("hostname"))
    return (meta.get("labels"), *where, is_ready(pod), "deletionTimestamp" in meta, _is_over(pod))


def _differs(change: Change) -> bool:
    before, item = change.before or {}, change.object
    same_labels = (before.get("metadata") or {}).get("labels") == item["metadata"].get("labels")
    return before.get("spec") != item.get("spec") or not same_labels


def slices_of(store: Store, service: Key, manager: str) -> list[Json]:
    """The EndpointSlices of a Service, or of Endpoints of its name, that one controller keeps."""
    return [
        one
        for one in store.items("EndpointSlice", service.namespace)
        if (labels := one["metadata"].get("labels") or {}).get(SERVICE_NAME) == service.name
        and labels.get(MANAGED_BY) == manager
    ]
