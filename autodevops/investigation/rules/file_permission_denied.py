"""FilePermissionDenied (LOG031, state): a program may not read, write or run what it needs.

What: permission denied, EACCES, operation not permitted, in the last words of a container that ended, in the tail of
one that fails, or in lines that the time before did not have.

Why it matters: user and group of the container do not fit the files: runAsUser, fsGroup, a new image, or a port below
1024.

Example: `ledger is denied access: open /data/store.db: permission denied`

What to do: compare securityContext with the owner of the files; fsGroup makes volumes accessible.
"""

from __future__ import annotations

from autodevops.investigation.rules.said import log_rule

RULE = log_rule(
    "LOG031",
    "FilePermissionDenied",
    "is denied access",
    "permission denied",
    specificity=0.7,
    names_cause=True,
    documentation=__doc__,
)
