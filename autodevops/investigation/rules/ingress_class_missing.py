"""IngressClassMissing (K8S143, state): no controller takes an Ingress.

What: an Ingress whose ingressClassName is no class of the cluster; or that names none where no class is the default.

Why it matters: no controller looks at it: its hosts and paths are answered by a default backend, with 404, or by
nobody.

Example: `Ingress shop wants class nginx-internal, which does not exist; there is nginx`

What to do: correct the class, or install its controller.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.inventory import items, metadata, name_of, section
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule

_OLD, _DEFAULT = "kubernetes.io/ingress.class", "ingressclass.kubernetes.io/is-default-class"


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    if "IngressClass" not in picture.listed:
        return
    classes = picture.inventory.of_kind("IngressClass")
    names = {name_of(one) for one in classes}
    default = any(section(metadata(one), "annotations").get(_DEFAULT) == "true" for one in classes)
    for ingress in picture.inventory.of_kind("Ingress"):
        wanted = section(ingress, "spec").get("ingressClassName")
        old = section(metadata(ingress), "annotations").get(_OLD)
        served = bool(items(ingress, "status", "loadBalancer", "ingress"))
        there = ", ".join(sorted(names)) or "none"
        if wanted and wanted not in names:
            words, sure = f"wants class {wanted}, which does not exist; there is {there}", 0.93 if names else 0.75
        elif not wanted and not old and names and not default and not served:
            words, sure = f"names no class, and none is the default; there is {there}", 0.75
        else:
            continue
        if served:
            continue
        yield RULE.finding(
            picture.inventory.object_subject(ingress),
            f"Ingress {name_of(ingress)} {words}.",
            severity="error",
            confidence=sure,
            evidence=picture.evidence_of("Ingress", "IngressClass"),
        )


RULE = Rule(
    "K8S143", "IngressClassMissing", "state", _check, specificity=0.93, names_cause=True,
    shows_elsewhere=True, documentation=__doc__,
)  # fmt: skip
