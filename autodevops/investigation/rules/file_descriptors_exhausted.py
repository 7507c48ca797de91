"""FileDescriptorsExhausted (LOG016, state): a workload has no file descriptors left.

What: too many open files, EMFILE, ENFILE, in the last words of a container that ended, in the tail of one that fails,
or in lines that the time before did not have.

Why it matters: no connection can be accepted or made and no file opened; usually connections or files are not closed.

Example: `ledger has no file descriptors left: accept4: too many open files`

What to do: find what is not closed (`ls /proc/1/fd`); raise the limit only where the load needs it.
"""

from __future__ import annotations

from autodevops.investigation.rules.said import log_rule

RULE = log_rule(
    "LOG016",
    "FileDescriptorsExhausted",
    "has no file descriptors left",
    "file descriptors exhausted",
    specificity=0.85,
    names_cause=True,
    documentation=__doc__,
)
