"""WebhookRefuses (K8S014, state): an admission webhook denies the pods, or does not answer.

What: a refusal by an admission webhook, which denied the pod, or could not be called while its failurePolicy is
Fail.

Why it matters: a webhook that is down stops all creation in the namespaces it watches.

Example: `The API server refuses pods of cart: admission webhook "policy.example" denied the request: no owner label`

What to do: read what the webhook says; where it cannot be called, look at its own pods and Service.
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
