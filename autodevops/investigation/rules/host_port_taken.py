"""HostPortTaken (K8S020, state): the host port that the pod wants is taken on every node.

What: a pending pod that most nodes refused for its hostPort.

Why it matters: one pod a node can have a host port: more replicas than nodes, or a surge while rolling out, never
fit.

Example: `1 pod (cart-x) of cart fit on no node: 0/3 nodes are available: 3 node(s) didn't have free ports for the
requested pod ports.`

What to do: use a Service instead of hostPort, or roll out without surge.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.scheduling import turned_away


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    return turned_away(RULE, picture, "ports")


RULE = Rule("K8S020", "HostPortTaken", "state", _check, specificity=0.85, names_cause=True, documentation=__doc__)
