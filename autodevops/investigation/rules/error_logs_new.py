"""ErrorLogsNew (LOG001, locator): a workload writes an error it did not write before.

What: error lines are grouped by template; one that the baseline does not have, or has five times more rarely, and
that occurred at least eight times. The exception and its first own stack frame are named where the line holds them.

Why it matters: a new error next to a new version is the closest thing to a confession.

Example: `payments logs a new error since 03:25 UTC, seen 212 times: NullPointerException: discount is null`.

What to do: read the example line; search the change for the file its stack names.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from autodevops.analysis.log_templates import TemplateGroup
from autodevops.domain.finding import Finding
from autodevops.domain.subject import Subject
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule, clock
from autodevops.investigation.rules.log_news import log_news

_SHOWN = 3  # templates a workload: the first tell, the others repeat


def _check(picture: Picture, earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    shown: Counter[Subject] = Counter()
    for news in log_news(picture, earlier):
        found, subject = news.group, news.subject
        if not (found.example.is_error or found.exception) or shown[subject] >= _SHOWN:
            continue
        shown[subject] += 1
        yield RULE.finding(
            subject,
            f"{subject.name} logs {'an error far more often' if news.before else 'a new error'} since"
            f" {clock(news.onset)}, seen {found.count} times"
            f"{'' if news.active else f', at last at {clock(found.last_at)}'}: {words_of(found)}",
            severity=news.severity,
            confidence=news.confidence,
            evidence=news.evidence,
            onset=news.onset,
        )


def words_of(found: TemplateGroup) -> str:
    line = found.example
    words = line.message[:200]
    if line.exception and line.exception not in words:
        words = f"{line.exception}: {line.exception_message or words}"[:240]
    return f"{words} at {line.top_frame}" if line.top_frame and line.top_frame not in words else words


RULE = Rule("LOG001", "ErrorLogsNew", "locator", _check, specificity=0.4, stage=2, documentation=__doc__)
