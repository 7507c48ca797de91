"""NodeOutOfMemory (K8S139, state): the kernel of a node killed processes for want of memory.

What: an event SystemOOM of a node with pods of the namespace of late, or node-problem-detector's OOMKilling (whose
line begins with `Memory cgroup` where only a container's limit was reached); or a container without a memory limit
that was OOMKilled: what it ran out of is the node's memory. A kubelet before 1.21 on Linux 5 or newer says SystemOOM
of every container that reaches its own limit (google/cadvisor issue 2417), so there the event tells nothing.

Why it matters: the kernel chooses its victims by size and score, not by fault. Who was killed may be blameless.

Example: `Node node-2 ran out of memory at 03:41 UTC (System OOM encountered, victim process: java, pid: 4711)`

What to do: find who on the node uses more than it requests, and give every container a request that is true.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime

from autodevops.domain.finding import Finding
from autodevops.investigation.inventory import NODE_EVENTS, Object, items, name_of, node_subject, section
from autodevops.investigation.picture import Picture
from autodevops.investigation.rollouts import parse_time
from autodevops.investigation.rules.base import Rule, clock
from autodevops.investigation.rules.pods import ContainerState, containers, is_recent


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    found: dict[str, tuple[datetime | None, str]] = {}
    confused = {name_of(node) for node in picture.inventory.nodes if confuses_limits(node)}
    for event in picture.inventory.of_kind(NODE_EVENTS):
        moment = parse_time(event.get("lastTimestamp") or event.get("eventTime"))
        words = str(event.get("message", ""))
        node = str(section(event, "involvedObject").get("name", ""))
        ran_out = (event.get("reason") == "SystemOOM" and node not in confused) or (
            event.get("reason") == "OOMKilling" and words.startswith("Out of memory")
        )
        if ran_out and moment is not None and picture.span.shows(moment):
            found[node] = moment, words
    for state in containers(picture):
        moment = parse_time(state.terminated.get("finishedAt"))
        node = str(section(state.pod, "spec").get("nodeName") or "")
        killed = state.terminated.get("reason") == "OOMKilled" and not _limit(state)
        if killed and node and moment is not None and picture.span.shows(moment):
            found.setdefault(node, (moment, f"{state.name} of {state.pod_name}, which has no limit, was OOMKilled"))
    for node, (moment, words) in sorted(found.items()):
        if picture.inventory.pods_on(node):
            yield RULE.finding(
                node_subject(node),
                f"Node {node} ran out of memory at {clock(moment) if moment else 'some time'} ({words}).",
                severity="error" if is_recent(moment, picture) else "info",
                confidence=0.85,
                evidence=picture.evidence_of(NODE_EVENTS, "Pod"),
                onset=moment,
            )


def confuses_limits(node: Object) -> bool:
    """Whether its kubelet says SystemOOM of containers that reached their own limit."""
    info = section(node, "status", "nodeInfo")
    kubelet, kernel = (_version(info.get(key)) for key in ("kubeletVersion", "kernelVersion"))
    return bool(kubelet and kernel) and kubelet < (1, 21) and kernel >= (5, 0)


def _version(text: object) -> tuple[int, ...]:
    """Major and minor; empty where they are not told."""
    found = re.match(r"v?(\d+)\.(\d+)", str(text or ""))
    return tuple(map(int, found.groups())) if found else ()


def _limit(state: ContainerState) -> object:
    for container in items(state.pod, "spec", "containers"):
        if container.get("name") == state.name:
            of_pod = section(state.pod, "spec", "resources", "limits").get("memory")
            return section(container, "resources", "limits").get("memory") or of_pod
    return "unknown"


RULE = Rule(
    "K8S139", "NodeOutOfMemory", "state", _check, specificity=0.9, names_cause=True,
    shows_elsewhere=True, documentation=__doc__,
)  # fmt: skip
