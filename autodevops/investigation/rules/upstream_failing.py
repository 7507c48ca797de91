"""UpstreamFailing (LOG041, state): who a workload calls answers with errors of its own.

What: status 500, 502, 503 or 504, bad gateway, no healthy upstream, an open circuit breaker, in the last words of a
container that ended, in the tail of one that fails, or in lines that the time before did not have.

Why it matters: the trouble is behind the one who says so; it gives up for want of an answer.

Example: `cart is answered with errors by pricing: 503 Server Error: Service Unavailable`

What to do: look at the peer's own pods, and at what stands between.
"""

from __future__ import annotations

from autodevops.investigation.rules.said import log_rule

RULE = log_rule(
    "LOG041",
    "UpstreamFailing",
    "is answered with errors by {peer}",
    "upstream failure",
    specificity=0.4,
    documentation=__doc__,
)
