"""QuotaExceeded (K8S010, state): the namespace's quota leaves no room for what its workloads want.

What: refusals by a ResourceQuota, for ReplicaSets in their condition, for StatefulSets, DaemonSets, Jobs and
CronJobs in events: the quota would be exceeded, or it counts a resource that the template does not set. The fault
lies in the namespace, not in the workload that happened to come last.

Why it matters: the pods that run stay; no rollout, surge, scaling or job gets a new one.

Example: `Quota pods of namespace shop refuses what cart wants: requested: pods=1, used: pods=27, limited: pods=27`

What to do: raise the quota, free what is not needed, or set the requests and limits it counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.domain.subject import Subject
from autodevops.investigation.grounds import join
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.refusals import Refusal, refusals

_QUOTA = re.compile(r"(?:exceeded|failed) quota: (?P<name>[^,:\s]+)[,:]\s*(?P<rest>.*)", re.S)


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    groups: dict[str, list[tuple[Refusal, str]]] = {}
    for refusal in refusals(picture):
        match = _QUOTA.search(refusal.sentence) if refusal.kind == "quota" else None
        if match is not None:
            groups.setdefault(match["name"], []).append((refusal, match["rest"]))
    namespace = picture.inventory.namespace
    for quota, found in sorted(groups.items()):
        names = join(sorted({refusal.subject.name for refusal, _ in found}))
        yield RULE.finding(
            Subject(kind="Namespace", name=namespace, api_version="v1"),
            f"Quota {quota} of namespace {namespace} refuses what {names} wants: {found[0][1]}",
            severity="error",
            confidence=0.97,
            evidence=picture.evidence_of(*sorted({refusal.source for refusal, _ in found})),
            onset=min((refusal.since for refusal, _ in found if refusal.since is not None), default=None),
        )


RULE = Rule("K8S010", "QuotaExceeded", "state", _check, specificity=0.95, names_cause=True, documentation=__doc__)
