"""TargetDown (MET020, state): a program that Prometheus scraped does not answer any more.

What: `up` of a scraped address is 0 at the window's end and was 1 before, where no cluster can be read that would say
what became of its pod. All addresses of a service: it is down; some: it is short of them. Of a store with an exporter
of its own only the exporter is known to be gone, which is context.

Why it matters: what does not answer a scrape seldom answers anybody else.

Example: `None of the 2 targets of app answers since 11:41 UTC`

What to do: see the process on its host (`systemctl status`, its log); where it runs, the port and firewall between.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

import numpy as np

from autodevops.domain.finding import Finding
from autodevops.investigation.dependency_families import EXPORTERS
from autodevops.investigation.picture import Picture, Target
from autodevops.investigation.rules.base import Rule, clock
from autodevops.investigation.rules.stores import moment

_STEADY = 0.95  # of the scrapes before
_LEAST_SECONDS = 45.0
_BEHIND_EXPORTERS = {exporter.system for exporter in EXPORTERS if not exporter.own}


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    exported = {reading.subject for reading in picture.readings if reading.system in _BEHIND_EXPORTERS}
    for subject, group in groupby(picture.targets, lambda target: target.subject):
        targets = list(group)
        gone = {target.instance: since for target in targets if (since := _down_since(target)) is not None}
        if not gone:
            continue
        every = len(gone) == len(targets)
        count = f"The target {next(iter(gone))}" if len(targets) == 1 else f"None of the {len(targets)} targets"
        some = f"{len(gone)} of {len(targets)} targets of {subject.name} do not answer"
        since = min(gone.values())
        yield RULE.finding(
            subject,
            f"{count} of {subject.name} answers since {clock(moment(since))}."
            if every and len(targets) > 1
            else f"{count} of {subject.name} does not answer since {clock(moment(since))}."
            if every
            else f"{some} since {clock(moment(since))}.",
            severity="info" if subject in exported else "critical" if every else "error",
            confidence=0.9 if every else 0.8,
            evidence=[targets[0].evidence],
            onset=moment(since),
        )


def _down_since(target: Target) -> float | None:
    """Since when it has not answered without a break, if it did before. One that comes and goes is slow, not gone."""
    values = target.values
    answered = np.flatnonzero(values > 0.5)
    if not len(answered) or answered[-1] == len(values) - 1:
        return None
    since = float(target.times[answered[-1] + 1])
    steady = float(np.mean(values[: answered[-1] + 1] > 0.5)) >= _STEADY
    return since if steady and float(target.times[-1]) - since >= _LEAST_SECONDS else None


RULE = Rule(
    "MET020", "TargetDown", "state", _check, specificity=0.85, names_cause=True, shows_elsewhere=True,
    documentation=__doc__,
)  # fmt: skip
