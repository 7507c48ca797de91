"""FailedCreate (K8S009, state): the API server refuses the pods a workload wants.

What: a ReplicaSet whose condition ReplicaFailure is True with reason FailedCreate. Such a workload has no pod to look
at; the reason stands here: a quota, a limit range, pod security, a missing service account, an admission webhook.

Why it matters: nothing retries into success until the rule or the workload changes.

Example: `The API server refuses pods of cart: exceeded quota: compute, requested: limits.cpu=2, used: 8, limited: 8`.

What to do: the message names the rule; free or raise the quota, or correct the template.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.inventory import items, name_of, section
from autodevops.investigation.picture import Picture
from autodevops.investigation.rollouts import parse_time
from autodevops.investigation.rules.base import Rule


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    for replica_set in picture.inventory.replica_sets:
        if section(replica_set, "spec").get("replicas") == 0:
            continue
        subject = picture.inventory.of_owner("ReplicaSet", name_of(replica_set))
        for condition in items(replica_set, "status", "conditions"):
            refused = condition.get("type") == "ReplicaFailure" and condition.get("status") == "True"
            if subject is not None and refused and condition.get("reason") == "FailedCreate":
                message = str(condition.get("message", ""))
                reason = message.split(" is forbidden: ", 1)[-1]
                yield RULE.finding(
                    subject,
                    f"The API server refuses pods of {subject.name}: {reason}",
                    severity="error",
                    confidence=0.97,
                    evidence=picture.evidence_of("ReplicaSet"),
                    onset=parse_time(condition.get("lastTransitionTime")),
                )


RULE = Rule("K8S009", "FailedCreate", "state", _check, specificity=0.85, names_cause=True, documentation=__doc__)
