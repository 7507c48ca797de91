"""ScaledBeyondConnections (DB021, state): a client was scaled up, and its database has no connection left.

What: connections of a store are exhausted, and at most ten minutes before that began a workload that calls it, and
that no autoscaler sizes, was given half as many pods again or more.

Why it matters: each pod keeps a pool of its own, so that pods times pool must stay below the server's limit; more
clients make it worse for all of them, and no restart of the database helps.

Example: `tsdb-writer was scaled from 6 to 40 at 11:40 UTC, and tsdb has no connection left since 11:40 UTC`

What to do: scale it back, or make its pools smaller, or put a pooler before the database.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from autodevops.domain.finding import Finding
from autodevops.domain.subject import Subject
from autodevops.investigation.inventory import section
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule, clock
from autodevops.investigation.rules.pods import SeenEvent, events

_BEFORE: Final = timedelta(minutes=10)
_SLACK: Final = timedelta(minutes=2)
_TIMES: Final = 1.5
# `to 40 from 6` until Kubernetes 1.28, `from 6 to 40` since.
_SCALED: Final = re.compile(
    r"Scaled up replica set \S+ (?:to (?P<to>\d+) from (?P<of>\d+)|from (?P<was>\d+) to (?P<now>\d+))"
)


def _check(picture: Picture, earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    sized = {picture.inventory.scaled_by(one) for one in picture.inventory.of_kind("HorizontalPodAutoscaler")}
    told: set[Subject] = set()
    for full in earlier:
        if full.reason != "ConnectionsExhausted" or full.onset is None or full.severity == "info":
            continue
        for event in events(picture, "ScalingReplicaSet"):
            found = _scaled_up(event, picture)
            if found is None or event.subject is None or event.subject in sized | told:
                continue
            if not _shortly_before(event.last, full.onset) or not picture.graph.reaches(event.subject, full.subject):
                continue
            told.add(event.subject)
            yield RULE.finding(
                event.subject,
                f"{event.subject.name} was scaled from {found[0]} to {found[1]} at {clock(event.last)}, and"
                f" {full.subject.name} has no connection left since {clock(full.onset)}.",
                severity="error",
                confidence=0.9,
                evidence=[*picture.evidence_of("Event"), *full.evidence],
                onset=event.last,
            )


def _scaled_up(event: SeenEvent, picture: Picture) -> tuple[int, int] | None:
    """Pods before and after, where the workload still wants as many; a rollout's new pods begin at none."""
    match = _SCALED.search(event.message)
    workload = picture.inventory.workload(event.subject) if event.subject is not None else None
    if match is None or workload is None:
        return None
    before, after = int(match["of"] or match["was"]), int(match["to"] or match["now"])
    still = section(workload.object, "spec").get("replicas") == after
    return (before, after) if before > 0 and after >= _TIMES * before and still else None


def _shortly_before(at: datetime, onset: datetime) -> bool:
    return onset - _BEFORE <= at <= onset + _SLACK


RULE = Rule(
    "DB021", "ScaledBeyondConnections", "state", _check, specificity=0.96, stage=3, names_cause=True,
    shows_elsewhere=True, loads_callees=True, documentation=__doc__,
)  # fmt: skip
