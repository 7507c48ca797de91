"""PodDNSWrong (K8S147, state): a template asks for a DNS that does not know the cluster's names.

What: a workload that is set to call Services by name and whose pods have dnsPolicy Default, or ClusterFirst on the
host's network (which means Default), or None with name servers of their own; or one whose dnsConfig lowers ndots from
the cluster's 5 and that cannot look up names with as many dots (`redis.cache`): those are asked as they stand, and by
musl (Alpine) not with the cluster's domains after them. A name with a domain of its own is not judged.

Why it matters: names of Services do not resolve in its pods, and in all others they do.

Example: `checkout has dnsPolicy Default and is set to call payment by its name`

What to do: dnsPolicy ClusterFirst, or ClusterFirstWithHostNet on the host's network; leave ndots alone, or write the
whole name with a dot at its end.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from autodevops.analysis.log_peers import peer_of
from autodevops.domain.finding import Finding
from autodevops.domain.subject import Subject
from autodevops.investigation.configured_calls import addressed
from autodevops.investigation.inventory import Object, items, name_of, section
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.routes import is_hurt, unmeasured
from autodevops.investigation.rules.said import said

_USUAL: Final = 5  # the kubelet's ndots for dnsPolicy ClusterFirst
_OF_CLUSTER: Final = re.compile(r"[a-z0-9-]+\.[a-z0-9-]+(?:\.svc)?")


def _check(picture: Picture, earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    names = {name_of(service) for service in picture.inventory.services}
    called: dict[str, set[str]] = {}
    for workload, address in addressed(picture.inventory):
        if address.host in names:
            called.setdefault(workload.subject.name, set()).add(address.host)
    lost = (
        _lost(picture, earlier) if any(_ndots(one.pod_spec) is not None for one in picture.inventory.workloads) else {}
    )
    blind = unmeasured(picture)
    for workload in picture.inventory.workloads:
        subject, spec = workload.subject, workload.pod_spec
        dots = _ndots(spec)
        if dots is not None and subject in lost and dots <= lost[subject].rstrip(".").count("."):
            yield RULE.finding(
                subject,
                f"{subject.name} has ndots {dots}, and cannot look up {lost[subject]}.",
                severity="error",
                confidence=0.85,
                evidence=picture.evidence_of(subject.kind),
            )
            continue
        fault, sure = _fault(spec)
        hosts = called.get(subject.name)
        if not fault or not hosts or not (blind or is_hurt(subject, earlier)):
            continue
        yield RULE.finding(
            subject,
            f"{subject.name} {fault} and is set to call {', '.join(sorted(hosts))} by name.",
            severity="error",
            confidence=sure - (0.05 if blind else 0.0),
            evidence=picture.evidence_of(subject.kind, "Service"),
        )


def _lost(picture: Picture, earlier: tuple[Finding, ...]) -> dict[Subject, str]:
    """A name of the cluster that a workload could not look up: `service.namespace`, or that with `.svc` after it."""
    return {
        seen.subject: peer.host
        for seen in said(frozenset({"unknown host"}), picture, earlier)
        if seen.severity != "info"
        and (peer := peer_of(seen.line.words)) is not None
        and _OF_CLUSTER.fullmatch(peer.host)
    }


def _ndots(spec: Object) -> int | None:
    """What the template sets it to, where that is less than the cluster's."""
    for option in items(spec, "dnsConfig", "options"):
        value = str(option.get("value", ""))
        if option.get("name") == "ndots" and value.isdecimal() and int(value) < _USUAL:
            return int(value)
    return None


def _fault(spec: Object) -> tuple[str, float]:
    policy = spec.get("dnsPolicy") or "ClusterFirst"
    own = section(spec, "dnsConfig").get("nameservers") or []
    if items(spec, "hostAliases"):
        return "", 0.0
    if policy == "Default":
        return "has dnsPolicy Default", 0.9
    if policy == "ClusterFirst" and spec.get("hostNetwork") is True:
        return "is on the host's network with dnsPolicy ClusterFirst, which there means Default", 0.9
    if policy == "None" and isinstance(own, list) and own:
        searches = section(spec, "dnsConfig").get("searches") or []
        if not any("svc" in str(search) for search in searches):
            return f"asks name servers of its own ({', '.join(map(str, own[:3]))}) without the cluster's domains", 0.85
        return f"asks name servers of its own ({', '.join(map(str, own[:3]))})", 0.7
    return "", 0.0


RULE = Rule(
    "K8S147", "PodDNSWrong", "state", _check, specificity=0.93, stage=2, names_cause=True, documentation=__doc__
)
