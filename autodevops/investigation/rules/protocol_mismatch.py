"""ProtocolMismatch (LOG036, state): two sides speak different protocols.

What: HTTP met with TLS or the other way round, a malformed response, a wrong version number, in the last words of a
container that ended, in the tail of one that fails, or in lines that the time before did not have.

Why it matters: the port is open, so it looks alive, but it is another one than is meant, or TLS is on at one side
alone.

Example: `ledger and pay:8443 speak different protocols: server gave HTTP response to HTTPS client`

What to do: compare the scheme and port of the address with what the callee serves there.
"""

from __future__ import annotations

from autodevops.investigation.rules.said import log_rule

RULE = log_rule(
    "LOG036",
    "ProtocolMismatch",
    "and {peer} speak different protocols",
    "protocol mismatch",
    specificity=0.75,
    names_cause=True,
    documentation=__doc__,
)
