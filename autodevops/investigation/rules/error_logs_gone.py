"""ErrorLogsGone (LOG003, locator): a workload no longer writes an error that it used to write.

What: a template of error lines that occurred at least eight times in the baseline and not once in the window, where
all error lines of the window could be read.

Why it matters: nothing is wrong by it. It tells that something was mended, or that what used to fail is not tried
any more; after an incident it tells when the error ended.

Example: `payments has not logged an error since 10:58 UTC that it logged 40 times in the hour before: no route to host`

What to do: nothing, if it was mended; else see whether the workload still does its work.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.gather.logs import LINES_LIMIT
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule, clock
from autodevops.investigation.rules.error_logs_new import words_of

_LEAST_LINES = 8


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    if len(picture.logs) >= LINES_LIMIT:
        return  # not all was read: what is not seen may still be there
    subjects = {str(log.subject): log.subject for log in picture.baseline_logs if log.subject is not None}
    for gone in picture.gone_log_groups:
        if gone.count >= _LEAST_LINES and gone.example.is_error:
            subject = subjects[gone.source]
            yield RULE.finding(
                subject,
                f"{subject.name} has not logged an error since {clock(gone.last_at)} that it logged {gone.count} times"
                f" in the time before: {words_of(gone)}",
                severity="info",
                confidence=0.6,
                evidence=sorted({log.evidence for log in picture.baseline_logs if log.subject == subject}),
            )


RULE = Rule("LOG003", "ErrorLogsGone", "locator", _check, specificity=0.0, stage=2, documentation=__doc__)
