"""ApiAccessForbidden (LOG032, state): a workload may not do what it asks an API for.

What: forbidden by RBAC, AccessDenied of a cloud, missing grants in a database, 403, in the last words of a container
that ended, in the tail of one that fails, or in lines that the time before did not have.

Why it matters: who it is is known, but not allowed: a role, binding, policy or grant is missing or was withdrawn.

Example: `operator may not do what it asks for: User "system:serviceaccount:shop:default" cannot list resource "pods"`

What to do: `kubectl auth can-i ... --as system:serviceaccount:NAMESPACE:NAME`; grant exactly that.
"""

from __future__ import annotations

from autodevops.investigation.rules.said import log_rule

RULE = log_rule(
    "LOG032",
    "ApiAccessForbidden",
    "may not do what it asks for",
    "API access forbidden",
    specificity=0.75,
    names_cause=True,
    documentation=__doc__,
)
