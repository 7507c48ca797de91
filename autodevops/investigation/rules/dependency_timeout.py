"""DependencyTimeout (LOG014, state): calls of a workload time out.

What: timeouts in the words of clients and drivers, in the last words of a container that ended, in the tail of one
that fails, or in lines that the time before did not have.

Why it matters: the peer is slow, gone without refusing, or packets are dropped; the workload itself only waits.

Example: `checkout waits in vain for stock:8080 (Service stock): Read timed out`

What to do: look at the peer's latency and at what lies between; raising the timeout hides it.
"""

from __future__ import annotations

from autodevops.investigation.rules.said import log_rule

RULE = log_rule(
    "LOG014", "DependencyTimeout", "waits in vain for {peer}", "timeout", specificity=0.3, documentation=__doc__
)
