"""FinalizerBlocks (K8S136, state): an object is to be deleted, and a finalizer holds it.

What: a pod, claim, Service or other listed object whose deletion was asked for over two minutes ago and that still
has finalizers; or the namespace itself, Terminating for as long. A claim that pods still use is held by intent.

Why it matters: it stays until the controller behind the finalizer acts; if that is gone, for ever. Its name cannot be
used again.

Example: `Pod ledger-0 is to be deleted since 03:40 UTC and is held by finalizer example.com/backup`

What to do: look at the controller that owns the finalizer; remove the finalizer by hand only if it is gone for good.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from autodevops.domain.finding import Finding
from autodevops.domain.subject import Subject
from autodevops.investigation.inventory import items, metadata, name_of, section
from autodevops.investigation.picture import Picture
from autodevops.investigation.rollouts import parse_time
from autodevops.investigation.rules.base import Rule, clock

_LEAST = timedelta(minutes=2)
_BY_INTENT = {"kubernetes.io/pvc-protection", "kubernetes.io/pv-protection", "foregroundDeletion"}
_KINDS = ("PersistentVolumeClaim", "Ingress", "NetworkPolicy", "Job", "CronJob", "HorizontalPodAutoscaler", "ConfigMap")


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    inventory = picture.inventory
    listed = [(kind, item) for kind in _KINDS for item in inventory.of_kind(kind)]
    listed += [("Service", item) for item in inventory.services] + [("Pod", item) for item in inventory.pods]
    listed += [(workload.subject.kind, workload.object) for workload in inventory.workloads]
    told: set[Subject] = set()
    for kind, item in listed:
        asked = parse_time(metadata(item).get("deletionTimestamp"))
        holding = [str(one) for one in metadata(item).get("finalizers") or () if str(one) not in _BY_INTENT]
        if asked is None or not holding or picture.span.window.end - asked < _LEAST:
            continue
        owner = inventory.of_owner(kind, name_of(item)) or inventory.object_subject(item)
        if owner in told:
            continue
        told.add(owner)
        yield RULE.finding(
            owner,
            f"{kind} {name_of(item)} is to be deleted since {clock(asked)} and is held by finalizer"
            f" {', '.join(holding)}.",
            severity="warning",
            confidence=0.92,
            evidence=picture.evidence_of(kind),
            onset=asked,
        )
    for namespace in inventory.of_kind("Namespace"):
        asked = parse_time(metadata(namespace).get("deletionTimestamp"))
        terminating = section(namespace, "status").get("phase") == "Terminating"
        if terminating and asked is not None and picture.span.window.end - asked >= _LEAST:
            why = [
                str(condition.get("message", ""))
                for condition in items(namespace, "status", "conditions")
                if condition.get("status") == "True" and condition.get("type") != "NamespaceDeletionDiscoveryFailure"
            ]
            yield RULE.finding(
                Subject(kind="Namespace", name=inventory.namespace, api_version="v1"),
                f"Namespace {inventory.namespace} is Terminating since {clock(asked)}"
                + (f": {why[-1]}" if why else "."),
                severity="error",
                confidence=0.9,
                evidence=picture.evidence_of("Pod"),
                onset=asked,
            )


RULE = Rule("K8S136", "FinalizerBlocks", "state", _check, specificity=0.9, names_cause=True, documentation=__doc__)
