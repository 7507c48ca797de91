"""Addresses of Services, given by the API server itself; and the default class of Ingresses."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address

from autodevops.sandbox.basics.hashing import number
from autodevops.sandbox.cluster.denied import invalid
from autodevops.sandbox.cluster.store import Json, Store

_FIRST, _COUNT = int(IPv4Address("10.96.0.0")), 1 << 16  # the service network, 10.96.0.0/16
_RESERVED = 16  # the first addresses are for services of the system, such as 10.96.0.1 and 10.96.0.10
_NODE_PORTS = range(30000, 32768)
_DEFAULT_INGRESS = "ingressclass.kubernetes.io/is-default-class"


def allocate(store: Store, service: Json, before: Json | None = None) -> None:
    """Give a Service its addresses and node ports; it keeps those it had. Raises Denied when one it wants is taken."""
    spec = service["spec"]
    kind = spec.setdefault("type", "ClusterIP")
    if kind == "ExternalName":
        for field in ("clusterIP", "clusterIPs"):
            spec.pop(field, None)
        return
    was = (before or {}).get("spec", {})
    meta = service["metadata"]
    others = [
        one
        for one in store.items("Service")
        if (one["metadata"].get("namespace"), one["metadata"]["name"]) != (meta.get("namespace"), meta.get("name"))
    ]
    spec.setdefault("sessionAffinity", "None")
    spec["clusterIP"] = spec.get("clusterIP") or was.get("clusterIP") or ""
    if spec["clusterIP"] == "None":
        spec["clusterIPs"] = ["None"]
        _families(spec)
        return
    _cluster_ip(service, others, kept=spec["clusterIP"] == was.get("clusterIP"))
    _families(spec)
    spec.setdefault("internalTrafficPolicy", "Cluster")
    if kind in ("NodePort", "LoadBalancer"):
        spec.setdefault("externalTrafficPolicy", "Cluster")
        if kind == "LoadBalancer":
            spec.setdefault("allocateLoadBalancerNodePorts", True)
        if kind == "NodePort" or spec["allocateLoadBalancerNodePorts"]:
            _node_ports(service, others, was.get("ports") or ())
    else:
        for port in spec.get("ports") or ():
            port.pop("nodePort", None)


def set_ingress_class(store: Store, ingress: Json) -> None:
    """DefaultIngressClass."""
    old = "kubernetes.io/ingress.class" in (ingress["metadata"].get("annotations") or {})
    if old or ingress["spec"].get("ingressClassName") is not None:
        return
    names = sorted(
        one["metadata"]["name"]
        for one in store.items("IngressClass")
        if (one["metadata"].get("annotations") or {}).get(_DEFAULT_INGRESS) == "true"
    )
    if names:
        ingress["spec"]["ingressClassName"] = names[0]


def _cluster_ip(service: Json, others: list[Json], kept: bool) -> None:
    spec, meta = service["spec"], service["metadata"]
    taken = {ip for one in others for ip in [one["spec"].get("clusterIP"), *(one["spec"].get("clusterIPs") or ())]}
    if not spec["clusterIP"]:
        spec["clusterIP"] = next(ip for ip in _addresses(meta) if ip not in taken)
    elif not kept and spec["clusterIP"] in taken:
        ip = spec["clusterIP"]
        text = f"failed to allocate IP {ip}: provided IP is already allocated"
        raise invalid(service, [f'spec.clusterIPs: Invalid value: ["{ip}"]: {text}'])
    spec["clusterIPs"] = [spec["clusterIP"]]


def _addresses(meta: Json) -> Iterator[str]:
    start = number("cluster-ip", meta.get("namespace"), meta.get("name"))
    room = _COUNT - _RESERVED - 1
    for step in range(room):
        yield str(IPv4Address(_FIRST + _RESERVED + (start + step) % room))


def _node_ports(service: Json, others: list[Json], before: object) -> None:
    meta = service["metadata"]
    had = {(one.get("protocol", "TCP"), one["port"]): one.get("nodePort") for one in before}  # type: ignore[attr-defined]
    taken = {
        (port.get("protocol", "TCP"), port["nodePort"])
        for one in others
        for port in one["spec"].get("ports") or ()
        if port.get("nodePort")
    }
    for index, port in enumerate(service["spec"].get("ports") or ()):
        protocol = port.get("protocol", "TCP")
        wanted = port.get("nodePort") or had.get((protocol, port["port"]))
        if wanted and (protocol, wanted) in taken:
            text = f"spec.ports[{index}].nodePort: Invalid value: {wanted}: provided port is already allocated"
            raise invalid(service, [text])
        if wanted and wanted not in _NODE_PORTS:
            text = "provided port is not in the valid range. The range of valid ports is 30000-32767"
            raise invalid(service, [f"spec.ports[{index}].nodePort: Invalid value: {wanted}: {text}"])
        if not wanted:
            start = number("node-port", meta.get("namespace"), meta.get("name"), protocol, port["port"])
            order = (_NODE_PORTS[(start + step) % len(_NODE_PORTS)] for step in range(len(_NODE_PORTS)))
            wanted = next(one for one in order if (protocol, one) not in taken)
        port["nodePort"] = wanted
        taken.add((protocol, wanted))


def _families(spec: Json) -> None:
    spec.setdefault("ipFamilies", ["IPv4"])
    spec.setdefault("ipFamilyPolicy", "SingleStack")
