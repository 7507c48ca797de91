"""What a ResourceQuota does not allow, from the refusals it wrote or from its own figures.

A refusal names the quota and, with `requested, used, limited`, only the resources that would be exceeded. Where no
refusal is left to read (events expire, and not every kind is at hand), a quota that has no room for one more pod of a
workload that is short of pods says the same. A full quota in a namespace that has all it wants is no fault.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from autodevops.domain.finding import Finding
from autodevops.domain.quantity import quantity_or
from autodevops.domain.subject import Subject
from autodevops.investigation.configured_calls import addressed
from autodevops.investigation.grounds import join
from autodevops.investigation.inventory import Inventory, Object, Workload, items, name_of, section
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.refusals import refusals
from autodevops.investigation.rules.scheduling import claims_of, waiting_pods
from autodevops.investigation.rules.shortage import is_short, missing_pods

_REFUSED: Final = re.compile(r"(?:exceeded|failed) quota: (?P<name>[^,:\s]+)[,:]\s*(?P<rest>.*)", re.S)
_FIGURES: Final = re.compile(r"requested: (?P<requested>.*?), used: (?P<used>.*?), limited: (?P<limited>[^\s;]*)", re.S)
_KINDS: Final = {
    "cpu": "cpu", "memory": "memory", "pods": "pods", "services": "services", "services.loadbalancers": "services",
    "services.nodeports": "services", "storage": "storage", "persistentvolumeclaims": "storage",
}  # fmt: skip


@dataclass(frozen=True)
class Overdrawn:
    """A quota that stands in somebody's way: `kind` is of the resource that weighs most, `who` it keeps from what."""

    quota: str
    kind: str  # cpu, memory, pods, services, storage, objects, or empty
    who: frozenset[Subject]
    words: str
    sources: frozenset[str]
    since: datetime | None
    told: bool  # by the API server's own refusal


def kind_of_resource(name: str) -> str:
    """The kind by which a resource's name is told apart; empty for what has none, such as GPUs."""
    if name.endswith(".storageclass.storage.k8s.io/requests.storage") or name.endswith("/persistentvolumeclaims"):
        return "storage"
    counted = name.startswith("count/")
    bare = re.sub(r"^(?:requests\.|limits\.|count/)", "", name)
    if bare in _KINDS:
        return _KINDS[bare]
    return "objects" if counted or bare in {"configmaps", "secrets", "replicationcontrollers", "resourcequotas"} else ""


def overdrawn(picture: Picture) -> list[Overdrawn]:
    """Each quota once a kind, those told by refusals first; its own figures count where no refusal names it."""
    return picture.once(_overdrawn)


def _overdrawn(picture: Picture) -> list[Overdrawn]:
    groups: dict[tuple[str, str], list[Overdrawn]] = {}
    for found in (*_told(picture), *_seen(picture)):
        groups.setdefault((found.quota, found.kind), []).append(found)
    merged = []
    for (quota, kind), parts in sorted(groups.items()):
        first = next((part for part in parts if part.told), parts[0])
        merged.append(
            Overdrawn(
                quota,
                kind,
                frozenset(subject for part in parts for subject in part.who),
                first.words,
                frozenset(source for part in parts for source in part.sources),
                min((part.since for part in parts if part.since is not None), default=None),
                first.told,
            )
        )
    return merged


def exceeded(rule: Rule, picture: Picture, kind: str) -> Iterable[Finding]:
    """The findings of a rule that takes one kind of resource. The fault lies in the namespace, not in who came last."""
    namespace = picture.inventory.namespace
    for found in overdrawn(picture):
        if found.kind == kind:
            names = join(sorted(subject.name for subject in found.who))
            want = "wants" if len(found.who) == 1 else "want"
            yield rule.finding(
                Subject(kind="Namespace", name=namespace, api_version="v1"),
                f"Quota {found.quota} of namespace {namespace} refuses what {names} {want}: {found.words}",
                severity="error",
                confidence=0.97 if found.told else 0.85,
                evidence=picture.evidence_of(*sorted(found.sources)),
                onset=found.since,
            )


def held_up(inventory: Inventory) -> Iterator[tuple[str, Subject]]:
    """Workloads that miss pods while a quota is full, each with the kind of object that shows it."""
    for workload in inventory.workloads:
        if missing_pods(workload, inventory) > 0 and any(_without_room(inventory, workload)):
            yield workload.subject.kind, workload.subject
    for subject, _, _ in (*unserved(inventory), *unclaimed(inventory)):
        yield "ResourceQuota", subject


def unserved(inventory: Inventory) -> tuple[tuple[Subject, str, Object], ...]:
    """Callers of a workload that has no Service of its name, where the quota allows no more Services."""
    return inventory.once(_unserved)


def _unserved(inventory: Inventory) -> tuple[tuple[Subject, str, Object], ...]:
    full = [quota for quota in inventory.of_kind("ResourceQuota") if "services" in _full(quota)]
    if not full:
        return ()
    missing = {workload.subject.name for workload in inventory.workloads}
    missing -= {name_of(service) for service in inventory.services}
    calls = addressed(inventory)
    return tuple((caller.subject, to.host, full[0]) for caller, to in calls if to.host in missing)


def unclaimed(inventory: Inventory) -> tuple[tuple[Subject, str, Object], ...]:
    """Workloads whose waiting pods mount a claim that does not exist, where the quota allows no more of them."""
    return inventory.once(_unclaimed)


def _unclaimed(inventory: Inventory) -> tuple[tuple[Subject, str, Object], ...]:
    full = [quota for quota in inventory.of_kind("ResourceQuota") if "storage" in _full(quota)]
    claims = {name_of(claim) for claim in inventory.of_kind("PersistentVolumeClaim")}
    return tuple(
        (subject, name, full[0])
        for pod in (waiting_pods(inventory) if full else ())
        if (subject := inventory.of_owner("Pod", name_of(pod))) is not None
        for name in claims_of(pod)
        if name not in claims
    )


def _told(picture: Picture) -> Iterator[Overdrawn]:
    for refusal in refusals(picture):
        match = _REFUSED.search(refusal.sentence) if refusal.kind == "quota" else None
        if match is not None:
            kind, sources = _heaviest(match["rest"]), frozenset({refusal.source})
            yield Overdrawn(
                match["name"], kind, frozenset({refusal.subject}), match["rest"], sources, refusal.since, told=True
            )


def _heaviest(rest: str) -> str:
    """The kind of the resource that is exceeded by the largest part of its limit."""
    figures = _FIGURES.search(rest)
    if figures is None:
        return ""
    requested, used, limited = (_pairs(figures[key]) for key in ("requested", "used", "limited"))
    names = sorted(requested, key=lambda name: (-_ratio(requested, used, limited, name), name))
    return next((kind for name in names if (kind := kind_of_resource(name))), "")


def _ratio(requested: Mapping[str, str], used: Mapping[str, str], limited: Mapping[str, str], name: str) -> float:
    most = quantity_or(limited.get(name))
    return (quantity_or(requested[name]) + quantity_or(used.get(name))) / most if most else float("inf")


def _pairs(text: str) -> dict[str, str]:
    return dict(part.split("=", 1) for part in re.split(r",\s*", text.strip()) if "=" in part)


def _seen(picture: Picture) -> Iterator[Overdrawn]:
    inventory = picture.inventory
    refused = {refusal.subject for refusal in refusals(picture)}
    for workload in inventory.workloads:
        if workload.subject not in refused and is_short(workload, picture):
            for quota, resource, figures in _without_room(inventory, workload):
                sources = frozenset({"ResourceQuota", "Pod", workload.subject.kind})
                who, kind = frozenset({workload.subject}), kind_of_resource(resource)
                yield Overdrawn(name_of(quota), kind, who, figures, sources, None, told=False)
                break
    absent = [("services", "Service", found) for found in unserved(inventory)]
    absent += [("storage", "PersistentVolumeClaim", found) for found in unclaimed(inventory)]
    for kind, what, (subject, name, quota) in absent:
        words = f"there is no {what} {name}, and {_figures(quota, kind)}"
        sources = frozenset({"ResourceQuota", what})
        yield Overdrawn(name_of(quota), kind, frozenset({subject}), words, sources, None, told=False)


def _without_room(inventory: Inventory, workload: Workload) -> Iterator[tuple[Object, str, str]]:
    """Quotas that have no room for one more pod of the workload, each with the resource and its figures."""
    need = _need(workload)
    for quota in inventory.of_kind("ResourceQuota"):
        if section(quota, "spec").get("scopes") or section(quota, "spec").get("scopeSelector"):
            continue  # whether it counts these pods is not known
        hard, used = _hard(quota), section(quota, "status", "used")
        for resource in sorted(hard):
            more = need.get(resource, 0.0)
            no_room = more > 0 and quantity_or(used.get(resource)) + more > quantity_or(hard[resource]) + 1e-9
            if no_room and resource in used:
                yield quota, resource, _figures(quota, resource)


def _need(workload: Workload) -> dict[str, float]:
    """What one more pod would add to each resource that a quota counts."""
    need = {"pods": 1.0, "count/pods": 1.0}
    for container in items(workload.pod_spec, "containers"):
        limits, requests = section(container, "resources", "limits"), section(container, "resources", "requests")
        for name in {*limits, *requests}:
            asked = quantity_or(requests.get(name, limits.get(name)))
            for key in (name, f"requests.{name}"):
                need[key] = need.get(key, 0.0) + asked
            if name in limits:
                need[f"limits.{name}"] = need.get(f"limits.{name}", 0.0) + quantity_or(limits[name])
    for template in items(workload.object, "spec", "volumeClaimTemplates"):
        for key in ("persistentvolumeclaims", "count/persistentvolumeclaims"):
            need[key] = need.get(key, 0.0) + 1
        asked = quantity_or(section(template, "spec", "resources", "requests").get("storage"))
        need["requests.storage"] = need.get("requests.storage", 0.0) + asked
    return need


def _full(quota: Object) -> set[str]:
    """Kinds of resources of which the quota allows nothing more."""
    hard, used = _hard(quota), section(quota, "status", "used")
    return {
        kind_of_resource(name) for name in hard if name in used and quantity_or(used[name]) >= quantity_or(hard[name])
    }


def _hard(quota: Object) -> Mapping[str, Any]:
    return section(quota, "status", "hard") or section(quota, "spec", "hard")


def _figures(quota: Object, resource: str) -> str:
    used, hard = section(quota, "status", "used"), _hard(quota)
    names = [name for name in sorted(hard) if name == resource or kind_of_resource(name) == resource]
    return join([f"{used.get(name, 0)} of {hard[name]} {name} are used" for name in names])
