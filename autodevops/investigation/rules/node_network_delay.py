"""NodeNetworkDelay (K8S125, state): the network of a node has become slow.

What: a node with pods of the namespace whose exporter takes far longer to scrape than before and than that of any
other node, while workloads on it are slow; or, without such numbers, pods of several workloads that are slower on this
node than elsewhere and do not fail.

Why it matters: every request from and to its pods pays the delay, and a chain of calls pays it several times. The
workloads are blameless.

Example: `Scrapes of node node-3 take 214 ms since 03:36 UTC, 12 ms before`

What to do: look at the machine's link and at what fills it; cordon it and move the pods.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule, clock, seconds
from autodevops.investigation.rules.by_node import suspect
from autodevops.investigation.rules.machines import node_subject, onset, rises
from autodevops.investigation.rules.routes import is_hurt

_LEAST = 0.04  # seconds
_FACTOR = 3.0


def _check(picture: Picture, earlier: tuple[Finding, ...]) -> Iterable[Finding]:
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
    "K8S125", "NodeNetworkDelay", "state", _check, specificity=0.93, stage=2, names_cause=True,
    shows_elsewhere=True, documentation=__doc__,
)  # fmt: skip
