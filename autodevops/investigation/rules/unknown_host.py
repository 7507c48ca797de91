"""UnknownHost (LOG011, state): a workload cannot resolve a host's name.

What: no such host, ENOTFOUND, EAI_AGAIN, UnknownHostException, name or service not known, in the last words of a
container that ended, in the tail of one that fails, or in lines that the time before did not have.

Why it matters: the name is wrong, its Service is gone, or DNS does not answer; nothing is called at all.

Example: `ledger cannot resolve postgres: no such host`

What to do: compare the name with the Services of the namespace; where every name fails, look at cluster DNS.
"""

from __future__ import annotations

from autodevops.investigation.rules.said import log_rule

RULE = log_rule(
    "LOG011", "UnknownHost", "cannot resolve {peer}", "unknown host", specificity=0.7, documentation=__doc__
)
