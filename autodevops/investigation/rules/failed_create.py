"""FailedCreate (K8S009, state): the API server refuses the pods a workload wants, for a reason no other rule knows.

What: a ReplicaSet whose condition ReplicaFailure is True with reason FailedCreate, or such events of a StatefulSet,
DaemonSet, Job or CronJob, where it is not a quota, a limit range, pod security, an account, a priority class, a
permission or a webhook.

Why it matters: such a workload has no pod to look at, and nothing retries into success until something changes.

Example: `The API server refuses pods of cart: Pod "cart-x" is invalid: spec.tolerations[0].effect: Invalid value`.

What to do: the message names what is wrong; correct the template, or create what it names.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.refusals import refused


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    return refused(RULE, picture, "")


RULE = Rule(
    "K8S009", "FailedCreate", "state", _check, specificity=0.85, names_cause=True, general=True, documentation=__doc__
)
