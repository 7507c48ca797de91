"""What a pod asks for in all: the sums the scheduler fits, quotas count and LimitRanges judge."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from autodevops.sandbox.basics.quantities import Quantity

Amounts = dict[str, Quantity]
"""Resource name -> quantity."""


def amounts(written: Mapping[str, Any] | None) -> Amounts:
    """A ResourceList, read."""
    return {name: Quantity.parse(value) for name, value in (written or {}).items()}


def pod_total(spec: Mapping[str, Any], which: Literal["requests", "limits"]) -> Amounts:
    """A pod's requests or limits: containers run together, init containers one after the other beside the sidecars
    started before them, whichever is more; pod-level resources stand above them, overhead comes on top."""
    total: Amounts = {}
    for container in spec.get("containers", ()):
        _add(total, amounts((container.get("resources") or {}).get(which)))
    sidecars: Amounts = {}
    highest: Amounts = {}
    for container in spec.get("initContainers") or ():
        own = amounts((container.get("resources") or {}).get(which))
        if container.get("restartPolicy") == "Always":
            _add(total, own)
            _add(sidecars, own)
            own = dict(sidecars)
        else:
            _add(own, sidecars)
        _most(highest, own)
    _most(total, highest)
    for name, value in amounts((spec.get("resources") or {}).get(which)).items():
        if name in ("cpu", "memory") or name.startswith("hugepages-"):
            total[name] = value
    for name, value in amounts(spec.get("overhead")).items():
        if which == "requests" or name in total:
            total[name] = total.get(name, Quantity()) + value
    return total


def _add(total: Amounts, more: Amounts) -> None:
    for name, value in more.items():
        total[name] = total.get(name, Quantity()) + value


def _most(total: Amounts, other: Amounts) -> None:
    for name, value in other.items():
        if name not in total or total[name] < value:
            total[name] = value
