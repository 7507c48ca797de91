"""IngressMisrouted (K8S144, state): an Ingress sends a path to another Service than it is meant for.

What: a path or host that speaks of one Service (`/cart`, `cart.example`) and leads to another, in an Ingress where at
least two others lead where they say; or one host and path that two Ingresses send to different Services.

Why it matters: the program behind answers, with 404 or with something else: everything is up and requests fail.

Example: `Ingress shop sends /cart to Service catalog, where cart seems meant`

What to do: correct the backend of that path, or remove one of the two.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.domain.subject import Subject
from autodevops.investigation.inventory import Object, items, metadata, name_of, section
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.routes import LEAST_THAT_SAY, meant_by


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    services = {name_of(service) for service in picture.inventory.services}
    owners: dict[tuple[str, str, str], list[tuple[Subject, str, str]]] = {}
    for ingress in picture.inventory.of_kind("Ingress"):
        subject = picture.inventory.object_subject(ingress)
        routes = list(_routes(ingress))
        kept = sum(1 for host, path, name in routes if meant_by(host, path, services) == name)
        for host, path, name in routes:
            meant = meant_by(host, path, services)
            canary = section(metadata(ingress), "annotations").get("nginx.ingress.kubernetes.io/canary") == "true"
            if not canary:
                cls = str(section(ingress, "spec").get("ingressClassName") or "")
                owners.setdefault((cls, host, path), []).append(
                    (subject, name, str(metadata(ingress).get("creationTimestamp", "")))
                )
            if meant and meant != name and kept >= LEAST_THAT_SAY:
                yield _finding(
                    picture, subject, f"sends {host}{path} to Service {name}, where {meant} seems meant", 0.85
                )
    for (_, host, path), found in sorted(owners.items()):
        if len({name for _, name, _ in found}) > 1 and len({subject for subject, _, _ in found}) > 1:
            newest = max(found, key=lambda row: (row[2], str(row[0])))
            others = ", ".join(sorted({subject.name for subject, name, _ in found if name != newest[1]}))
            yield _finding(
                picture,
                newest[0],
                f"sends {host}{path} to Service {newest[1]}, and Ingress {others} sends it elsewhere",
                0.8,
            )


def _finding(picture: Picture, subject: Subject, words: str, sure: float) -> Finding:
    return RULE.finding(
        subject,
        f"Ingress {subject.name} {words}.",
        severity="error",
        confidence=sure,
        evidence=picture.evidence_of("Ingress", "Service"),
    )


def _routes(ingress: Object) -> Iterable[tuple[str, str, str]]:
    """Host, path and Service of every path."""
    for rule in items(ingress, "spec", "rules"):
        for path in items(rule, "http", "paths"):
            yield (
                str(rule.get("host") or ""),
                str(path.get("path") or "/"),
                str(section(path, "backend", "service").get("name", "")),
            )


RULE = Rule(
    "K8S144", "IngressMisrouted", "state", _check, specificity=0.93, names_cause=True,
    shows_elsewhere=True, documentation=__doc__,
)  # fmt: skip
