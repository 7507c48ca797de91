"""ConfigurationInvalid (LOG034, state): a program rejects its configuration.

What: a configuration file that is not there, cannot be parsed or has an unknown directive, in the last words of a
container that ended, in the tail of one that fails, or in lines that the time before did not have.

Why it matters: it cannot start, whatever its image: the file was changed, or is mounted elsewhere.

Example: `ledger rejects its configuration: yaml: line 12: did not find expected key`

What to do: compare the ConfigMap and where it is mounted with the last version that ran.
"""

from __future__ import annotations

from autodevops.investigation.rules.said import log_rule

RULE = log_rule(
    "LOG034",
    "ConfigurationInvalid",
    "rejects its configuration",
    "configuration invalid",
    specificity=0.8,
    names_cause=True,
    documentation=__doc__,
)
