"""WebhookRefuses (K8S014, state): an admission webhook denies the pods.

What: a refusal by an admission webhook that looked at the pod and denied it. One that cannot be called is
WebhookUnreachable.

Why it matters: the pods that run stay; no new one is made, so a rollout hangs and a lost pod is not replaced.

Example: `The API server refuses pods of cart: admission webhook "policy.example" denied the request: no owner label`

What to do: read what the webhook says, and make the template fit, or its policy.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.refusals import refused


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    return refused(RULE, picture, "webhook")


RULE = Rule("K8S014", "WebhookRefuses", "state", _check, specificity=0.9, names_cause=True, documentation=__doc__)
