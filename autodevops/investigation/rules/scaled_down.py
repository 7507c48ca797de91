"""ScaledDown (K8S151, state): a workload was given fewer pods, and those that are left do not keep up.

What: a Deployment that no autoscaler sizes was given a third fewer pods or more, and within ten minutes after that it
became short of processor time, slower, began to fail, or ran out of threads or connections.

Why it matters: the load is the same and meets fewer pods; no limit, release or callee is wrong.

Example: `quotes was scaled from 5 to 1 at 09:12 UTC, and is throttled in 95 % of its CPU periods since 09:14 UTC`

What to do: give it back the pods that it had, and scale down what it was meant to save in smaller steps.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from autodevops.domain.finding import Finding
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule, clock
from autodevops.investigation.rules.scalings import scalings

LEFT: Final = 2 / 3  # of the pods: a step that most services have room for changes nothing
_SHORT: Final = {
    "CPUThrottled", "CPUSaturated", "LatencyIncreased", "ErrorRateIncreased", "ErrorRateHigh", "ConnectionPoolFull",
    "ConnectionPoolExhausted", "ThreadPoolExhausted",
}  # fmt: skip


def _check(picture: Picture, earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    for one in scalings(picture):
        if not 0 < one.after <= LEFT * one.before:
            continue
        short = [
            found
            for found in earlier
            if found.subject == one.subject
            and found.reason in _SHORT
            and found.severity != "info"
            and found.onset is not None
            and one.shortly_before(found.onset)
        ]
        if short:
            first = min(short, key=lambda found: (found.onset or one.at, found.rule_id))
            yield RULE.finding(
                one.subject,
                f"{one.subject.name} was scaled from {one.before} to {one.after} at {clock(one.at)}. {first.message}",
                severity="error",
                confidence=0.9,
                evidence=[*picture.evidence_of("Event"), *first.evidence],
                onset=one.at,
            )


RULE = Rule("K8S151", "ScaledDown", "state", _check, specificity=0.95, stage=3, names_cause=True, documentation=__doc__)
