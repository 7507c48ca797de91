"""EnvironmentMissing (LOG022, state): a program misses an environment variable or setting.

What: KeyError of an environment variable, required key missing value, unbound variable, could not resolve
placeholder, in the last words of a container that ended, in the tail of one that fails, or in lines that the time
before did not have.

Why it matters: it cannot start; the variable was forgotten, renamed, or lies in a ConfigMap that is not mounted.

Example: `ledger misses a setting: KeyError: 'DB_URL'`

What to do: set it in the pod template, or roll back to the version that does not need it.
"""

from __future__ import annotations

from autodevops.investigation.rules.said import log_rule

RULE = log_rule(
    "LOG022",
    "EnvironmentMissing",
    "misses a setting",
    "environment missing",
    specificity=0.9,
    names_cause=True,
    documentation=__doc__,
)
