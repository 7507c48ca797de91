"""MigrationFailed (LOG039, state): a workload's database migration fails.

What: a table or column that is already there, a migration the image does not have, a lock that an earlier run left, in
the last words of a container that ended, in the tail of one that fails, or in lines that the time before did not have.

Why it matters: the schema is between two versions; each new start fails at the same place.

Example: `ledger does not get through its migration: DuplicateTable: relation "orders" already exists`

What to do: compare the migrations of the image with the table of those that have run; release a lock only when nobody
migrates. What was half done by hand has to be marked as done, or undone.
"""

from __future__ import annotations

from autodevops.investigation.rules.said import log_rule

RULE = log_rule(
    "LOG039",
    "MigrationFailed",
    "does not get through its migration",
    "migration failed",
    specificity=0.8,
    names_cause=True,
    documentation=__doc__,
)
