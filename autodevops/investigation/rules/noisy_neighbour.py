"""NoisyNeighbour (MET016, state): somebody else takes the processors of the node on which a slow workload runs.

What: a node that runs pods of a slow workload has less than a tenth of its processors idle, and another workload's
use of them grew by a quarter of the node; or the machine below gives a tenth of the node's time to others (steal);
or what runs on the node beside the pods uses half of it, and less than a fifth is idle.
A workload that fills the node by itself because it gets more requests is no neighbour but busy.

Why it matters: the slow workload has changed nothing and is within its limits; requests are no protection above them.

Example: `batch-report uses 3.1 of the 4 cores of node-2 since before the window, 0.2 then; recommendation runs there`.

What to do: limit the neighbour or move it (affinity, a pool of its own); ask for CPU that is really needed.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.domain.subject import Subject
from autodevops.investigation.inventory import node_subject, section
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule, percent
from autodevops.investigation.rules.neighbours import BUSY, FULL, neighbours, used

_STOLEN = 0.1
_BESIDE = 0.5


def _check(picture: Picture, earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    slow = {f.subject for f in earlier if f.reason == "LatencyIncreased" and f.severity != "info"}
    hosts = {
        str(section(pod, "spec").get("nodeName")): subject
        for subject in sorted(slow, key=str, reverse=True)
        for pod in picture.inventory.pods_of(subject)
    }
    named: set[str] = set()
    for neighbour in neighbours(picture.node_loads, picture.inventory):
        victim = hosts.get(neighbour.load.node)
        busy = any(f.subject == neighbour.subject and f.reason == "TrafficChanged" for f in earlier)
        if victim is None or victim == neighbour.subject or busy or _is_called(neighbour.subject, slow, picture):
            continue
        named.add(neighbour.load.node)
        yield RULE.finding(
            neighbour.subject,
            f"{neighbour.subject.name} uses {neighbour.now:.1f} of the {neighbour.load.capacity:g} cores of"
            f" {neighbour.load.node}, {neighbour.before:.1f} before; {victim.name} runs there too and is slow.",
            severity="error",
            confidence=0.85,
            evidence=neighbour.load.evidence,
        )
    for load in picture.node_loads:
        stolen = load.stolen or 0.0
        beside = (used(load) - stolen) * load.capacity - sum(load.now.values()) if load.now else 0.0
        if (
            beside >= _BESIDE * load.capacity > 0
            and used(load) >= BUSY
            and load.node in hosts
            and load.node not in named
        ):
            named.add(load.node)
            yield RULE.finding(
                node_subject(load.node),
                f"What runs on {load.node} beside the pods uses {beside:.1f} of its {load.capacity:g} cores;"
                f" {hosts[load.node].name} runs there and is slow.",
                severity="error",
                confidence=0.8,
                evidence=load.evidence,
            )
        if stolen >= _STOLEN and used(load) >= FULL and load.node in hosts and load.node not in named:
            yield RULE.finding(
                node_subject(load.node),
                f"The machine below {load.node} gives {percent(stolen)} of its processor time to others, and"
                f" {percent(used(load))} is in use; {hosts[load.node].name} runs there and is slow.",
                severity="error",
                confidence=0.8,
                evidence=load.evidence,
            )


def _is_called(subject: Subject, slow: Iterable[Subject], picture: Picture) -> bool:
    """Whether a slow workload asks it for something: then it works for its caller."""
    return any(edge.target == subject and edge.origin in slow and edge.how == "calls" for edge in picture.graph.edges)


RULE = Rule(
    "MET016", "NoisyNeighbour", "state", _check, specificity=0.85, stage=3, names_cause=True,
    shows_elsewhere=True, documentation=__doc__,
)  # fmt: skip
