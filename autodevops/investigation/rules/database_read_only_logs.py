"""DatabaseReadOnly (LOG019, state): a database takes no writes from a workload.

What: the sentences of PostgreSQL, MySQL, Redis, MongoDB, SQLite and Elasticsearch for a write to a replica or a
database that is read-only, in the last words of a container that ended, in the tail of one that fails, or in lines
that the time before did not have.

Why it matters: a failover has moved the primary, or the database has closed itself for writes; reads go on, so it is
half alive.

Example: `ledger may not write to its database: cannot execute INSERT in a read-only transaction`

What to do: see which member is primary and whom the Service selects; see why the database is read-only (a full disk,
a switch).
"""

from __future__ import annotations

from autodevops.investigation.rules.said import log_rule

RULE = log_rule(
    "LOG019",
    "DatabaseReadOnly",
    "may not write to its database",
    "read-only database",
    specificity=0.7,
    as_server="takes no writes",
    shows_elsewhere=True,
    documentation=__doc__,
)
