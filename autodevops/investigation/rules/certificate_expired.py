"""CertificateExpired (K8S042, state): the certificate of an Ingress has ended.

What: a host of an Ingress whose certificate, by the blackbox exporter or the ingress controller in Prometheus, ended
before now. Secrets are never read.

Why it matters: clients refuse the connection before they send a request: traffic falls and nothing fails.

Example: `The certificate of shop.example (Ingress shop) ended at 11:48 UTC`

What to do: renew it; see why what renews it (cert-manager) did not.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.inventory import items, name_of
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule, clock


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    for seen in picture.certificates:
        for ingress in picture.inventory.of_kind("Ingress"):
            hosts = {str(host) for entry in items(ingress, "spec", "tls") for host in entry.get("hosts") or ()}
            if seen.host in hosts and seen.ends <= picture.span.window.end:
                yield RULE.finding(
                    picture.inventory.object_subject(ingress),
                    f"The certificate of {seen.host} (Ingress {name_of(ingress)}) ended at {clock(seen.ends)}.",
                    severity="critical",
                    confidence=0.97,
                    evidence=[seen.evidence],
                    onset=seen.ends,
                )


RULE = Rule(
    "K8S042", "CertificateExpired", "state", _check, specificity=0.95, names_cause=True,
    shows_elsewhere=True, documentation=__doc__,
)  # fmt: skip
