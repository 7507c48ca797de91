"""DatabaseRestarted (DB025, state): a database was stopped and started again.

What: its cloud writes within the window that the instance was restarted, shut down, patched off line or recovers. It
is trouble while callers are hurt; where nobody sees the callers, if the database lost half of its connections or
transactions by it within the last half hour. Once all is well again it is history, and where it failed over that is
told instead.

Why it matters: all connections break, its cache is empty, and what was not committed is lost.

Example: `loyalty-prod restarted at 04:07 UTC: Applying off-line patches to DB instance`

What to do: see who or what wanted it (a maintenance window, a pending parameter, a crash); see that callers have
reconnected.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule, clock
from autodevops.investigation.rules.interruptions import felt, written


def _check(picture: Picture, earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    moved = {subject for subject, *_ in written(picture, "failover")}
    for subject, at, words, evidence in written(picture, "restart"):
        if subject in moved:
            continue
        yield RULE.finding(
            subject,
            f"{subject.name} restarted at {clock(at)}: {words[:160].rstrip('.')}.",
            severity="error" if felt(subject, picture, earlier, at.timestamp()) else "info",
            confidence=0.8,
            evidence=[evidence],
            onset=at,
        )


RULE = Rule(
    "DB025", "DatabaseRestarted", "state", _check, specificity=0.85, stage=2, names_cause=True, shows_elsewhere=True,
    documentation=__doc__,
)  # fmt: skip
