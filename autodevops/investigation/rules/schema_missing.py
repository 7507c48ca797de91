"""SchemaMissing (LOG021, state): a workload asks for a table, column, topic or queue that is not there.

What: relation does not exist, unknown column, no such table, pending migrations, in the last words of a container
that ended, in the tail of one that fails, or in lines that the time before did not have.

Why it matters: program and schema are of different versions: a migration has not run, has failed, or ran too early.

Example: `ledger misses a part of its schema: relation "orders" does not exist`

What to do: see whether the migration job of this version ran and how it ended; run it, or roll back.
"""

from __future__ import annotations

from autodevops.investigation.rules.said import log_rule

RULE = log_rule(
    "LOG021",
    "SchemaMissing",
    "misses a part of its schema",
    "schema missing",
    specificity=0.8,
    names_cause=True,
    documentation=__doc__,
)
