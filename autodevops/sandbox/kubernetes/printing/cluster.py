"""Rows of nodes, namespaces, configuration, storage, rights, and events."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from autodevops.sandbox.basics.moments import parse_rfc3339
from autodevops.sandbox.cluster.meta import condition_of
from autodevops.sandbox.cluster.store import Json
from autodevops.sandbox.kubernetes.printing.text import NONE, UNSET, age, human_duration, name, since, spec, status

_MODES = {"ReadWriteOnce": "RWO", "ReadOnlyMany": "ROX", "ReadWriteMany": "RWX", "ReadWriteOncePod": "RWOP"}


def node(item: Json, now: float) -> list[Any]:
    s = status(item)
    ready = (condition_of(item, "Ready") or {}).get("status")
    state = "Unknown" if ready is None else "Ready" if ready == "True" else "NotReady"
    if spec(item).get("unschedulable"):
        state += ",SchedulingDisabled"
    info = s.get("nodeInfo") or {}
    addresses = {one["type"]: one["address"] for one in reversed(s.get("addresses") or [])}
    prefix = "node-role.kubernetes.io/"
    labels = item["metadata"].get("labels") or {}
    roles = ",".join(sorted(key.removeprefix(prefix) for key in labels if key.startswith(prefix)))
    return [
        name(item), state, roles or NONE, age(item, now), info.get("kubeletVersion", ""),
        addresses.get("InternalIP", NONE), addresses.get("ExternalIP", NONE), info.get("osImage") or "<unknown>",
        info.get("kernelVersion") or "<unknown>", info.get("containerRuntimeVersion") or "<unknown>",
    ]  # fmt: skip


def event(item: Json, now: float) -> list[Any]:
    involved = item.get("involvedObject") or item.get("regarding") or {}
    source = item.get("source") or item.get("deprecatedSource") or {}
    first = item.get("firstTimestamp") or item.get("deprecatedFirstTimestamp") or item.get("eventTime")
    last = item.get("lastTimestamp") or item.get("deprecatedLastTimestamp") or first
    count = item.get("count") or item.get("deprecatedCount") or 1
    seen = since(last, now)
    if count > 1 and first and last:
        seen = f"{seen} (x{count} over {human_duration(now - parse_rfc3339(first))})"
    component = source.get("component") or item.get("reportingComponent") or item.get("reportingController") or ""
    host = source.get("host") or item.get("reportingInstance") or ""
    return [
        seen, item.get("type", ""), item.get("reason", ""),
        f"{str(involved.get('kind', '')).lower()}/{involved.get('name', '')}", involved.get("fieldPath", ""),
        ", ".join(filter(None, (component, host))), str(item.get("message") or item.get("note") or "").strip(),
        since(first, now), count, name(item),
    ]  # fmt: skip


def namespace(item: Json, now: float) -> list[Any]:
    return [name(item), status(item).get("phase", ""), age(item, now)]


def config_map(item: Json, now: float) -> list[Any]:
    return [name(item), str(len(item.get("data") or {}) + len(item.get("binaryData") or {})), age(item, now)]


def secret(item: Json, now: float) -> list[Any]:
    return [name(item), item.get("type", ""), len(item.get("data") or {}), age(item, now)]


def account(item: Json, now: float) -> list[Any]:
    return [name(item), len(item.get("secrets") or ()), age(item, now)]


def quota(item: Json, now: float) -> list[Any]:
    hard, used = status(item).get("hard") or {}, status(item).get("used") or {}
    requests: list[str] = []
    limits: list[str] = []
    for resource in sorted(hard):
        text = f"{resource}: {used.get(resource, '0')}/{hard[resource]}"
        (limits if resource.startswith("limits.") else requests).append(text)
    return [name(item), ", ".join(requests), ", ".join(limits), age(item, now)]


def limit_range(item: Json, now: float) -> list[Any]:
    return [name(item), item["metadata"].get("creationTimestamp", "")]


def _modes(modes: Iterable[str]) -> str:
    return ",".join(_MODES.get(mode, mode) for mode in modes)


def claim(item: Json, now: float) -> list[Any]:
    wanted, s = spec(item), status(item)
    phase = "Terminating" if item["metadata"].get("deletionTimestamp") else s.get("phase", "")
    bound = wanted.get("volumeName", "")
    return [
        name(item), phase, bound, (s.get("capacity") or {}).get("storage", "") if bound else "",
        _modes(s.get("accessModes") or ()) if bound else "", wanted.get("storageClassName") or "",
        wanted.get("volumeAttributesClassName") or UNSET, age(item, now), wanted.get("volumeMode") or UNSET,
    ]  # fmt: skip


def volume(item: Json, now: float) -> list[Any]:
    wanted, s = spec(item), status(item)
    holder = wanted.get("claimRef")
    phase = "Terminating" if item["metadata"].get("deletionTimestamp") else s.get("phase", "")
    return [
        name(item), (wanted.get("capacity") or {}).get("storage", ""), _modes(wanted.get("accessModes") or ()),
        wanted.get("persistentVolumeReclaimPolicy", ""), phase,
        f"{holder.get('namespace')}/{holder.get('name')}" if holder else "", wanted.get("storageClassName") or "",
        wanted.get("volumeAttributesClassName") or UNSET, s.get("reason", ""), age(item, now),
        wanted.get("volumeMode") or UNSET,
    ]  # fmt: skip


def storage_class(item: Json, now: float) -> list[Any]:
    default = (item["metadata"].get("annotations") or {}).get("storageclass.kubernetes.io/is-default-class") == "true"
    return [
        name(item) + (" (default)" if default else ""), item.get("provisioner", ""),
        item.get("reclaimPolicy") or "Delete", item.get("volumeBindingMode") or "Immediate",
        str(bool(item.get("allowVolumeExpansion"))).lower(), age(item, now),
    ]  # fmt: skip


def priority_class(item: Json, now: float) -> list[Any]:
    return [
        name(item), item.get("value", 0), str(bool(item.get("globalDefault"))).lower(), age(item, now),
        item.get("preemptionPolicy", ""),
    ]  # fmt: skip


def lease(item: Json, now: float) -> list[Any]:
    return [name(item), spec(item).get("holderIdentity", ""), age(item, now)]


def role(item: Json, now: float) -> list[Any]:
    return [name(item), item["metadata"].get("creationTimestamp", "")]


def binding(item: Json, now: float) -> list[Any]:
    reference, subjects = item.get("roleRef") or {}, item.get("subjects") or []
    by_kind: dict[str, list[str]] = {"User": [], "Group": [], "ServiceAccount": []}
    for one in subjects:
        where = f"{one.get('namespace')}/" if one.get("kind") == "ServiceAccount" else ""
        by_kind.setdefault(one.get("kind", ""), []).append(where + str(one.get("name", "")))
    return [
        name(item), f"{reference.get('kind')}/{reference.get('name')}", age(item, now), ", ".join(by_kind["User"]),
        ", ".join(by_kind["Group"]), ", ".join(by_kind["ServiceAccount"]),
    ]  # fmt: skip
