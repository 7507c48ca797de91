"""ConnectionRefused (LOG012, state): a workload is refused a connection.

What: ECONNREFUSED in the words of Go, Node, Java, Python, libpq and others, in the last words of a container that
ended, in the tail of one that fails, or in lines that the time before did not have; the peer is named, with its
Service and workload where they are known.

Why it matters: nobody listens there: the peer is down, or the port is wrong. The peer is the likelier culprit.

Example: `ledger is refused connections by db:5432 (Service db, Deployment postgres)`

What to do: look at the peer first; then compare the port with its Service and what it listens on.
"""

from __future__ import annotations

from autodevops.investigation.rules.said import log_rule

RULE = log_rule(
    "LOG012",
    "ConnectionRefused",
    "is refused connections by {peer}",
    "connection refused",
    specificity=0.55,
    documentation=__doc__,
)
