"""ScaledBeyondConnections (DB021, state): a client was scaled up, and its database has no connection left.

What: connections of a store are exhausted, and at most ten minutes before that began a workload that calls it, and
that no autoscaler sizes, was given half as many pods again or more.

Why it matters: each pod keeps a pool of its own, so that pods times pool must stay below the server's limit; more
clients make it worse for all of them, and no restart of the database helps.

Example: `tsdb-writer was scaled from 6 to 40 at 11:40 UTC, and tsdb has no connection left since 11:40 UTC`

What to do: scale it back, or make its pools smaller, or put a pooler before the database.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from autodevops.domain.finding import Finding
from autodevops.domain.subject import Subject
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule, clock
from autodevops.investigation.rules.scalings import scalings

_TIMES: Final = 1.5


def _check(picture: Picture, earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    told: set[Subject] = set()
    for full in earlier:
        if full.reason != "ConnectionsExhausted" or full.onset is None or full.severity == "info":
            continue
        for one in scalings(picture):
            if one.after < _TIMES * one.before or one.subject in told or not one.shortly_before(full.onset):
                continue
            if not picture.graph.reaches(one.subject, full.subject):
                continue
            told.add(one.subject)
            yield RULE.finding(
                one.subject,
                f"{one.subject.name} was scaled from {one.before} to {one.after} at {clock(one.at)}, and"
                f" {full.subject.name} has no connection left since {clock(full.onset)}.",
                severity="error",
                confidence=0.9,
                evidence=[*picture.evidence_of("Event"), *full.evidence],
                onset=one.at,
            )


RULE = Rule(
    "DB021", "ScaledBeyondConnections", "state", _check, specificity=0.96, stage=3, names_cause=True,
    shows_elsewhere=True, loads_callees=True, documentation=__doc__,
)  # fmt: skip
