"""By whom a workload was given more or fewer pods, and when, as its Deployment's controller noted it. Shared."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from autodevops.domain.subject import Subject
from autodevops.investigation.inventory import section
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.pods import events

_BEFORE: Final = timedelta(minutes=10)
_SLACK: Final = timedelta(minutes=2)
_ROLLS: Final = timedelta(minutes=10)  # between the steps of a rollout, which scales two replica sets
# `to 40 from 6` until Kubernetes 1.28, `from 6 to 40` since.
_SCALED: Final = re.compile(
    r"Scaled (?:up|down) replica set (?P<set>\S+) (?:to (?P<to>\d+) from (?P<of>\d+)|from (?P<was>\d+) to (?P<now>\d+))"
)


@dataclass(frozen=True)
class Scaling:
    subject: Subject
    at: datetime
    before: int
    after: int

    def shortly_before(self, onset: datetime) -> bool:
        """Whether what began then can have come of it."""
        return onset - _BEFORE <= self.at <= onset + _SLACK


def scalings(picture: Picture) -> Iterator[Scaling]:
    """What somebody did that still holds: nothing that an autoscaler sizes, and no rollout, which takes the pods of one
    template for those of another and leaves as many as are wanted."""
    sized = {picture.inventory.scaled_by(one) for one in picture.inventory.of_kind("HorizontalPodAutoscaler")}
    noted = [(event, _SCALED.search(event.message)) for event in events(picture, "ScalingReplicaSet")]
    sets = [(event.subject, match["set"], event.last) for event, match in noted if match]
    for event, match in noted:
        workload = picture.inventory.workload(event.subject) if event.subject is not None else None
        if match is None or workload is None or event.subject is None or event.subject in sized:
            continue
        if any(of == event.subject and one != match["set"] and abs(at - event.last) < _ROLLS for of, one, at in sets):
            continue
        before, after = int(match["of"] or match["was"]), int(match["to"] or match["now"])
        if before > 0 and section(workload.object, "spec").get("replicas") == after:
            yield Scaling(event.subject, event.last, before, after)
