"""IngressTlsSecretMissing (K8S146, state): an Ingress wants a certificate from a Secret that is not there.

What: a Secret named under tls of an Ingress that the namespace does not have, or that is not of type
kubernetes.io/tls. Where the Secret is one that cert-manager should have made, CertificateNotIssued says more.

Why it matters: the controller shows a certificate of its own making, which no client trusts.

Example: `Ingress shop takes its certificate from Secret shop-tls, which does not exist`

What to do: create the Secret (`kubectl create secret tls`), or see why cert-manager does not: `kubectl get
certificate`.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.inventory import items, name_of
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.certificate_not_issued import awaited_secrets


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    if "Secret" not in picture.listed:
        return
    kinds = {name_of(secret): str(secret.get("type") or "") for secret in picture.inventory.of_kind("Secret")}
    awaited = awaited_secrets(picture)
    for ingress in picture.inventory.of_kind("Ingress"):
        for name in sorted(
            {str(entry["secretName"]) for entry in items(ingress, "spec", "tls") if entry.get("secretName")}
        ):
            if "/" in name or name in awaited or kinds.get(name) in ("kubernetes.io/tls", ""):
                continue
            fault = f"which is of type {kinds[name]}" if name in kinds else "which does not exist"
            yield RULE.finding(
                picture.inventory.object_subject(ingress),
                f"Ingress {name_of(ingress)} takes its certificate from Secret {name}, {fault}.",
                severity="error",
                confidence=0.9,
                evidence=picture.evidence_of("Ingress", "Secret"),
            )


RULE = Rule(
    "K8S146", "IngressTlsSecretMissing", "state", _check, specificity=0.93, names_cause=True,
    shows_elsewhere=True, documentation=__doc__,
)  # fmt: skip
