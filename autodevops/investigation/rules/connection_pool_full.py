"""ConnectionPoolFull (MET013, state): all connections of a client's pool are in use and requests wait for one.

What: connections in use over the pool's maximum at or above 95 %, with requests pending (HikariCP, OpenTelemetry's
database client metrics, Go's database/sql), and not so before the window. The pool is the caller's; the database may
be well.

Why it matters: requests wait for a connection before anything is asked of the database, and time out there.

Example: `Pool HikariPool-1 of 3 pods of checkout has 100 % of its connections in use, and requests wait`.

What to do: see whether queries got slower (the database) or connections are held too long (a leak, a long transaction,
a call within it); a larger pool helps only where the database has room.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.picture import Picture, Saturation
from autodevops.investigation.rules.base import Rule, percent
from autodevops.investigation.rules.pressures import in_pods, pressed


def _words(item: Saturation, count: int) -> str:
    where = in_pods(item.subject, count)
    return f"Pool {item.what} {where} has {percent(item.ratio)} of its connections in use, and requests wait."


def _check(picture: Picture, earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    return pressed(RULE, picture, earlier, "connections", _words)


RULE = Rule("MET013", "ConnectionPoolFull", "state", _check, specificity=0.6, stage=2, documentation=__doc__)
