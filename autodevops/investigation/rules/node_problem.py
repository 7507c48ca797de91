"""NodeProblem (K8S165, state): node-problem-detector reports a fault of a node, and pods on it suffer.

What: one of its permanent conditions KernelDeadlock, ReadonlyFilesystem or XfsShutdown on a node where a pod of the
namespace writes in vain to a read-only file system, or whose workloads are hurt. It reads the kernel's log and keeps
the condition until the node is started anew; where nobody suffers it is only told.

Why it matters: the kubelet goes on saying Ready, and what is restarted there meets the same machine.

Example: `Node node-2 reports ReadonlyFilesystem (Filesystem is read-only) since 03:44 UTC, and uploads suffers there`

What to do: cordon and drain the node, then start it anew or replace its disk.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.grounds import join
from autodevops.investigation.inventory import items, name_of, node_subject
from autodevops.investigation.picture import Picture
from autodevops.investigation.rollouts import parse_time
from autodevops.investigation.rules.base import Rule, clock
from autodevops.investigation.rules.routes import is_hurt

_CONDITIONS = {"KernelDeadlock", "ReadonlyFilesystem", "XfsShutdown"}


def _check(picture: Picture, earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    denied = {f.subject for f in earlier if f.reason == "ReadOnlyFileSystem" and f.severity != "info"}
    for node in picture.inventory.nodes:
        name = name_of(node)
        owners = {picture.inventory.of_owner("Pod", name_of(pod)) for pod in picture.inventory.pods_on(name)}
        here = sorted((owner for owner in owners if owner is not None), key=str)
        for condition in items(node, "status", "conditions"):
            kind = condition.get("type")
            if kind not in _CONDITIONS or condition.get("status") != "True" or not here:
                continue
            telling = kind != "KernelDeadlock" and any(owner in denied for owner in here)
            suffering = [owner.name for owner in here if owner in denied or is_hurt(owner, earlier)]
            since = parse_time(condition.get("lastTransitionTime"))
            said = f" ({condition['message']})" if condition.get("message") else ""
            at = f" since {clock(since)}" if since else ""
            yield RULE.finding(
                node_subject(name),
                f"Node {name} reports {kind}{said}{at}"
                f"{f', and {join(suffering[:4])} suffer there' if suffering else ''}.",
                severity="critical" if telling else "error" if suffering else "info",
                confidence=0.95 if telling else 0.8,
                evidence=picture.evidence_of("Node", "Pod"),
                onset=since,
            )


RULE = Rule(
    "K8S165", "NodeProblem", "state", _check, specificity=0.93, stage=3, names_cause=True, documentation=__doc__
)
