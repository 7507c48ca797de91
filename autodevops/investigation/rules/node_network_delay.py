"""NodeNetworkDelay (TRC011, state): calls that go to or from one node wait for the network.

What: in slow traces, what the network takes of a call (the caller's client span less the callee's server span) grew
for calls with one end on this node, of several workloads, and not for calls between other nodes. Or the node's
exporter takes far longer to scrape than before and than any other; or pods of several workloads are slower on it than
elsewhere, and do not fail, while a fifth of its processors is idle.

Why it matters: many workloads are slow at once and none of them is at fault; what they share is where some of their
pods run.

Example: `Calls to and from node-3 spend 260 ms on the network, 1 ms before, whichever workload makes them`.

What to do: cordon and drain the node; look at its interface, its CNI agent, conntrack and the machine's neighbours.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.inventory import node_subject
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule, clock, seconds
from autodevops.investigation.rules.by_node import suspect
from autodevops.investigation.rules.machines import onset, rises
from autodevops.investigation.rules.neighbours import BUSY, used
from autodevops.investigation.rules.network_paths import find_delay
from autodevops.investigation.rules.routes import is_hurt
from autodevops.investigation.rules.traced import certainty

_LEAST = 0.04  # seconds
_FACTOR = 3.0


def _check(picture: Picture, earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    yield from _by_numbers(picture, earlier)
    delay = find_delay(picture, earlier)
    if delay is None or delay.where != "node":
        return
    yield RULE.finding(
        delay.subject,
        f"Calls to and from {delay.name} spend {seconds(delay.now / 1000)} on the network,"
        f" {seconds(delay.usual / 1000)} before, whichever workload makes them ({len(delay.paths)} calls).",
        severity="error",
        confidence=certainty(delay.fit, len(delay.paths)),
        evidence=[path.evidence for path in delay.paths],
    )


def _by_numbers(picture: Picture, earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    accused = suspect(picture)
    told: set[str] = set()
    for series, now, before in rises(picture, "scrape_seconds", least=_LEAST, factor=_FACTOR):
        pods = picture.inventory.pods_on(series.node)
        owners = {picture.inventory.of_pod(str(pod["metadata"]["name"])) for pod in pods}
        hurt = [owner for owner in owners if owner is not None and is_hurt(owner, earlier)]
        known = accused is not None and accused.node == series.node
        since = onset(series, max(_LEAST, 2 * before))
        told.add(series.node)
        yield RULE.finding(
            node_subject(series.node),
            f"Scrapes of node {series.node} take {seconds(now)}{f' since {clock(since)}' if since else ''},"
            f" {seconds(before)} before.",
            severity="error" if hurt or known else "warning",
            confidence=0.95 if known else 0.85 if hurt else 0.6,
            evidence=[series.evidence, *picture.evidence_of("Pod")],
            onset=since,
        )
    if (
        accused is not None
        and accused.node not in told
        and len(accused.slow) >= 2
        and not (accused.broken or accused.erring)
        and not any(load.node == accused.node and used(load) >= BUSY for load in picture.node_loads)
    ):
        names = ", ".join(sorted(owner.name for owner in accused.slow))
        yield RULE.finding(
            node_subject(accused.node),
            f"Pods of {names} are slower on node {accused.node} than elsewhere, and do not fail.",
            severity="error",
            confidence=0.85,
            evidence=[signal.evidence for signal in picture.pod_signals if signal.kind == "latency"][:1],
        )


RULE = Rule(
    "TRC011", "NodeNetworkDelay", "state", _check, specificity=0.9, stage=3, names_cause=True,
    shows_elsewhere=True, documentation=__doc__,
)  # fmt: skip
