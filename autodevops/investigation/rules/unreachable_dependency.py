"""UnreachableDependency (TRC017, state): an external host does not answer, or answers with failures of its own.

What: failing traces end in client spans to a host that is no workload of the namespace and has no span of its own:
time-outs, refused or broken connections, statuses from 500 on, or 429 where it throttles. A host that a
NetworkPolicy does not let its callers reach was not asked; one that answers most calls, only slower, and fails
nobody but who gave up waiting, is SlowDependency.

Why it matters: nothing within reach is broken; a rollback or a restart of the caller does nothing.

Example: `api.pay.example fails its callers in 7 of 8 failing traces (checkout: timeout: context deadline exceeded)`.

What to do: look at the provider's status page, quotas and credentials, and at what lies between: egress gateway,
policies, DNS. Let the caller fail fast, or do without.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from autodevops.analysis.span_names import http_status
from autodevops.analysis.spans import ErrorOrigin, error_origins
from autodevops.domain.evidence import EvidenceId
from autodevops.domain.finding import Finding
from autodevops.domain.subject import Subject
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.network_policy_blocks import kept_inside
from autodevops.investigation.rules.slow_calls import answering
from autodevops.investigation.rules.traced import as_ever, blamed, certainty, gave_up, hurt_with

_LEAST_SHARE = 0.25  # of the failing traces


def _check(picture: Picture, earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    failing: dict[Subject, dict[EvidenceId, ErrorOrigin]] = defaultdict(dict)
    traces = {seen.evidence: seen for seen in picture.error_traces}
    for seen in picture.error_traces:
        for origin in error_origins(seen.trace):
            subject = blamed(origin, picture.inventory)
            if origin.unanswered and subject.kind == "Service" and subject.name in origin.peers:
                failing[subject].setdefault(seen.evidence, origin)
    for _, target, _ in kept_inside(picture):
        failing.pop(target, None)  # it was not asked
    count = len(picture.error_traces)
    slow = answering(picture, earlier) if failing else set()
    for subject, origins in sorted(failing.items(), key=lambda item: str(item[0])):
        share = len(origins) / count
        if share < _LEAST_SHARE or not picture.inventory.known:
            continue
        if subject in slow and all(gave_up(origin) for origin in origins.values()):
            continue
        usual = as_ever((traces[one] for one in origins), picture, earlier)
        example = origins[min(origins)]
        throttled = sum(1 for origin in origins.values() if http_status(origin.span) == 429)
        does = "throttles" if throttled * 2 > len(origins) else "fails"
        words = ": ".join(part for part in (example.service, example.words) if part)
        yield RULE.finding(
            subject,
            f"{subject.name} {does} its callers in {len(origins)} of {count} failing traces ({words[:200]}).",
            severity="error" if hurt_with(subject, picture, earlier) and not usual else "info",
            confidence=certainty(share, len(origins)),
            evidence=tuple(origins),
        )


RULE = Rule(
    "TRC017", "UnreachableDependency", "state", _check, specificity=0.8, stage=3, names_cause=True,
    shows_elsewhere=True, documentation=__doc__,
)  # fmt: skip
