"""PeerCertificateExpired (LOG025, state): a workload meets a certificate that has expired.

What: certificate has expired, CERT_HAS_EXPIRED, CertificateExpiredException, in the last words of a container that
ended, in the tail of one that fails, or in lines that the time before did not have.

Why it matters: every new TLS connection to it fails; the culprit is who should have renewed it.

Example: `ledger meets an expired certificate of pay.example.org: x509: certificate has expired`

What to do: renew it (`kubectl get certificates`), and let its server load it.
"""

from __future__ import annotations

from autodevops.investigation.rules.said import log_rule

RULE = log_rule(
    "LOG025",
    "PeerCertificateExpired",
    "meets an expired certificate of {peer}",
    "certificate expired",
    specificity=0.75,
    documentation=__doc__,
)
