"""ConnectionsExhausted (LOG029, state): a server takes no more connections.

What: too many clients already, too many connections, max number of clients reached, in the last words of a container
that ended, in the tail of one that fails, or in lines that the time before did not have.

Why it matters: whoever connects next is refused; somebody holds more connections than before.

Example: `ledger finds no free connection at db:5432: sorry, too many clients already`

What to do: see who holds them (`pg_stat_activity`, `SHOW PROCESSLIST`, `CLIENT LIST`); limit pools, or put a pooler
between.
"""

from __future__ import annotations

from autodevops.investigation.rules.said import log_rule

RULE = log_rule(
    "LOG029",
    "ConnectionsExhausted",
    "finds no free connection at {peer}",
    "too many connections",
    specificity=0.7,
    as_server="takes no more connections",
    shows_elsewhere=True,
    documentation=__doc__,
)
