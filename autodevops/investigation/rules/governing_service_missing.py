"""GoverningServiceMissing (K8S097, state): the Service that gives a StatefulSet's pods their names does not exist.

What: a StatefulSet whose serviceName is no Service of the namespace, where it or a caller of it is hurt: a program
that never looks its peers up by name does well without.

Why it matters: names such as db-0.db do not resolve, so members do not find each other and clients no member.

Example: `StatefulSet db names Service db-headless, which does not exist: its pods have no names in DNS`

What to do: create the headless Service (clusterIP None) with the pods' labels as selector.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.inventory import name_of, section
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.routes import is_hurt


def _check(picture: Picture, earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    services = {name_of(service) for service in picture.inventory.services}
    for workload in picture.inventory.workloads if "Service" in picture.listed and services else ():
        subject, name = workload.subject, section(workload.object, "spec").get("serviceName")
        if subject.kind != "StatefulSet" or not name or name in services:
            continue
        callers = {edge.origin for edge in picture.graph.edges if edge.target == subject}
        if any(is_hurt(one, earlier) for one in {subject, *callers}):
            yield RULE.finding(
                subject,
                f"StatefulSet {subject.name} names Service {name}, which does not exist: its pods have no names in"
                " DNS.",
                severity="error",
                confidence=0.9,
                evidence=picture.evidence_of("StatefulSet", "Service"),
            )


RULE = Rule(
    "K8S097", "GoverningServiceMissing", "state", _check, specificity=0.8, stage=2, names_cause=True,
    documentation=__doc__,
)  # fmt: skip
