"""LimitRanger: what containers ask for when they say nothing, and what they may ask for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from autodevops.sandbox.basics.quantities import Quantity
from autodevops.sandbox.cluster.denied import forbidden
from autodevops.sandbox.cluster.requests import Amounts, amounts, pod_total
from autodevops.sandbox.cluster.store import Json, Store

_ANNOTATION = "kubernetes.io/limit-ranger"


def set_defaults(store: Store, pod: Json) -> None:
    """Fill in requests and limits that the namespace's LimitRanges have defaults for."""
    said: list[str] = []
    for rules in _rules(store, pod, "Container"):
        limits = {**(rules.get("max") or {}), **(rules.get("default") or {})}
        requests = {**(rules.get("min") or {}), **limits, **(rules.get("defaultRequest") or {})}
        for group, word in (("containers", "container"), ("initContainers", "init container")):
            for container in pod["spec"].get(group) or ():
                for which, values in (("requests", requests), ("limits", limits)):
                    added = _fill(container, which, values)
                    if added:
                        said.append(f"{', '.join(added)} {which[:-1]} for {word} {container['name']}")
    if said:
        annotations = pod["metadata"].get("annotations") or {}
        pod["metadata"]["annotations"] = {**annotations, _ANNOTATION: "LimitRanger plugin set: " + "; ".join(said)}


def check(store: Store, item: Json) -> None:
    """Raises Denied with every rule broken."""
    broken: list[str] = []
    if item["kind"] == "Pod":
        spec = item["spec"]
        for rules in _rules(store, item, "Container"):
            for container in [*spec.get("containers", ()), *(spec.get("initContainers") or ())]:
                resources = container.get("resources") or {}
                requests, limits = amounts(resources.get("requests")), amounts(resources.get("limits"))
                broken += _broken("Container", rules, requests, limits)
        for rules in _rules(store, item, "Pod"):
            broken += _broken("Pod", rules, pod_total(spec, "requests"), pod_total(spec, "limits"))
    elif item["kind"] == "PersistentVolumeClaim":
        requests = amounts((item["spec"].get("resources") or {}).get("requests"))
        for rules in _rules(store, item, "PersistentVolumeClaim"):
            broken += _broken_storage(rules, requests.get("storage", Quantity()))
    broken = [*dict.fromkeys(broken)]
    if broken:
        raise forbidden(item, broken[0] if len(broken) == 1 else f"[{', '.join(broken)}]")


def _rules(store: Store, item: Json, what: str) -> Iterable[Mapping[str, Any]]:
    for one in sorted(
        store.items("LimitRange", item["metadata"]["namespace"]), key=lambda one: one["metadata"]["name"]
    ):
        yield from (rules for rules in one["spec"].get("limits") or () if rules.get("type") == what)


def _fill(container: Json, which: str, values: Mapping[str, Any]) -> list[str]:
    resources = container.get("resources") or {}
    there = resources.get(which) or {}
    added = sorted(values.keys() - there.keys())
    if added:
        container["resources"] = {**resources, which: {**there, **{name: values[name] for name in added}}}
    return added


def _broken(what: str, rules: Mapping[str, Any], requests: Amounts, limits: Amounts) -> Iterable[str]:
    for name, least in sorted(amounts(rules.get("min")).items()):
        rule = f"minimum {name} usage per {what} is {least}"
        if name not in requests:
            yield f"{rule}.  No request is specified"
        elif requests[name] < least:
            yield f"{rule}, but request is {requests[name]}"
        elif name in limits and limits[name] < least:
            yield f"{rule}, but limit is {limits[name]}"
    for name, most in sorted(amounts(rules.get("max")).items()):
        rule = f"maximum {name} usage per {what} is {most}"
        if name not in limits:
            yield f"{rule}.  No limit is specified"
        elif limits[name] > most:
            yield f"{rule}, but limit is {limits[name]}"
        elif name in requests and requests[name] > most:
            yield f"{rule}, but request is {requests[name]}"
    for name, most in sorted(amounts(rules.get("maxLimitRequestRatio")).items()):
        rule = f"{name} max limit to request ratio per {what} is {most}"
        if name not in requests or not requests[name].value:
            yield f"{rule}, but no request is specified or request is 0"
        elif name not in limits or not limits[name].value:
            yield f"{rule}, but no limit is specified or limit is 0"
        elif (ratio := limits[name].value / requests[name].value) > most.value:
            yield f"{rule}, but provided ratio is {float(ratio):f}"


def _broken_storage(rules: Mapping[str, Any], request: Quantity) -> Iterable[str]:
    least, most = amounts(rules.get("min")).get("storage"), amounts(rules.get("max")).get("storage")
    if least is not None and request < least:
        yield f"minimum storage usage per PersistentVolumeClaim is {least}, but request is {request}"
    if most is not None and request > most:
        yield f"maximum storage usage per PersistentVolumeClaim is {most}, but request is {request}"
