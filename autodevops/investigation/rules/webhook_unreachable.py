"""WebhookUnreachable (K8S056, state): an admission webhook cannot be called, and what it would admit is refused.

What: a refusal because the API server could not call a webhook whose failurePolicy is Fail: no endpoints, no such
Service, a connection refused or timed out, a certificate that is not trusted. The fault lies in the webhook's Service
where the sentence names one, else in the workload that is refused.

Why it matters: a webhook that is down stops all creation in the namespaces it watches.

Example: `Webhook policy.example (Service policy/webhook) cannot be called, so pods of cart are refused: no endpoints
available for service "webhook"`

What to do: look at the pods and endpoints behind the Service and at the webhook's caBundle; until then take the
namespace out of its selector, or set failurePolicy to Ignore.
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
from autodevops.investigation.rules.webhooks import service_of

_CALLED = re.compile(r'failed calling (?:admission )?webhook "(?P<name>[^"]+)": (?P<why>.*)', re.S)


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    groups: dict[Subject, list[Refusal]] = {}
    for refusal in refusals(picture):
        if refusal.kind == "webhook away":
            groups.setdefault(service_of(refusal.sentence) or refusal.subject, []).append(refusal)
    for subject, found in sorted(groups.items(), key=lambda item: str(item[0])):
        match = _CALLED.search(found[0].sentence)
        name, why = (match["name"], match["why"]) if match else ("", found[0].sentence)
        at = f" (Service {subject.namespace}/{subject.name})" if subject.kind == "Service" else ""
        who = join(sorted({refusal.subject.name for refusal in found}))
        yield RULE.finding(
            subject,
            f"Webhook {name}{at} cannot be called, so pods of {who} are refused: {why}",
            severity="error",
            confidence=0.97,
            evidence=picture.evidence_of(*sorted({refusal.source for refusal in found})),
            onset=min((refusal.since for refusal in found if refusal.since is not None), default=None),
        )


RULE = Rule("K8S056", "WebhookUnreachable", "state", _check, specificity=0.95, names_cause=True, documentation=__doc__)
