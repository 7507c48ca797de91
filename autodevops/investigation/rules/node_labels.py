"""Which nodes a pod may run on by their labels and size, as Kubernetes evaluates nodeSelector, required node affinity
and requests.

All of nodeSelector must match, and any one of the affinity's terms; a term matches where all its expressions do, and an
empty one never does. Fields of a node are its name alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from autodevops.domain.quantity import quantity_or
from autodevops.investigation.inventory import Object, items, metadata, name_of, section

_REQUIRED = ("affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution")


def is_choosy(spec: Object) -> bool:
    return bool(section(spec, "nodeSelector") or section(spec, *_REQUIRED))


def matches(spec: Object, node: Object) -> bool:
    """Whether the node has the labels that the pod wants, whatever else speaks against it."""
    return _selected(spec, node) and _preferred(spec, node)


def could_take(spec: Object, node: Object) -> bool:
    """Whether the node has these labels, and would be large enough if it were empty. An unknown size is enough."""
    room = section(node, "status", "allocatable")
    asked: dict[str, float] = {}
    for container in items(spec, "containers"):
        for key, value in section(container, "resources", "requests").items():
            asked[key] = asked.get(key, 0.0) + quantity_or(value)
    return matches(spec, node) and all(amount <= quantity_or(room.get(key), math.inf) for key, amount in asked.items())


def is_cordoned(node: Object) -> bool:
    return bool(section(node, "spec").get("unschedulable"))


def is_tainted(node: Object) -> bool:
    """Whether it has a taint that people gave it and that keeps pods away; the control plane's own is none."""
    return any(
        taint.get("effect") != "PreferNoSchedule"
        and not str(taint.get("key", "")).startswith(("node.kubernetes.io/", "node-role.kubernetes.io/"))
        for taint in items(node, "spec", "taints")
    )


def is_control_plane(node: Object) -> bool:
    return any(f"node-role.kubernetes.io/{role}" in _labels(node) for role in ("control-plane", "master"))


def wants(spec: Object, nodes: Iterable[Object]) -> tuple[list[str], bool]:
    """What the pod wants of labels and no node has, and whether nodeSelector (else affinity) is what fails."""
    known = list(nodes)
    selector = section(spec, "nodeSelector")
    lacking = [
        f"{key}={value}"
        for key, value in sorted(selector.items())
        if not any(_labels(node).get(key) == value for node in known)
    ]
    terms = items(spec, *_REQUIRED, "nodeSelectorTerms")
    if lacking or (selector and not terms):
        return lacking or [f"{key}={value}" for key, value in sorted(selector.items())], True
    if selector and known and not any(_selected(spec, node) for node in known):
        return [f"{key}={value}" for key, value in sorted(selector.items())], True
    told = [
        _told(expression)
        for term in terms
        for expression in (*items(term, "matchExpressions"), *items(term, "matchFields"))
        if not any(_meets(expression, _labels(node)) or _meets(expression, _fields(node)) for node in known)
    ]
    return told or [_told(one) for term in terms for one in items(term, "matchExpressions")], False


def _selected(spec: Object, node: Object) -> bool:
    return all(_labels(node).get(key) == value for key, value in section(spec, "nodeSelector").items())


def _preferred(spec: Object, node: Object) -> bool:
    if not section(spec, *_REQUIRED):
        return True
    return any(_term(term, node) for term in items(spec, *_REQUIRED, "nodeSelectorTerms"))


def _term(term: Object, node: Object) -> bool:
    labels, fields = items(term, "matchExpressions"), items(term, "matchFields")
    met = all(_meets(one, _labels(node)) for one in labels) and all(_meets(one, _fields(node)) for one in fields)
    return bool(labels or fields) and met


def _meets(expression: Mapping[str, Any], labels: Mapping[str, Any]) -> bool:
    key, values = str(expression.get("key", "")), [str(value) for value in expression.get("values") or []]
    has = labels.get(key)
    match expression.get("operator"):
        case "In":
            return has is not None and str(has) in values
        case "NotIn":
            return has is None or str(has) not in values
        case "Exists":
            return has is not None
        case "DoesNotExist":
            return has is None
        case "Gt" | "Lt" as operator:
            try:
                number, bound = int(str(has)), int(values[0])
            except (ValueError, IndexError):
                return False
            return number > bound if operator == "Gt" else number < bound
    return False


def _told(expression: Mapping[str, Any]) -> str:
    values = ", ".join(str(value) for value in expression.get("values") or [])
    return " ".join(part for part in (str(expression.get("key")), str(expression.get("operator")), values) if part)


def _labels(node: Object) -> Mapping[str, Any]:
    found = metadata(node).get("labels")
    return found if isinstance(found, dict) else {}


def _fields(node: Object) -> Mapping[str, Any]:
    return {"metadata.name": name_of(node)}
