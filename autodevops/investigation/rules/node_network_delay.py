"""NodeNetworkDelay (TRC011, state): calls that go to or from one node wait for the network.

What: in slow traces, what the network takes of a call (the caller's client span less the callee's server span) grew
for calls with one end on this node, of several workloads, and not for calls between other nodes.

Why it matters: many workloads are slow at once and none of them is at fault; what they share is where some of their
pods run.

Example: `Calls to and from node-3 spend 260 ms on the network, 1 ms before, whichever workload makes them`.

What to do: cordon and drain the node; look at its interface, its CNI agent, conntrack and the machine's neighbours.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule, seconds
from autodevops.investigation.rules.network_paths import find_delay
from autodevops.investigation.rules.traced import certainty


def _check(picture: Picture, earlier: tuple[Finding, ...]) -> Iterable[Finding]:
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


RULE = Rule(
    "TRC011", "NodeNetworkDelay", "state", _check, specificity=0.9, stage=3, names_cause=True,
    shows_elsewhere=True, documentation=__doc__,
)  # fmt: skip
