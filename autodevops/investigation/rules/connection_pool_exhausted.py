"""ConnectionPoolExhausted (LOG028, state): a workload has no connection left in its pool.

What: HikariCP, SQLAlchemy, psycopg, node-postgres, Active Record and others waiting in vain for a connection, in the
last words of a container that ended, in the tail of one that fails, or in lines that the time before did not have.

Why it matters: requests wait for connections that do not come back: queries have become slow, connections leak, or
the pool is small.

Example: `checkout has no connection left in its pool: HikariPool-1 - Connection is not available`

What to do: look at the database's latency first, then for connections that are not returned.
"""

from __future__ import annotations

from autodevops.investigation.rules.said import log_rule

RULE = log_rule(
    "LOG028",
    "ConnectionPoolExhausted",
    "has no connection left in its pool",
    "connection pool exhausted",
    specificity=0.6,
    documentation=__doc__,
)
