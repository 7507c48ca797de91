"""NodeNetworkLoss (TRC020, state): calls over one node get lost, whichever workload makes them.

What: calls without a response and without a span of the callee, to several workloads, all of which had a pod of the
caller or of the callee on this node; calls that could not have touched it are not lost.

Why it matters: many workloads fail a little and none of them is at fault.

Example: `Calls over node-2 get lost: 19 of 41, of 4 workloads; 1 of 60 elsewhere`.

What to do: cordon and drain the node; look at its interface (errors, drops, retransmits), its CNI agent and conntrack.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.lost_calls import lost_calls
from autodevops.investigation.rules.traced import certainty


def _check(picture: Picture, earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    found = lost_calls(picture, earlier)
    if found is None or found.subject.kind != "Node":
        return
    yield RULE.finding(
        found.subject,
        f"Calls over {found.subject.name} get lost: {found.lost} of {found.calls}, of {found.workloads} workloads;"
        f" {found.lost_elsewhere} of {found.calls_elsewhere} elsewhere.",
        severity="error",
        confidence=certainty(found.fit, found.lost),
        evidence=found.evidence,
    )


RULE = Rule(
    "TRC020", "NodeNetworkLoss", "state", _check, specificity=0.85, stage=4, names_cause=True,
    shows_elsewhere=True, documentation=__doc__,
)  # fmt: skip
