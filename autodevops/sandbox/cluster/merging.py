"""Which lists are merged element by element, and by what: the API's patchMergeKey and listMapKey tags as data."""

from __future__ import annotations

from collections.abc import Sequence

_KEYS: dict[str, tuple[str, ...]] = {
    "addresses": ("type",),
    "conditions": ("type",),
    "containers": ("name",),
    "env": ("name",),
    "ephemeralContainers": ("name",),
    "hostAliases": ("ip",),
    "imagePullSecrets": ("name",),
    "initContainers": ("name",),
    "ownerReferences": ("uid",),
    "podIPs": ("ip",),
    "resourceClaims": ("name",),
    "schedulingGates": ("name",),
    "secrets": ("name",),
    "topologySpreadConstraints": ("topologyKey", "whenUnsatisfiable"),
    "volumeDevices": ("devicePath",),
    "volumeMounts": ("mountPath",),
    "volumes": ("name",),
}
"""By field name; server-side apply takes all keys of an entry, a strategic merge patch the first."""

SETS = frozenset({"finalizers"})
"""Lists of plain values that are merged as sets."""

ATOMIC = frozenset({"selector", "nodeSelector", "labelSelector", "podSelector", "namespaceSelector", "roleRef"})
"""Maps that are replaced as a whole by server-side apply."""


def merge_keys(path: Sequence[str]) -> tuple[str, ...]:
    """The keys of the elements of the list at a path of field names; empty when the list is replaced as a whole."""
    if path[-1] != "ports":
        return _KEYS.get(path[-1], ())
    parent = path[-2] if len(path) > 1 else ""
    if parent.lower().endswith("containers"):
        return ("containerPort", "protocol")
    return ("port", "protocol") if parent == "spec" else ()
