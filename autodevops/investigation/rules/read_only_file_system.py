"""ReadOnlyFileSystem (LOG020, state): a workload writes to a file system that is read-only.

What: read-only file system, EROFS, in the last words of a container that ended, in the tail of one that fails, or in
lines that the time before did not have.

Why it matters: readOnlyRootFilesystem or a read-only mount meets a program that writes; or the node has remounted a
broken disk.

Example: `ledger writes where it may only read: Read-only file system: '/app/cache'`

What to do: mount an emptyDir where it writes, or set the path elsewhere; where it could write before, look at the
node's disk.
"""

from __future__ import annotations

from autodevops.investigation.rules.said import log_rule

RULE = log_rule(
    "LOG020",
    "ReadOnlyFileSystem",
    "writes where it may only read",
    "read-only file system",
    specificity=0.8,
    names_cause=True,
    may_follow=True,
    documentation=__doc__,
)
