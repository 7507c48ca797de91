"""MemoryPressure (K8S114, state): a node runs out of memory.

What: a node with pods of the namespace that reports MemoryPressure, or that evicted some in the window because it was
low on memory.

Why it matters: the kubelet evicts pods, those that use more than they requested first; what it does not reach in time
the kernel kills.

Example: `Node node-2 reports MemoryPressure (kubelet has insufficient memory available) since 03:22 UTC; 4 pods of
this namespace are on it`

What to do: find who uses more than it requests (`kubectl top pods -A --sort-by=memory`), and give requests that are
true.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.machines import node_findings


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    return node_findings(RULE, picture, severe=False)


RULE = Rule("K8S114", "MemoryPressure", "state", _check, specificity=0.85, names_cause=True, documentation=__doc__)
