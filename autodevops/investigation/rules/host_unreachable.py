"""HostUnreachable (LOG013, state): a workload finds no route to a host.

What: no route to host, network is unreachable, in the last words of a container that ended, in the tail of one that
fails, or in lines that the time before did not have.

Why it matters: packets do not arrive: a node, a network plug-in or a firewall, seldom the program.

Example: `ledger has no route to 10.0.0.5:5432`

What to do: see whether the peer's node is ready, and which NetworkPolicies select the two.
"""

from __future__ import annotations

from autodevops.investigation.rules.said import log_rule

RULE = log_rule(
    "LOG013", "HostUnreachable", "has no route to {peer}", "host unreachable", specificity=0.4, documentation=__doc__
)
