"""NodeDiskFull (K8S126, state): a file system of a node is nearly full.

What: less than 3 % free on a file system of a node with pods of the namespace (node exporter), 1 % being an error; or
images or sandboxes for which the runtime finds no space left on device.

Why it matters: containers cannot write logs or start; below the kubelet's own threshold it evicts pods (DiskPressure).

Example: `Node node-2 has 0.8 % of / left`

What to do: see what fills it (images, logs, emptyDir volumes) and remove it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from autodevops.domain.finding import Finding
from autodevops.investigation.inventory import name_of, node_subject, section
from autodevops.investigation.picture import NodeSeries, Picture
from autodevops.investigation.rules.base import Rule, percent
from autodevops.investigation.rules.event_faults import NO_SPACE, pod_faults
from autodevops.investigation.rules.machines import last, onset
from autodevops.investigation.rules.pods import count_of
from autodevops.investigation.rules.pulls import unpulled

_LITTLE, _NOTHING = 0.03, 0.01


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    told: set[str] = set()
    for series in picture.of_nodes("disk_free"):
        free = last(series, picture)
        if free is None or free >= _LITTLE or not _matters(series.node, picture):
            continue
        if series.detail.startswith(("/boot", "/run", "/snap")):
            continue
        told.add(series.node)
        yield RULE.finding(
            node_subject(series.node),
            f"Node {series.node} has {percent(free)} of {series.detail or 'a file system'} left.",
            severity="error" if free < _NOTHING else "warning",
            confidence=0.85,
            evidence=[series.evidence],
            onset=onset(_used(series), 1 - _LITTLE),
        )

    for node, names in sorted(_refused(picture).items()):
        if node not in told:
            yield RULE.finding(
                node_subject(node),
                f"Node {node} has no space left on device for {count_of(names)} of this namespace.",
                severity="error",
                confidence=0.93,
                evidence=picture.evidence_of("Event", "Pod"),
            )


def _refused(picture: Picture) -> dict[str, set[str]]:
    """Pods whose image or sandbox finds no space, by node."""
    names = {name for found in unpulled(picture) if found.kind == "disk" for name in found.pods}
    for fault in pod_faults(picture, ("FailedCreatePodSandBox",), lambda said: NO_SPACE in said):
        names |= fault.pods
    nodes: dict[str, set[str]] = {}
    for pod in picture.inventory.pods:
        node = section(pod, "spec").get("nodeName")
        if node and name_of(pod) in names:
            nodes.setdefault(str(node), set()).add(name_of(pod))
    return nodes


def _matters(node: str, picture: Picture) -> bool:
    """Whether pods of the namespace are on it; beside Kubernetes every machine is the site's."""
    return bool(picture.inventory.pods_on(node)) or not picture.inventory.namespace


def _used(series: NodeSeries) -> NodeSeries:
    return replace(series, values=1 - series.values)


RULE = Rule("K8S126", "NodeDiskFull", "state", _check, specificity=0.8, names_cause=True, documentation=__doc__)
