"""NetworkLoss (TRC019, state): calls to a workload get lost: they time out and it has no span of them.

What: at least a quarter of the traced calls to it end in a time-out or a broken connection without a response and
without a span of the callee, while its other calls are answered as they used to be and Kubernetes finds its pods well.
Where calls of several workloads get lost, and all of them could have gone over one node, see NodeNetworkLoss.

Why it matters: a callee that does not hear a call looks healthy in all its own telemetry; its callers look guilty.

Example: `11 of 24 calls to inventory got lost (read tcp inventory:8080: i/o timeout); those that arrive are answered
as ever`.

What to do: look at the path: CNI, network policies, conntrack, the load balancer between; retransmits on the nodes.
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
    if found is None or found.subject.kind == "Node":
        return
    name = found.subject.name
    yield RULE.finding(
        found.subject,
        f"{found.lost} of {found.calls} traced calls to {name} got lost ({found.words[:150]});"
        " those that arrive are answered as before.",
        severity="error",
        confidence=certainty(found.fit, found.lost),
        evidence=found.evidence,
    )


RULE = Rule(
    "TRC019", "NetworkLoss", "state", _check, specificity=0.8, stage=4, names_cause=True,
    shows_elsewhere=True, documentation=__doc__,
)  # fmt: skip
