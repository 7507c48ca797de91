"""TransactionIDsRunOut (DB026, state): PostgreSQL comes close to the end of its transaction numbers.

What: the oldest row that is not frozen is 1.6 billion transactions behind or more (CloudWatch's
MaximumUsedTransactionIDs, postgres_exporter's pg_database_wraparound), which is where vacuum itself gives up everything
else (vacuum_failsafe_age). The usual 200 million, at which it begins to freeze, are none; nor is a number that has come
down by a tenth within the window: it is being taken care of.

Why it matters: at 2.1 billion the server takes no more writes until it has been vacuumed.

Example: `tenant-prod has used 1.98 of 2.15 billion transaction numbers`

What to do: end what holds them: the oldest transaction (pg_stat_activity.backend_xmin), prepared transactions, unused
replication slots; then `vacuum (freeze)` the oldest tables (pg_class.relfrozenxid), with little cost delay.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.stores import latest, stores
from autodevops.investigation.rules.strain import fallen

_FAILSAFE = 1.6e9
_MOST = 2.0**31
_LESS = 0.9


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    for store in stores(picture):
        used = store.of("transaction_ids")
        level = latest(used, picture)
        if level is None or level < _FAILSAFE or fallen(used, picture, to=_LESS) is not None:
            continue
        yield RULE.finding(
            store.subject,
            f"{store.subject.name} has used {level / 1e9:.2f} of {_MOST / 1e9:.2f} billion transaction numbers.",
            severity="error",
            confidence=0.9,
            evidence=store.evidence("transaction_ids"),
        )


RULE = Rule(
    "DB026", "TransactionIDsRunOut", "state", _check, specificity=0.9, stage=2, names_cause=True, documentation=__doc__
)
