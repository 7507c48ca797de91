"""PIDPressure (K8S116, state): a node runs out of process ids.

What: a node with pods of the namespace that reports PIDPressure, or that evicted some in the window for want of pids.

Why it matters: nothing on it can start a process or thread; the kubelet evicts pods.

Example: `Node node-2 reports PIDPressure (kubelet has insufficient PID available) since 03:22 UTC; 4 pods of this
namespace are on it`

What to do: find who leaks processes or threads, and set `podPidsLimit` in the kubelet's configuration.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.machines import node_findings


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    return node_findings(RULE, picture, severe=False)


RULE = Rule("K8S116", "PIDPressure", "state", _check, specificity=0.85, names_cause=True, documentation=__doc__)
