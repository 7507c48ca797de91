"""DNSFailing (LOG039, state): several workloads cannot resolve the names of Services that exist.

What: at least two workloads with new lines of failed name resolution for Services that the namespace has. Where the
cluster's DNS Deployment is known, it is the subject.

Why it matters: nothing can be called by name; each workload looks broken, and none of them is.

Example: `coredns does not resolve names of Services that exist, say cart, catalog: lookup redis: i/o timeout`

What to do: `kubectl -n kube-system logs -l k8s-app=kube-dns`; see its ConfigMap, its load, and policies on port 53.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.log_peers import cluster_dns, seen_peer
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.said import said

_WORKLOADS = 2  # one alone may be cut off from DNS by a policy of its own


def _check(picture: Picture, earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    dns = cluster_dns(picture.inventory)
    if dns is None:
        return
    told = [
        seen
        for seen in said(frozenset({"unknown host"}), picture, earlier)
        if seen.severity != "info"
        and (peer := seen_peer(seen.line, picture.inventory, seen.subject)) is not None
        and peer.service
    ]
    names = sorted({seen.subject.name for seen in told})
    if len(names) < _WORKLOADS:
        return
    shown = ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
    example = max(told, key=lambda seen: (seen.count, str(seen.subject)))
    yield RULE.finding(
        dns,
        f"{dns.name} does not resolve names of Services that exist, say {shown}: {example.line.message[:200]}",
        severity="error",
        confidence=max(seen.confidence for seen in told),
        evidence=[item for seen in told for item in seen.evidence],
        onset=min((seen.onset for seen in told if seen.onset is not None), default=None),
    )


RULE = Rule(
    "LOG039",
    "DNSFailing",
    "state",
    _check,
    specificity=0.9,
    stage=2,
    names_cause=True,
    shows_elsewhere=True,
    documentation=__doc__,
)
