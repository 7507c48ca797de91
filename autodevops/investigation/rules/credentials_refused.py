"""CredentialsRefused (LOG010, state): a database, broker or API refuses the credentials of a workload.

What: the sentences with which PostgreSQL, MySQL, MongoDB, Redis, Kafka, RabbitMQ and HTTP APIs (401) refuse a log-in,
in the last words of a container that ended, in the tail of one that fails, or in lines that the time before did not
have. What a database writes about its own clients is passed over.

Why it matters: user, password or key and what the other side knows have parted; retrying does not help.

Example: `ledger is refused its credentials by db:5432 (Service db): password authentication failed for user "app"`

What to do: compare the Secret with the other side; after a rotation, restart who still holds the old one.
"""

from __future__ import annotations

from autodevops.investigation.rules.said import log_rule

RULE = log_rule(
    "LOG010",
    "CredentialsRefused",
    "is refused its credentials by {peer}",
    "database credentials refused",
    "credentials refused",
    specificity=0.8,
    names_cause=True,
    as_server="",
    documentation=__doc__,
)
