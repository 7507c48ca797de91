"""Which ConfigMaps and Secrets a pod's spec reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

_IN_ENVIRONMENT: Final = (
    ("envFrom", "configMapRef", "secretRef"),
    ("env", "configMapKeyRef", "secretKeyRef"),
)


@dataclass(frozen=True)
class Reference:
    """`keys` are those it names, of `env` one and of volumes any number; without, it takes all there are."""

    kind: str
    name: str
    keys: frozenset[str]
    optional: bool


def references(spec: object) -> Iterator[Reference]:
    """All that a pod's spec refers to, by environment and volumes; what is no spec refers to nothing."""
    for container in (*_items(spec, "initContainers"), *_items(spec, "containers")):
        for place, config, secret in _IN_ENVIRONMENT:
            for one in _items(container, place):
                yield from _named(one.get("valueFrom") if place == "env" else one, config, secret)
    for volume in _items(spec, "volumes"):
        for source in (volume, *_items(volume.get("projected"), "sources")):
            yield from _named(source, "configMap", "secret")


def referred(spec: object) -> set[tuple[str, str]]:
    """Kinds and names of what a pod's spec refers to."""
    return {(one.kind, one.name) for one in references(spec)}


def follows(spec: object, kind: str, name: str) -> bool:
    """Whether a running container sees an edit of it: as a mounted volume, and not by subPath.

    https://kubernetes.io/docs/concepts/configuration/configmap/#mounted-configmaps-are-updated-automatically
    """
    volumes = {
        str(volume.get("name"))
        for volume in _items(spec, "volumes")
        for source in (volume, *_items(volume.get("projected"), "sources"))
        if any((one.kind, one.name) == (kind, name) for one in _named(source, "configMap", "secret"))
    }
    mounts = [
        mount
        for container in (*_items(spec, "initContainers"), *_items(spec, "containers"))
        for mount in _items(container, "volumeMounts")
        if str(mount.get("name")) in volumes
    ]
    return any(not mount.get("subPath") and not mount.get("subPathExpr") for mount in mounts)


def _named(source: object, config: str, secret: str) -> Iterator[Reference]:
    for kind, field in (("ConfigMap", config), ("Secret", secret)):
        found = source.get(field) if isinstance(source, Mapping) else None
        if isinstance(found, Mapping) and (name := found.get("name") or found.get("secretName")):
            keys = {str(one["key"]) for one in (found, *_items(found, "items")) if one.get("key")}
            yield Reference(kind, str(name), frozenset(keys), bool(found.get("optional")))


def _items(holder: object, key: str) -> Iterator[Mapping[str, Any]]:
    found = holder.get(key) if isinstance(holder, Mapping) else None
    return (one for one in found if isinstance(one, Mapping)) if isinstance(found, list) else iter(())
