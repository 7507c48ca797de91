"""NodeRebooted (K8S129, state): a node was started anew.

What: an event Rebooted of a node with pods of the namespace, or a boot within the window (node exporter). It is news
for a quarter of an hour, and history after that.

Why it matters: all its pods ended at once, without a chance to say goodbye (exit code 255, reason Unknown), and what
was in memory or emptyDir on memory is lost.

Example: `Node node-2 was started anew at 03:41 UTC; 4 pods of this namespace are on it`

What to do: see why (`last -x`, the provider's maintenance log), and let a node be drained before it is restarted.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from autodevops.domain.finding import Finding
from autodevops.investigation.inventory import NODE_EVENTS, name_of, node_subject, section
from autodevops.investigation.picture import Picture
from autodevops.investigation.rollouts import parse_time
from autodevops.investigation.rules.base import Rule, clock
from autodevops.investigation.rules.machines import last
from autodevops.investigation.rules.pods import is_recent


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    for node, moment in sorted(_boots(picture).items()):
        here = len(picture.inventory.pods_on(node))
        if here and picture.span.shows(moment):
            yield RULE.finding(
                node_subject(node),
                f"Node {node} was started anew at {clock(moment)}; {here} pods of this namespace are on it.",
                severity="warning" if is_recent(moment, picture) else "info",
                confidence=0.9,
                evidence=(*picture.evidence_of(NODE_EVENTS), *(one.evidence for one in picture.of_nodes("booted"))),
                onset=moment,
            )


def _boots(picture: Picture) -> dict[str, datetime]:
    found: dict[str, datetime] = {}
    for event in picture.inventory.of_kind(NODE_EVENTS):
        moment = parse_time(event.get("lastTimestamp") or event.get("eventTime"))
        if event.get("reason") == "Rebooted" and moment is not None:
            found[str(section(event, "involvedObject").get("name", ""))] = moment
    for series in picture.of_nodes("booted"):
        booted = last(series, picture)
        if booted:
            found.setdefault(series.node, datetime.fromtimestamp(booted, UTC))
    known = {name_of(one) for one in picture.inventory.nodes}
    return {node: moment for node, moment in found.items() if node in known}


RULE = Rule("K8S129", "NodeRebooted", "state", _check, specificity=0.8, names_cause=True, documentation=__doc__)
