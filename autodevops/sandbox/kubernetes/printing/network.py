"""Rows of Services and what is around them."""

from __future__ import annotations

from typing import Any

from autodevops.sandbox.cluster.store import Json
from autodevops.sandbox.kubernetes.printing.text import NONE, UNSET, age, few, name, pairs, selector, spec, status


def service(item: Json, now: float) -> list[Any]:
    wanted = spec(item)
    ports = ",".join(
        f"{one['port']}{':' + str(one['nodePort']) if one.get('nodePort') else ''}/{one.get('protocol', 'TCP')}"
        for one in wanted.get("ports") or ()
    )
    address = wanted.get("clusterIP") or NONE
    return [
        name(item), wanted.get("type", ""), address, _external(item), ports or NONE, age(item, now),
        pairs(wanted.get("selector")),
    ]  # fmt: skip


def _external(item: Json) -> str:
    wanted = spec(item)
    given = wanted.get("externalIPs") or []
    match wanted.get("type"):
        case "ExternalName":
            return str(wanted.get("externalName", ""))
        case "LoadBalancer":
            found = (status(item).get("loadBalancer") or {}).get("ingress") or []
            addresses = [one.get("ip") or one.get("hostname") or "" for one in found] + given
            return ",".join(addresses) or "<pending>"
        case _:
            return ",".join(given) or NONE


def endpoints(item: Json, now: float) -> list[Any]:
    found = [
        f"{address['ip']}:{port['port']}" if port else address["ip"]
        for subset in item.get("subsets") or ()
        for port in subset.get("ports") or (None,)
        for address in subset.get("addresses") or ()
    ]
    return [name(item), few(found), age(item, now)]


def endpoint_slice(item: Json, now: float) -> list[Any]:
    ports = few(str(one.get("port", "*")) for one in item.get("ports") or ())
    addresses = [address for one in item.get("endpoints") or () for address in one.get("addresses") or ()]
    shown = ports if item.get("ports") else UNSET
    return [name(item), item.get("addressType", ""), shown, few(addresses) if addresses else UNSET, age(item, now)]


def ingress(item: Json, now: float) -> list[Any]:
    wanted = spec(item)
    hosts = [one.get("host") or "*" for one in wanted.get("rules") or ()]
    found = (status(item).get("loadBalancer") or {}).get("ingress") or []
    addresses = ",".join(one.get("ip") or one.get("hostname") or "" for one in found)
    return [
        name(item), wanted.get("ingressClassName") or NONE, few(hosts) if hosts else "*", addresses,
        "80, 443" if wanted.get("tls") else "80", age(item, now),
    ]  # fmt: skip


def ingress_class(item: Json, now: float) -> list[Any]:
    parameters = spec(item).get("parameters")
    shown = NONE
    if parameters:
        group = f".{parameters['apiGroup']}" if parameters.get("apiGroup") else ""
        shown = f"{parameters.get('kind')}{group}/{parameters.get('name')}"
    return [name(item), spec(item).get("controller", ""), shown, age(item, now)]


def network_policy(item: Json, now: float) -> list[Any]:
    return [name(item), selector(spec(item).get("podSelector")), age(item, now)]
