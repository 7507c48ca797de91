"""VolumeNotBound (K8S040, state): no volume fits a claim.

What: a pending PersistentVolumeClaim whose storage class exists, where the scheduler turned its pods away for it, or
binding or provisioning failed in events. Each free volume is compared by class, access mode, size and selector. A
claim that waits for its first consumer is not at fault.

Why it matters: the pods that mount the claim are never placed.

Example: `Claim archive is not bound: volume nfs-1 has access modes ReadWriteOnce, wanted ReadWriteMany`

What to do: make a volume that fits, or make the claim again with what volumes there are.
"""

from __future__ import annotations

from collections.abc import Iterable

from kubernetes.utils.quantity import parse_quantity

from autodevops.domain.finding import Finding
from autodevops.investigation.inventory import Object, metadata, name_of, section
from autodevops.investigation.picture import Picture
from autodevops.investigation.rollouts import parse_time
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.pods import events, is_recent
from autodevops.investigation.rules.policies import selects
from autodevops.investigation.rules.scheduling import claims_of, pending_claims, unplaced


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    classes = {name_of(item) for item in picture.inventory.of_kind("StorageClass")}
    volumes = picture.inventory.of_kind("PersistentVolume")
    refused = [pod for found in unplaced(picture) if found.kind == "volume" for pod in found.pods]
    held = {name for pod in refused for name in claims_of(pod)}
    told = {
        event.name: event.message
        for event in events(picture, "FailedBinding", "ProvisioningFailed", "VolumeMismatch")
        if event.kind == "PersistentVolumeClaim" and is_recent(event.last, picture)
    }
    for name, claim in sorted(pending_claims(picture).items()):
        wanted = section(claim, "spec").get("storageClassName") or ""
        static = any((section(volume, "spec").get("storageClassName") or "") == wanted for volume in volumes)
        if (name not in held and name not in told) or (wanted and wanted not in classes and not static):
            continue
        same = [one for one in volumes if (section(one, "spec").get("storageClassName") or "") == wanted]
        why = "; ".join(f"volume {name_of(one)} {fault}" for one in same[:3] if (fault := _unfit(claim, one)))
        yield RULE.finding(
            picture.inventory.object_subject(claim),
            f"Claim {name} is not bound: {why or told.get(name) or 'there is no volume of its class'}.",
            severity="error",
            confidence=0.95,
            evidence=picture.evidence_of("PersistentVolumeClaim", "PersistentVolume", "Event"),
            onset=parse_time(metadata(claim).get("creationTimestamp")),
        )


def _unfit(claim: Object, volume: Object) -> str:
    """Why the volume cannot serve the claim, or nothing."""
    spec, offered = section(claim, "spec"), section(volume, "spec")
    modes, has = spec.get("accessModes") or [], offered.get("accessModes") or []
    holder = str(section(offered, "claimRef").get("name", ""))
    wanted, size = section(spec, "resources", "requests").get("storage"), section(offered, "capacity").get("storage")
    if holder and holder != name_of(claim):
        return f"belongs to claim {holder}"
    if not set(modes) <= set(has):
        return f"has access modes {', '.join(has)}, wanted {', '.join(modes)}"
    if wanted and size and parse_quantity(size) < parse_quantity(wanted):  # type: ignore[no-untyped-call]
        return f"has {size}, wanted {wanted}"
    if spec.get("selector") and not selects(spec["selector"], section(volume, "metadata", "labels")):
        return "does not match the claim's selector"
    return ""


RULE = Rule(
    "K8S040", "VolumeNotBound", "state", _check, specificity=0.95, names_cause=True,
    documentation=__doc__,
)  # fmt: skip
