"""Which ConfigMaps and Secrets a pod template reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def referred(spec: object) -> set[tuple[str, str]]:
    """Kinds and names that a pod's spec refers to, by environment and volumes; what is no spec refers to nothing."""
    found: set[tuple[str, str]] = set()
    for container in (*_items(spec, "containers"), *_items(spec, "initContainers")):
        for source in _items(container, "envFrom"):
            found |= _named(source, "configMapRef", "secretRef")
        for variable in _items(container, "env"):
            found |= _named(variable.get("valueFrom"), "configMapKeyRef", "secretKeyRef")
    for volume in _items(spec, "volumes"):
        for place in (volume, *_items(volume.get("projected"), "sources")):
            found |= _named(place, "configMap", "secret")
    return found


def _items(holder: object, key: str) -> Iterator[Mapping[str, Any]]:
    found = holder.get(key) if isinstance(holder, Mapping) else None
    return (one for one in found if isinstance(one, Mapping)) if isinstance(found, list) else iter(())


def _named(source: object, config: str, secret: str) -> set[tuple[str, str]]:
    if not isinstance(source, Mapping):
        return set()
    pairs = (("ConfigMap", source.get(config)), ("Secret", source.get(secret)))
    return {
        (kind, str(reference.get("name") or reference.get("secretName")))
        for kind, reference in pairs
        if isinstance(reference, Mapping) and (reference.get("name") or reference.get("secretName"))
    }
