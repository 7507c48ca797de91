"""LockContention (LOG030, state): statements of a workload wait for locks or deadlock.

What: deadlock detected, lock wait timeout, could not serialize access, database is locked, in the last words of a
container that ended, in the tail of one that fails, or in lines that the time before did not have.

Why it matters: transactions stand in each other's way: a long one, a migration, or two orders of locking.

Example: `ledger waits for locks: deadlock detected`

What to do: find the transaction that holds them (`pg_locks`, `SHOW ENGINE INNODB STATUS`) and end it.
"""

from __future__ import annotations

from autodevops.investigation.rules.said import log_rule

RULE = log_rule(
    "LOG030",
    "LockContention",
    "waits for locks",
    "lock contention",
    specificity=0.6,
    as_server="lets statements wait for locks",
    shows_elsewhere=True,
    documentation=__doc__,
)
