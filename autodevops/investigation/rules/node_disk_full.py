"""NodeDiskFull (K8S126, state): a file system of a node is nearly full.

What: less than 3 % free on a file system of a node with pods of the namespace (node exporter), 1 % being an error.

Why it matters: containers cannot write logs or start; below the kubelet's own threshold it evicts pods (DiskPressure).

Example: `Node node-2 has 0.8 % of / left`

What to do: see what fills it (images, logs, emptyDir volumes) and remove it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from autodevops.domain.finding import Finding
from autodevops.investigation.inventory import node_subject
from autodevops.investigation.picture import NodeSeries, Picture
from autodevops.investigation.rules.base import Rule, percent
from autodevops.investigation.rules.machines import last, onset

_LITTLE, _NOTHING = 0.03, 0.01


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    for series in picture.of_nodes("disk_free"):
        free = last(series, picture)
        if free is None or free >= _LITTLE or not _matters(series.node, picture):
            continue
        if series.detail.startswith(("/boot", "/run", "/snap")):
            continue
        yield RULE.finding(
            node_subject(series.node),
            f"Node {series.node} has {percent(free)} of {series.detail or 'a file system'} left.",
            severity="error" if free < _NOTHING else "warning",
            confidence=0.85,
            evidence=[series.evidence],
            onset=onset(_used(series), 1 - _LITTLE),
        )


def _matters(node: str, picture: Picture) -> bool:
    """Whether pods of the namespace are on it; beside Kubernetes every machine is the site's."""
    return bool(picture.inventory.pods_on(node)) or not picture.inventory.namespace


def _used(series: NodeSeries) -> NodeSeries:
    return replace(series, values=1 - series.values)


RULE = Rule("K8S126", "NodeDiskFull", "state", _check, specificity=0.8, names_cause=True, documentation=__doc__)
