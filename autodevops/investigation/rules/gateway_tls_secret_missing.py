"""GatewayTlsSecretMissing (K8S159, state): a Gateway wants a certificate that it cannot have.

What: a listener whose condition ResolvedRefs is False with reason InvalidCertificateRef (no such Secret, or none of a
certificate) or RefNotPermitted (one of another namespace without a ReferenceGrant). Where the Secret is one that
cert-manager should have made, CertificateNotIssued says more.

Why it matters: the listener is not programmed: its port refuses connections, whatever stands behind it.

Example: `Gateway edge has no certificate for listener https: secret shop/shop-tls not found`

What to do: create the Secret (`kubectl create secret tls`), correct certificateRefs, or grant the reference.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.inventory import items, name_of
from autodevops.investigation.picture import Picture
from autodevops.investigation.rollouts import parse_time
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.certificate_not_issued import awaited_secrets

_REASONS = {"InvalidCertificateRef", "RefNotPermitted"}


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    awaited = awaited_secrets(picture)
    for gateway in picture.inventory.of_kind("Gateway"):
        wanted = {
            str(listener.get("name")): {str(one.get("name")) for one in items(listener, "tls", "certificateRefs")}
            for listener in items(gateway, "spec", "listeners")
        }
        for listener in items(gateway, "status", "listeners"):
            name = str(listener.get("name"))
            for condition in items(listener, "conditions"):
                unresolved = condition.get("type") == "ResolvedRefs" and condition.get("status") == "False"
                if not unresolved or condition.get("reason") not in _REASONS or wanted.get(name, set()) & awaited:
                    continue
                yield RULE.finding(
                    picture.inventory.object_subject(gateway),
                    f"Gateway {name_of(gateway)} has no certificate for listener {name}:"
                    f" {condition.get('message') or condition.get('reason')}",
                    severity="error",
                    confidence=0.95,
                    evidence=picture.evidence_of("Gateway"),
                    onset=parse_time(condition.get("lastTransitionTime")),
                )


RULE = Rule(
    "K8S159", "GatewayTlsSecretMissing", "state", _check, specificity=0.93, names_cause=True,
    shows_elsewhere=True, documentation=__doc__,
)  # fmt: skip
