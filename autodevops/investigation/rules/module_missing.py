"""ModuleMissing (LOG035, state): a program does not find a part of itself.

What: no module named, cannot find module, class not found, a shared library that cannot be loaded, in the last words
of a container that ended, in the tail of one that fails, or in lines that the time before did not have.

Why it matters: the image lacks what the program imports, or the command starts another file than is there.

Example: `ledger does not find a part of itself: No module named 'psycopg2'`

What to do: correct the image's build or the command; roll back meanwhile.
"""

from __future__ import annotations

from autodevops.investigation.rules.said import log_rule

RULE = log_rule(
    "LOG035",
    "ModuleMissing",
    "does not find a part of itself",
    "module missing",
    specificity=0.85,
    names_cause=True,
    documentation=__doc__,
)
