"""CertificateNotTrusted (LOG024, state): a workload does not accept the certificate of what it calls.

What: unknown authority, self-signed, PKIX path building failed, a certificate for another name, in the last words of
a container that ended, in the tail of one that fails, or in lines that the time before did not have.

Why it matters: no TLS connection comes about: a certificate authority is missing in the image, was replaced, or the
name is not in the certificate.

Example: `ledger does not trust the certificate of pay.example.org: certificate signed by unknown authority`

What to do: give the caller the authority's certificate, or the callee one with the name that is called.
"""

from __future__ import annotations

from autodevops.investigation.rules.said import log_rule

RULE = log_rule(
    "LOG024",
    "CertificateNotTrusted",
    "does not trust the certificate of {peer}",
    "certificate not trusted",
    "certificate for another name",
    specificity=0.8,
    names_cause=True,
    documentation=__doc__,
)
