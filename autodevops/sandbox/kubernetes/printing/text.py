"""Small things all printers need: ages, labels, lists cut short."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from autodevops.sandbox.basics.moments import parse_rfc3339
from autodevops.sandbox.cluster.store import Json
from autodevops.sandbox.kubernetes.scale import selector_text

NONE = "<none>"
UNSET = "<unset>"


def human_duration(seconds: float) -> str:
    """Ages as kubectl writes them (k8s.io/apimachinery duration.HumanDuration)."""
    s = int(seconds)
    if s < 0:
        return "0s" if s >= -1 else "<invalid>"
    if s < 120:
        return f"{s}s"
    if s < 600:
        return f"{s // 60}m{s % 60}s" if s % 60 else f"{s // 60}m"
    if s < 3 * 3600:
        return f"{s // 60}m"
    if s < 8 * 3600:
        return f"{s // 3600}h{s % 3600 // 60}m" if s % 3600 // 60 else f"{s // 3600}h"
    if s < 48 * 3600:
        return f"{s // 3600}h"
    days = s // 86400
    if days < 8:
        return f"{days}d{s // 3600 % 24}h" if s // 3600 % 24 else f"{days}d"
    if days < 730:
        return f"{days}d"
    return f"{days // 365}y{days % 365}d" if days < 8 * 365 else f"{days // 365}y"


def since(text: str | None, now: float) -> str:
    return human_duration(now - parse_rfc3339(text)) if text else "<unknown>"


def age(item: Json, now: float) -> str:
    return since(item["metadata"].get("creationTimestamp"), now)


def name(item: Json) -> str:
    return str(item["metadata"]["name"])


def pairs(labels: Json | None) -> str:
    return ",".join(f"{key}={value}" for key, value in sorted((labels or {}).items())) or NONE


def selector(found: Json | None) -> str:
    return selector_text(found or {}) or NONE


def few(values: Iterable[str], most: int = 3) -> str:
    """At most a few, the rest counted."""
    found = list(values)
    return ",".join(found[:most]) + (f" + {len(found) - most} more..." if len(found) > most else "") if found else NONE


def spec(item: Json) -> Json:
    return item.get("spec") or {}


def status(item: Json) -> Json:
    return item.get("status") or {}


def containers(pod_spec: Json) -> list[Any]:
    found = pod_spec.get("containers") or []
    return [",".join(one["name"] for one in found), ",".join(one.get("image", "") for one in found)]
