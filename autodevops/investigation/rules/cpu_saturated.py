"""CPUSaturated (MET010, state): containers of a workload use all the CPU they may.

What: CPU use (cAdvisor) at or above 90 % of the limit (kube-state-metrics) at the window's end. It is context where the
workload is neither slow nor failing, and where it was so before the window, too: that is what a limit is for.

Why it matters: what more is asked of it waits; the kernel throttles it in every period.

Example: `Containers of 3 pods of recommendation use 98 % of their CPU limit`.

What to do: raise the limit or add replicas where it gets more requests; look at its latest change where it does not.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.picture import Picture, Saturation
from autodevops.investigation.rules.base import Rule, percent
from autodevops.investigation.rules.pressures import in_pods, pressed


def _words(item: Saturation, count: int) -> str:
    return f"Containers {in_pods(item.subject, count)} use {percent(item.ratio)} of their CPU limit."


def _check(picture: Picture, earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    return pressed(RULE, picture, earlier, "cpu", _words)


RULE = Rule("MET010", "CPUSaturated", "state", _check, specificity=0.5, stage=2, documentation=__doc__)
