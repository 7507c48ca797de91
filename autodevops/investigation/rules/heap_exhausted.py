"""HeapExhausted (LOG033, state): a program runs out of memory by its own account.

What: Java heap space, JavaScript heap out of memory, MemoryError, Redis at maxmemory, a worker whose parent
finds it killed for memory, in the last words of a container that ended, in the tail of one that fails, or in lines
that the time before did not have.

Why it matters: the runtime's own limit is reached before the container's: the kubelet sees no OOMKilled.

Example: `ledger runs out of memory: java.lang.OutOfMemoryError: Java heap space`

What to do: set the heap by the container's limit (-XX:MaxRAMPercentage, --max-old-space-size); find what grows.
"""

from __future__ import annotations

from autodevops.investigation.rules.said import log_rule

RULE = log_rule(
    "LOG033", "HeapExhausted", "runs out of memory", "memory exhausted", specificity=0.75, documentation=__doc__
)
