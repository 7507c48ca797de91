"""CertificateExpiring (MET022, state): the certificate of a probed address ends within a week, or has ended.

What: probe_ssl_earliest_cert_expiry of the blackbox exporter, for addresses beside Kubernetes. Whoever renews does so
weeks before (certbot and cert-manager after two thirds of its life), so that a week left says that nobody did. Of
certificates of Ingresses CertificateExpired speaks once they have ended.

Why it matters: at that moment every client refuses the connection, all at once.

Example: `The certificate of shop.example ends in 3 days, on 12 December`

What to do: renew it now, see that the server has loaded it, then why the renewal did not run.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from autodevops.domain.finding import Finding
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule, clock

_SOON = timedelta(days=7)


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    end = picture.span.window.end
    for seen in picture.certificates if not picture.inventory.namespace else ():
        left = seen.ends - end
        if left > _SOON:
            continue
        over = seen.ends <= end
        ends = f"ended at {clock(seen.ends)}" if over else f"ends in {left.days} days, on {seen.ends:%d %B}"
        yield RULE.finding(
            picture.inventory.service(seen.host),
            f"The certificate of {seen.host} {ends}.",
            severity="critical" if over else "warning",
            confidence=0.97,
            evidence=[seen.evidence],
            onset=seen.ends if over else None,
        )


RULE = Rule(
    "MET022", "CertificateExpiring", "state", _check, specificity=0.95, names_cause=True, shows_elsewhere=True,
    documentation=__doc__,
)  # fmt: skip
