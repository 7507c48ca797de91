"""The claims of a pod as the scheduler sees them: what stops it at once, what ties it to nodes, what it has to bind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from autodevops.sandbox.cluster.scheduling.affinity import term_selects
from autodevops.sandbox.cluster.scheduling.nodes import NodeInfo, PodInfo
from autodevops.sandbox.cluster.scheduling.verdicts import Refusal
from autodevops.sandbox.cluster.store import Json, Key, Store
from autodevops.sandbox.cluster.volume_matching import (
    NO_PROVISIONER,
    SELECTED_NODE,
    best_match,
    class_of,
    is_bound,
    serves,
    waits_for_consumer,
)

_ZONES = ("topology.kubernetes.io/zone", "topology.kubernetes.io/region")
_GONE = "node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)"
_ELSEWHERE = "node(s) didn't match PersistentVolume's node affinity"
_NONE_FREE = "node(s) didn't find available persistent volumes to bind"
_ZONE = Refusal(("node(s) had no available volume zone",), helpless=True)
_ALONE = Refusal(("node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode",))


@dataclass(frozen=True, slots=True)
class Volumes:
    """`refused`: why no node can take the pod. `to_bind`: claims that wait for this pod."""

    refused: str = ""
    bound: Sequence[tuple[Json, Json | None]] = ()
    """Claims with their volumes; None where the volume is gone."""
    to_bind: Sequence[Json] = ()
    alone: frozenset[str] = field(default_factory=frozenset)
    """Claims only one pod may use."""


def volumes_of(store: Store, pod: PodInfo) -> Volumes:
    """Read the claims of a pod."""
    names = list(claim_names(pod.key.name, pod.spec))
    if not names:
        return Volumes()
    claims = []
    for name, volume in names:
        claim = store.get("PersistentVolumeClaim", pod.key.namespace, name)
        if claim is None and volume:
            return Volumes(f'waiting for ephemeral volume controller to create the persistentvolumeclaim "{name}"')
        if claim is None:
            return Volumes(f'persistentvolumeclaim "{name}" not found')
        if claim.get("status", {}).get("phase") == "Lost":
            lost = claim["spec"].get("volumeName", "")
            return Volumes(f'persistentvolumeclaim "{name}" bound to non-existent persistentvolume "{lost}"')
        if "deletionTimestamp" in claim["metadata"]:
            return Volumes(f'persistentvolumeclaim "{name}" is being deleted')
        claims.append(claim)
    bound = [
        (claim, store.get("PersistentVolume", "", claim["spec"]["volumeName"])) for claim in claims if is_bound(claim)
    ]
    open_claims = [claim for claim in claims if not is_bound(claim)]
    if any(claim["spec"].get("volumeName") or not waits_for_consumer(store, claim) for claim in open_claims):
        return Volumes("pod has unbound immediate PersistentVolumeClaims")
    alone = frozenset(
        one["metadata"]["name"] for one in claims if "ReadWriteOncePod" in (one["spec"].get("accessModes") or ())
    )
    return Volumes("", bound, open_claims, alone)


def claim_names(pod: str, spec: Json) -> Sequence[tuple[str, str]]:
    """The claims a pod uses, each with the name of the ephemeral volume it is made for, if it is."""
    found = []
    for volume in spec.get("volumes") or ():
        if claim := volume.get("persistentVolumeClaim"):
            found.append((str(claim["claimName"]), ""))
        elif volume.get("ephemeral"):
            found.append((f"{pod}-{volume['name']}", str(volume["name"])))
    return found


def restrictions(volumes: Volumes, pod: PodInfo, node: NodeInfo) -> Refusal | None:
    """ReadWriteOncePod: no other pod may use the claim."""
    for other in node.pods.values() if volumes.alone else ():
        if other.key.namespace == pod.key.namespace and other.claims & volumes.alone:
            return _ALONE
    return None


def binding(store: Store, volumes: Volumes, node: NodeInfo) -> Refusal | None:
    """Whether the claims' volumes can be reached from the node, or be found or made there."""
    reasons = set()
    if any(volume is None for _, volume in volumes.bound):
        return Refusal((_GONE,), helpless=True)
    if any(volume is not None and not serves(volume, node.name, node.labels) for _, volume in volumes.bound):
        reasons.add(_ELSEWHERE)
    if plan(store, volumes.to_bind, node) is None:
        reasons.add(_NONE_FREE)
    return Refusal(tuple(sorted(reasons)), helpless=True) if reasons else None


def zones(volumes: Volumes, node: NodeInfo) -> Refusal | None:
    """Whether the node lies in the zones a bound volume is labelled with."""
    for _, volume in volumes.bound:
        labels = (volume["metadata"].get("labels") or {}) if volume is not None else {}
        for key in _ZONES:
            if key in labels and node.labels.get(key) not in labels[key].split("__"):
                return _ZONE
    return None


def plan(store: Store, claims: Sequence[Json], node: NodeInfo) -> Mapping[str, str] | None:
    """How to bind claims on a node: claim -> volume, empty where one is to be provisioned. None: it cannot."""
    found: dict[str, str] = {}
    for claim in claims:
        name = claim["metadata"]["name"]
        selected = (claim["metadata"].get("annotations") or {}).get(SELECTED_NODE)
        if selected and selected != node.name:
            return None
        if not selected:
            volume = best_match(
                claim, store.items("PersistentVolume"), (node.name, node.labels), filter(None, found.values())
            )
            if volume is not None:
                found[name] = volume["metadata"]["name"]
                continue
        storage_class = class_of(store, claim)
        if storage_class is None or storage_class.get("provisioner") == NO_PROVISIONER:
            return None
        if not _reaches(storage_class, node):
            return None
        found[name] = ""
    return found


def reserve(store: Store, volumes: Volumes, node: NodeInfo) -> None:
    """Tell those who bind what was planned: a volume gets its claimRef, a claim the node to be provisioned for."""
    for name, volume in (plan(store, volumes.to_bind, node) or {}).items():
        claim = next(one for one in volumes.to_bind if one["metadata"]["name"] == name)
        meta = claim["metadata"]
        if volume:
            reference = {
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "namespace": meta["namespace"],
                "name": name,
                "uid": meta["uid"],
                "resourceVersion": meta["resourceVersion"],
            }
            store.edit(Key("PersistentVolume", "", volume), lambda one, ref=reference: one["spec"].update(claimRef=ref))  # type: ignore[misc]
        else:
            store.edit(
                Key("PersistentVolumeClaim", meta["namespace"], name),
                lambda one: one["metadata"].setdefault("annotations", {}).update({SELECTED_NODE: node.name}),
            )


def _reaches(storage_class: Json, node: NodeInfo) -> bool:
    terms = storage_class.get("allowedTopologies") or ()
    return not terms or any(
        term_selects(
            {
                "matchExpressions": [
                    {"key": one["key"], "operator": "In", "values": one["values"]}
                    for one in term.get("matchLabelExpressions") or ()
                ]
            },
            node.name,
            node.labels,
        )
        for term in terms
    )
