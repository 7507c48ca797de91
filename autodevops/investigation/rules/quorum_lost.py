"""QuorumLost (DB019, state): members of a cluster that elects a leader have none.

What: etcd_server_has_leader is 0 at the window's end and was 1 before. Without a majority of its members etcd elects
nobody and answers no write and no linearizable read; members that are gone say nothing themselves.

Why it matters: all that keep their state in it stand still, though the members that are left run.

Example: `etcd-1 has no leader since 11:41 UTC`

What to do: bring back members until a majority runs (`etcdctl endpoint status --cluster`); only where they are lost for
good restore from a snapshot.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule, clock
from autodevops.investigation.rules.stores import before, moment, since_beyond, stores


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    for store in stores(picture):
        leader = store.of("has_leader")
        since = since_beyond(leader, 0.5, below=True)
        if since is not None and before(leader, since):
            yield RULE.finding(
                store.subject,
                f"{store.subject.name} has no leader since {clock(moment(since))}.",
                severity="critical",
                confidence=0.95,
                evidence=store.evidence("has_leader"),
                onset=moment(since),
            )


RULE = Rule(
    "DB019", "QuorumLost", "state", _check, specificity=0.95, stage=2, names_cause=True, shows_elsewhere=True,
    documentation=__doc__,
)  # fmt: skip
