"""IdleInTransaction (DB008, state): sessions have begun a transaction and do nothing in it.

What: connections in state `idle in transaction` rose to at least five and three times what was usual and hold a third
of all that are in use, and there is an effect: callers are hurt, sessions wait for locks, or few connections are
left. Without effect it is a habit of a program (some connection pools do so all day).

Why it matters: each holds a connection, its locks, and the rows that vacuum may not remove.

Example: `46 of 60 connections of orders-db are idle in a transaction since 11:36 UTC, 1 before`

What to do: see whose they are (pg_stat_activity by application_name): a call to somebody else within a transaction,
an exception path without rollback. Set idle_in_transaction_session_timeout.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule, clock
from autodevops.investigation.rules.stores import change, hurt_callers, moment, now, ratio, stores

_LEAST = 5.0
_TIMES = 3.0
_SHARE = 1 / 3
_FEW_LEFT = 0.8


def _check(picture: Picture, earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    for store in stores(picture):
        rise = change(
            store.of("idle_in_transaction"), picture, lambda usual: max(_LEAST - 1, _TIMES * usual), floor=0.5
        )
        idle, used = now(store.of("idle_in_transaction"), picture), now(store.of("connections"), picture)
        if rise is None or idle is None or used is None or idle < _SHARE * used:
            continue
        full = now(ratio(store.of("connections"), store.of("connections_limit")), picture) or 0.0
        waits = (now(store.of("lock_waits"), picture) or 0.0) >= _LEAST
        felt = bool(hurt_callers(store.subject, picture, earlier)) or waits or full >= _FEW_LEFT
        yield RULE.finding(
            store.subject,
            f"{idle:.0f} of {used:.0f} connections of {store.subject.name} are idle in a transaction since"
            f" {clock(moment(rise.onset))}, {rise.baseline:.0f} before.",
            severity="error" if felt else "info",
            confidence=0.85,
            evidence=store.evidence("idle_in_transaction", "connections"),
            onset=moment(rise.onset),
        )


RULE = Rule(
    "DB008", "IdleInTransaction", "state", _check, specificity=0.85, stage=2, names_cause=True, shows_elsewhere=True,
    documentation=__doc__,
)  # fmt: skip
