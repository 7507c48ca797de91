"""KubeletDown (K8S118, state): the kubelet of a node has stopped, and the machine lives.

What: a node that is NotReady because its kubelet no longer posts, while node exporter or its pods still answer; or
whose unit kubelet.service is not active.

Why it matters: its pods may go on serving, but nobody starts, stops or probes them; after five minutes they are made
anew elsewhere.

Example: `Node node-2 has no kubelet: kubelet.service is not active since 03:22 UTC; 4 pods of this namespace are on
it`

What to do: on the node, `systemctl status kubelet` and `journalctl -u kubelet`; start it again.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.machines import node_findings


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    return node_findings(RULE, picture)


RULE = Rule("K8S118", "KubeletDown", "state", _check, specificity=0.93, names_cause=True, documentation=__doc__)
