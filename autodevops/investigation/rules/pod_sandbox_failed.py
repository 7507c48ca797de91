"""PodSandboxFailed (K8S092, state): a pod's sandbox or network cannot be set up.

What: recent FailedCreatePodSandBox events of pods that are not up: the network plugin fails, has no address left, or
the runtime class is unknown. The fault lies in the node where pods of several workloads fail on it alone, else in the
workload.

Why it matters: no container of the pod is ever made.

Example: `1 pod (cart-x) of cart gets no sandbox: plugin type="calico" failed (add): error getting ClusterInformation:
connection is unauthorized`

What to do: look at the network plugin's pods on that node, and at how many addresses it has left.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.grounds import join
from autodevops.investigation.inventory import node_subject
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.event_faults import NO_SPACE, pod_faults
from autodevops.investigation.rules.pods import count_of

_LAYERS = re.compile(
    r"^.*?(?=plugin type=|no runtime for|no IP addresses|networkPlugin |failed to (?:set ?up|allocate))", re.S
)


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    faults = pod_faults(
        picture, ("FailedCreatePodSandBox", "FailedCreatePodSandbox"), lambda said: NO_SPACE not in said
    )
    nodes = {node for fault in faults for node in fault.nodes}
    shared = len(faults) > 1 and len(nodes) == 1 and len(picture.inventory.nodes) > 1
    groups = [faults] if shared else [[fault] for fault in faults]
    for found in groups if faults else ():
        node = node_subject(min(nodes)) if shared else None
        pods = {pod for fault in found for pod in fault.pods}
        yield RULE.finding(
            node or found[0].subject,
            f"{count_of(pods)} of {join([fault.subject.name for fault in found])} gets no sandbox"
            f"{f' on node {node.name}' if node else ''}: {_LAYERS.sub('', found[0].message).strip()[:300]}",
            severity="error",
            confidence=0.95,
            evidence=picture.evidence_of("Event", "Pod"),
            onset=min((fault.since for fault in found if fault.since is not None), default=None),
        )


RULE = Rule("K8S092", "PodSandboxFailed", "state", _check, specificity=0.95, names_cause=True, documentation=__doc__)
