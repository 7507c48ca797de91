"""Label and field selectors, parsed and judged as the API server does."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from autodevops.sandbox.cluster.store import Json
from autodevops.sandbox.kubernetes.resources import Resource
from autodevops.sandbox.kubernetes.status import bad_request

Test = Callable[[Json], bool]

_KEY = r"[A-Za-z0-9](?:[-A-Za-z0-9_./]*[A-Za-z0-9])?"
_SET = re.compile(rf"({_KEY})\s+(in|notin)\s+\(([^()]*)\)")
_COMPARE = re.compile(rf"({_KEY})\s*(==|=|!=)\s*([A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?)?")
_EXISTS = re.compile(rf"(!?)\s*({_KEY})")

_FIELDS: dict[str, tuple[str, ...]] = {
    "Pod": (
        "spec.hostNetwork", "spec.nodeName", "spec.restartPolicy", "spec.schedulerName", "spec.serviceAccountName",
        "status.nominatedNodeName", "status.phase", "status.podIP",
    ),
    "Event": (
        "involvedObject.kind", "involvedObject.namespace", "involvedObject.name", "involvedObject.uid",
        "involvedObject.apiVersion", "involvedObject.resourceVersion", "involvedObject.fieldPath", "reason", "type",
        "source", "reportingComponent", "regarding.kind", "regarding.namespace", "regarding.name", "regarding.uid",
        "reportingController",
    ),
    "Namespace": ("status.phase",),
    "Node": ("spec.unschedulable",),
    "ReplicaSet": ("status.replicas",),
    "ReplicationController": ("status.replicas",),
    "Secret": ("type",),
    "Job": ("status.successful",),
}  # fmt: skip


def label_selector(text: str) -> Test:
    """The test of a label selector. Raises Refused (400)."""
    tests = [_requirement(part.strip(), text) for part in _split(text) if part.strip()]
    return lambda item: all(test(item["metadata"].get("labels") or {}) for test in tests)


def _split(text: str) -> list[str]:
    """Parts between commas that are not inside brackets."""
    return re.split(r",(?![^(]*\))", text)


def _requirement(part: str, whole: str) -> Callable[[dict[str, str]], bool]:
    if match := _SET.fullmatch(part):
        key, operator, values = match[1], match[2], {value.strip() for value in match[3].split(",")}
        if operator == "in":
            return lambda labels: labels.get(key) in values
        return lambda labels: labels.get(key) not in values
    if match := _COMPARE.fullmatch(part):
        key, operator, value = match[1], match[2], match[3] or ""
        if operator == "!=":
            return lambda labels: labels.get(key) != value
        return lambda labels: labels.get(key) == value
    if match := _EXISTS.fullmatch(part):
        absent, key = match[1] == "!", match[2]
        return lambda labels: (key not in labels) if absent else (key in labels)
    raise bad_request(f"unable to parse requirement: found '{part}' in selector \"{whole}\"")


def field_selector(text: str, resource: Resource) -> Test:
    """The test of a field selector. Raises Refused (400), also for a field the resource cannot be selected by."""
    metadata = ("metadata.name", "metadata.namespace") if resource.namespaced else ("metadata.name",)
    known = (*metadata, *_FIELDS.get(resource.kind, ()))
    tests: list[Test] = []
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        match = re.fullmatch(r"([A-Za-z0-9.]+)(==|=|!=)(.*)", part)
        if match is None:
            raise bad_request(f"invalid selector: '{part}'; can't understand '{part}'")
        field, operator, value = match[1], match[2], match[3]
        if field not in known:
            raise bad_request(_unknown(resource, field))
        tests.append(_field_test(tuple(field.split(".")), operator != "!=", value))
    return lambda item: all(test(item) for test in tests)


def _unknown(resource: Resource, field: str) -> str:
    if resource.kind not in _FIELDS:
        return f'"{field}" is not a known field selector: only "metadata.name", "metadata.namespace"'
    return f"field label not supported: {field}"


def _field_test(path: tuple[str, ...], wanted: bool, value: str) -> Test:
    def test(item: Json) -> bool:
        found: Any = item
        for step in path:
            found = found.get(step, "") if isinstance(found, dict) else ""
        match path:
            case ("source",):
                source = item.get("source") or item.get("deprecatedSource") or {}
                found = source.get("component") or item.get("reportingComponent", "")
            case ("status", "successful"):
                found = (item.get("status") or {}).get("succeeded", 0)
            case ("spec", "unschedulable" | "hostNetwork"):
                found = bool(found)
        text = str(found).lower() if isinstance(found, bool) else str(found)
        return (text == value) is wanted

    return test
