"""CertificateNotIssued (K8S098, state): cert-manager cannot issue a certificate that an Ingress or a Gateway needs.

What: a Certificate (cert-manager.io) whose condition Ready has been False for ten minutes, where its Secret does not
exist yet or its certificate has ended. One that is renewed while the old still holds is no fault. Certificates are
looked at only where an Ingress or a Gateway of the namespace is annotated for cert-manager.

Why it matters: the Ingress serves its controller's own certificate, and clients refuse it; the Gateway's listener does
not open.

Example: `Certificate shop-tls is not issued since 03:35 UTC: Issuing certificate as Secret does not exist`

What to do: follow its CertificateRequest, Order and Challenge (`kubectl describe`), then its Issuer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from autodevops.domain.finding import Finding
from autodevops.investigation.inventory import Object, items, name_of, section
from autodevops.investigation.picture import Picture
from autodevops.investigation.rollouts import parse_time
from autodevops.investigation.rules.base import Rule, clock

_LEAST = timedelta(minutes=10)  # a DNS challenge takes some minutes


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    for certificate, since, words in _unissued(picture):
        yield RULE.finding(
            picture.inventory.object_subject(certificate),
            f"Certificate {name_of(certificate)} is not issued since {clock(since)}: {words}",
            severity="error",
            confidence=0.93,
            evidence=picture.evidence_of("Certificate"),
            onset=since,
        )


def _unissued(picture: Picture) -> Iterator[tuple[Object, datetime, str]]:
    end = picture.span.window.end
    for certificate in picture.inventory.of_kind("Certificate"):
        holds = parse_time(section(certificate, "status").get("notAfter"))
        for condition in items(certificate, "status", "conditions"):
            since = parse_time(condition.get("lastTransitionTime"))
            unready = condition.get("type") == "Ready" and condition.get("status") == "False"
            if unready and since is not None and end - since >= _LEAST and (holds is None or holds <= end):
                yield certificate, since, str(condition.get("message") or condition.get("reason"))


def awaited_secrets(picture: Picture) -> set[str]:
    """Secrets that certificates of this rule should fill: that they are missing is told by it."""
    return {str(section(certificate, "spec").get("secretName")) for certificate, _, _ in _unissued(picture)}


RULE = Rule(
    "K8S098", "CertificateNotIssued", "state", _check, specificity=0.9, names_cause=True, shows_elsewhere=True,
    documentation=__doc__,
)  # fmt: skip
