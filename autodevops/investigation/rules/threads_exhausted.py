"""ThreadsExhausted (LOG017, state): a workload cannot start another thread or process.

What: unable to create native thread, can't start new thread, fork: resource temporarily unavailable, in the last
words of a container that ended, in the tail of one that fails, or in lines that the time before did not have.

Why it matters: the pod's limit of processes is reached, or memory for stacks; the program stalls or dies.

Example: `ledger cannot start another thread: unable to create native thread`

What to do: count its threads; a pool without bound is the usual cause, a low pid limit of the node the other.
"""

from __future__ import annotations

from autodevops.investigation.rules.said import log_rule

RULE = log_rule(
    "LOG017",
    "ThreadsExhausted",
    "cannot start another thread",
    "threads exhausted",
    specificity=0.85,
    names_cause=True,
    documentation=__doc__,
)
