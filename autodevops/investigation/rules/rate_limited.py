"""RateLimited (LOG023, state): a workload is throttled by what it calls.

What: 429, too many requests, ThrottlingException, rate exceeded, quota exceeded, in the last words of a container
that ended, in the tail of one that fails, or in lines that the time before did not have.

Why it matters: the other side protects itself; retries without pause make it worse.

Example: `checkout is throttled by api.example.org: 429 Too Many Requests`

What to do: see what has raised the number of calls; back off, cache, or ask for a higher quota.
"""

from __future__ import annotations

from autodevops.investigation.rules.said import log_rule

RULE = log_rule(
    "LOG023", "RateLimited", "is throttled by {peer}", "rate limited", specificity=0.6, documentation=__doc__
)
