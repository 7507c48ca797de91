"""GCPressure (MET012, state): a program spends its time collecting garbage.

What: at least 10 % of the time in pauses of the garbage collector (JVM by Micrometer, OpenTelemetry or the Prometheus
client, Node.js, .NET), or at least 30 % of the processor time used (Go), where it was less before the window.

Why it matters: requests wait in every pause, and near the end of the heap it does hardly anything else.

Example: `The garbage collector of 2 pods of catalog takes 34 % of the time`.

What to do: look at heap use after collection: where it grows there is a leak, where it is full the heap is too small.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.picture import Picture, Saturation
from autodevops.investigation.rules.base import Rule, percent
from autodevops.investigation.rules.pressures import in_pods, pressed


def _words(item: Saturation, count: int) -> str:
    return f"The garbage collector {in_pods(item.subject, count)} takes {percent(item.ratio)} of the time."


def _check(picture: Picture, earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    return pressed(RULE, picture, earlier, "garbage", _words)


RULE = Rule("MET012", "GCPressure", "state", _check, specificity=0.55, stage=2, documentation=__doc__)
