"""Why a claim is not bound, told apart by comparing it with the volumes there are.

A claim is judged where somebody waits for it: a pod that mounts it has no node, or the volume controller complains of
it. One that waits for its first consumer is not at fault. Volumes that a provisioner made for others are no offer; of
the rest, the one that fits best but for one thing tells what that thing is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from autodevops.domain.finding import Finding
from autodevops.domain.quantity import quantity_or
from autodevops.investigation.inventory import Object, metadata, name_of, section
from autodevops.investigation.picture import Picture
from autodevops.investigation.rollouts import parse_time
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.pods import events
from autodevops.investigation.rules.policies import selects
from autodevops.investigation.rules.scheduling import claims_of, pending_claims, unplaced, waiting_pods

_NO_PROVISIONER: Final = "kubernetes.io/no-provisioner"
_CLASS_NOT_FOUND: Final = re.compile(r'storageclass(?:\.storage\.k8s\.io)? "[^"]*" not found')
_COMPLAINTS: Final = ("FailedBinding", "ProvisioningFailed", "VolumeMismatch")
# The order in which the faults of one volume are told; the later ones are what a person would change first.
_FAULTS: Final = ("class", "occupied", "selector", "access mode", "capacity")


@dataclass(frozen=True)
class Unbound:
    """A claim that somebody waits for. `kind` is one of _FAULTS, `missing class`, `provisioning` or empty."""

    claim: Object
    kind: str
    words: str


def unbound(picture: Picture) -> list[Unbound]:
    return picture.once(_unbound)


def _unbound(picture: Picture) -> list[Unbound]:
    refused = [pod for found in unplaced(picture) if found.kind == "volume" for pod in found.pods]
    silent = [pod for pod in waiting_pods(picture.inventory) if not section(pod, "status").get("conditions")]
    awaited = {name for pod in (*refused, *silent) for name in claims_of(pod)}
    complaints = {
        event.name: event.message
        for event in events(picture, *_COMPLAINTS)
        if event.kind == "PersistentVolumeClaim"
    }  # fmt: skip
    return [
        _judge(claim, complaints.get(name, ""), picture)
        for name, claim in sorted(pending_claims(picture).items())
        if name in awaited or name in complaints
    ]


def not_bound(rule: Rule, picture: Picture, kind: str) -> Iterable[Finding]:
    """The findings of a rule that takes one kind of fault and blames the claim."""
    for found in unbound(picture):
        if found.kind == kind:
            name = name_of(found.claim)
            yield rule.finding(
                picture.inventory.object_subject(found.claim),
                f"Claim {name} {found.words}."
                if kind == "missing class"
                else f"Claim {name} is not bound: {found.words}.",
                severity="error",
                confidence=0.97 if kind else 0.9,
                evidence=picture.evidence_of("PersistentVolumeClaim", "PersistentVolume", "StorageClass", "Event"),
                onset=parse_time(metadata(found.claim).get("creationTimestamp")),
            )


def _judge(claim: Object, complaint: str, picture: Picture) -> Unbound:
    wanted = _class_of(claim)
    classes = {name_of(item): item for item in picture.inventory.of_kind("StorageClass")}
    offers = [one for one in picture.inventory.of_kind("PersistentVolume") if _is_offer(one, claim)]
    static = any(_class_of(one) == wanted for one in offers)
    if wanted and not static and _lacks_class(wanted, classes, offers, complaint, picture):
        there = f"; there are {', '.join(sorted(classes)) or 'none'}" if "StorageClass" in picture.listed else ""
        return Unbound(claim, "missing class", f"asks for storage class {wanted}, which does not exist{there}")
    made_for_it = classes.get(wanted, {}).get("provisioner") not in (None, _NO_PROVISIONER)
    if made_for_it and not static and not section(claim, "spec").get("volumeName"):
        return Unbound(
            claim, "provisioning" if complaint else "", complaint or f"class {wanted} has made no volume for it"
        )
    compared = sorted(
        ((faults, name_of(one)) for one in offers if _is_near(faults := _faults(claim, one))),
        key=lambda pair: (len(pair[0]), -_rank(pair[0]), pair[1]),
    )
    if compared:
        faults, name = compared[0]
        kind = max(faults, key=_FAULTS.index)
        return Unbound(claim, kind, f"volume {name} {faults[kind]}")
    if complaint:
        return Unbound(claim, "", complaint)
    if "PersistentVolume" in picture.listed and not offers:
        return Unbound(claim, "", "there is no volume for it")
    return Unbound(claim, "", f"no volume of class {wanted or 'none'} was found for it")


def _is_near(faults: dict[str, str]) -> bool:
    """Whether the volume may have been meant for the claim: one of another class or owner must fit in all else."""
    return bool(faults) and (len(faults) == 1 or not {"class", "occupied"} & set(faults))


def _lacks_class(
    wanted: str, classes: dict[str, Object], offers: list[Object], complaint: str, picture: Picture
) -> bool:
    """Where no class exists at all, a class is but a label by which claims and volumes find each other."""
    if _CLASS_NOT_FOUND.search(complaint):
        return True
    return "StorageClass" in picture.listed and wanted not in classes and bool(classes or not offers)


def _is_offer(volume: Object, claim: Object) -> bool:
    """Whether the volume was meant for claims at large, or for this one: not made by a provisioner for another."""
    if section(claim, "spec").get("volumeName") == name_of(volume):
        return True
    made = "pv.kubernetes.io/provisioned-by" in section(volume, "metadata", "annotations")
    return not made and not re.fullmatch(r"pvc-[0-9a-f-]{36}", name_of(volume))


def _faults(claim: Object, volume: Object) -> dict[str, str]:
    """Why the volume cannot serve the claim, by kind."""
    spec, offered = section(claim, "spec"), section(volume, "spec")
    modes, has = spec.get("accessModes") or [], offered.get("accessModes") or []
    holder = section(offered, "claimRef")
    wanted, size = section(spec, "resources", "requests").get("storage"), section(offered, "capacity").get("storage")
    phase = section(volume, "status").get("phase")
    faults: dict[str, str] = {}
    if _class_of(claim) != _class_of(volume):
        faults["class"] = f"has class {_class_of(volume) or 'none'}, wanted {_class_of(claim) or 'none'}"
    named = (holder.get("namespace", metadata(claim).get("namespace")), holder.get("name"))
    if holder and named != (metadata(claim).get("namespace"), name_of(claim)):
        whose = "/".join(str(part) for part in named if part)
        faults["occupied"] = f"belongs to claim {whose}{f', {phase}' if phase == 'Released' else ''}"
    elif phase in {"Released", "Failed"}:
        faults["occupied"] = f"is {phase}: it keeps what an earlier claim left"
    if not set(modes) <= set(has):
        faults["access mode"] = f"has access modes {', '.join(has)}, wanted {', '.join(modes)}"
    if wanted and size and quantity_or(size) < quantity_or(wanted):
        faults["capacity"] = f"has {size}, wanted {wanted}"
    if spec.get("selector") and not selects(spec["selector"], section(volume, "metadata", "labels")):
        faults["selector"] = "does not match the claim's selector"
    return faults


def _class_of(item: Object) -> str:
    name = section(item, "spec").get("storageClassName")
    return str(name or section(item, "metadata", "annotations").get("volume.beta.kubernetes.io/storage-class") or "")


def _rank(faults: Iterable[str]) -> int:
    return max(_FAULTS.index(kind) for kind in faults)
