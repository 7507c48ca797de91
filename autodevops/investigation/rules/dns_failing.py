"""DNSFailing (K8S130, state): cluster DNS runs and does not resolve.

What: CoreDNS answers more than a tenth of its questions with SERVFAIL, REFUSED or NOTIMP, and far more than before; or
at least two workloads cannot look up Services that are there.

Why it matters: calls fail or wait before they are made, in whatever workload asks first.

Example: `coredns answers 40 % of its questions with an error since 03:39 UTC, 0 % before`

What to do: read CoreDNS's log; see its Corefile, its upstream resolvers and its CPU and memory.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from autodevops.domain.evidence import EvidenceId
from autodevops.domain.finding import Finding
from autodevops.domain.subject import Subject
from autodevops.investigation.grounds import join
from autodevops.investigation.inventory import CLUSTER_DNS, SYSTEM_NAMESPACE, of_system, section
from autodevops.investigation.log_peers import seen_peer
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule, clock, percent
from autodevops.investigation.rules.components import sick_pods
from autodevops.investigation.rules.machines import now_and_before, onset
from autodevops.investigation.rules.said import said

_LEAST, _FACTOR = 0.1, 3.0
_WORKLOADS = 2  # one alone may be cut off from DNS by a policy of its own


def _check(picture: Picture, earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    subject = _dns(picture)
    if subject is None or _down(picture):
        return
    told = [*_answers(picture), *_lookups(picture, earlier)]
    if not told:
        sick = sick_pods(picture, "kube-dns")
        if sick:
            told = [(f"has a pod that {sick[0].words}", sick[0].since, 0.6, picture.evidence_of(of_system("Pod")))]
    for words, since, sure, evidence in told[:1]:
        yield RULE.finding(
            subject,
            f"{subject.name} {words}.",
            severity="error" if sure > 0.6 else "info",
            confidence=sure,
            evidence=(*evidence, *picture.evidence_of(CLUSTER_DNS)),
            onset=since,
        )


def _dns(picture: Picture) -> Subject | None:
    found = picture.inventory.of_kind(CLUSTER_DNS)
    if found:
        return picture.inventory.object_subject(found[0])
    if picture.of_nodes("dns_failing"):
        return Subject(kind="Deployment", name="coredns", namespace=SYSTEM_NAMESPACE, api_version="apps/v1")
    return None


def _down(picture: Picture) -> bool:
    """Whether it has no pod at all: that is DNSDown."""
    found = picture.inventory.of_kind(CLUSTER_DNS)
    return bool(found) and not any(section(item, "status").get("availableReplicas") for item in found)


_Told = tuple[str, datetime | None, float, tuple[EvidenceId, ...]]


def _answers(picture: Picture) -> Iterable[_Told]:
    for series in picture.of_nodes("dns_failing"):
        found = now_and_before(series, picture)
        if found and found[0] >= _LEAST and found[0] >= _FACTOR * found[1]:
            since = onset(series, max(_LEAST / 2, 2 * found[1]))
            words = f"answers {percent(found[0])} of its questions with an error"
            words += f"{f' since {clock(since)}' if since else ''}, {percent(found[1])} before"
            yield words, since, 0.95, (series.evidence,)


def _lookups(picture: Picture, earlier: tuple[Finding, ...]) -> Iterable[_Told]:
    """Workloads that cannot look up Services of this namespace, which are there."""
    told = [
        seen
        for seen in said(frozenset({"unknown host"}), picture, earlier)
        if seen.severity != "info"
        and (peer := seen_peer(seen.line, picture.inventory, seen.subject)) is not None
        and peer.service
    ]
    names = sorted({seen.subject.name for seen in told})
    if len(names) >= _WORKLOADS:
        example = max(told, key=lambda seen: (seen.count, str(seen.subject)))
        evidence = tuple(sorted({one for seen in told for one in seen.evidence}))
        since = min((seen.onset for seen in told if seen.onset is not None), default=None)
        words = f"does not resolve Services that are there, for {join(names)}: {example.line.message[:200]}"
        yield words, since, 0.9, evidence


RULE = Rule(
    "K8S130", "DNSFailing", "state", _check, specificity=0.95, stage=2, names_cause=True,
    shows_elsewhere=True, documentation=__doc__,
)  # fmt: skip
