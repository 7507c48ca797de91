"""ExternalThrottled (DB015, state): somebody else's API refuses requests because there are too many.

What: calls to a host outside of the namespace end with 429, or its callers write of a rate limit of it, new or far
more often than before, and those callers are hurt. A retry that a client makes in silence is none.

Why it matters: retries make it last; nothing here is broken, and a rollback helps only where a release sends more.

Example: `acquirer.example refuses calls since 11:38 UTC: 429 Too Many Requests (payment)`

What to do: see whether the callers send more than before (a release, a retry loop, a job); obey Retry-After; ask for
a higher limit.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.complaints import complaints
from autodevops.investigation.rules.stores import hurt_callers


def _check(picture: Picture, earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    for one in complaints(picture, "throttled"):
        hurt = hurt_callers(one.subject, picture, earlier)
        if picture.inventory.workload(one.subject) is None and hurt:
            yield RULE.finding(
                one.subject,
                f"{one.subject.name} refuses calls{one.since}: {one.words}"
                f" ({', '.join(subject.name for subject in hurt[:3])}).",
                severity="error",
                confidence=0.95 if one.traces >= 2 else 0.85,
                evidence=one.evidence,
                onset=one.first,
            )


RULE = Rule(
    "DB015", "ExternalThrottled", "state", _check, specificity=0.95, stage=2, names_cause=True, shows_elsewhere=True,
    documentation=__doc__,
)  # fmt: skip
