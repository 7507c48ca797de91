"""ConsumersScaledDown (DB022, state): a queue fills since those who take from it were given fewer pods, or none.

What: messages pile up in a queue that has fewer consumers than before, and at most ten minutes before that began a
Deployment that connects to its broker, and that no autoscaler sizes, was given a third fewer pods or more.

Why it matters: what was promised to happen soon waits; a full broker blocks its publishers. Nobody calls consumers, so
nobody sees an error.

Example: `tsdb-writer was scaled from 6 to 0 at 11:03 UTC, and queue readings of readings fills since 11:04 UTC`

What to do: ask whether it was on purpose, and give it back the pods that it had; the backlog takes its time.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.dependency_families import QUEUES
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule, clock
from autodevops.investigation.rules.queue_backlog import fewer_consumers
from autodevops.investigation.rules.scaled_down import LEFT
from autodevops.investigation.rules.scalings import scalings
from autodevops.investigation.rules.stores import stores


def _check(picture: Picture, earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    deserted = {store.subject for store in stores(picture, *QUEUES) if fewer_consumers(store, picture)}
    for full in earlier:
        if full.reason != "QueueBacklog" or full.onset is None or full.severity == "info":
            continue
        for one in scalings(picture):
            broker = next(
                (by for by in deserted if by == full.subject or one.subject == full.subject), None
            )  # it is told of the broker, or of who takes from it where that is known
            if broker is None or one.after > LEFT * one.before or not one.shortly_before(full.onset):
                continue
            if not picture.graph.reaches(one.subject, broker):
                continue
            yield RULE.finding(
                one.subject,
                f"{one.subject.name} was scaled from {one.before} to {one.after} at {clock(one.at)}. {full.message}",
                severity="error",
                confidence=0.92,
                evidence=[*picture.evidence_of("Event"), *full.evidence],
                onset=one.at,
            )


RULE = Rule(
    "DB022", "ConsumersScaledDown", "state", _check, specificity=0.96, stage=3, names_cause=True,
    shows_elsewhere=True, loads_callees=True, documentation=__doc__,
)  # fmt: skip
