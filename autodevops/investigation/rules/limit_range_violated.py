"""LimitRangeViolated (K8S011, state): what the template asks for breaks a LimitRange.

What: a refusal by a LimitRange: a container, pod or claim asks for more than the maximum, less than the minimum, or
has a limit too far above its request.

Why it matters: the pods that run stay; no new one is made, so a rollout hangs and a lost pod is not replaced.

Example: `The API server refuses pods of payment: maximum memory usage per Container is 512Mi, but limit is 1Gi`

What to do: change the template to fit the LimitRange, or the LimitRange to fit what runs.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.refusals import refused


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    return refused(RULE, picture, "limit range")


RULE = Rule("K8S011", "LimitRangeViolated", "state", _check, specificity=0.9, names_cause=True, documentation=__doc__)
