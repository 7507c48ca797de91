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
from datetime import UTC, datetime

from autodevops.analysis.counts import poisson_surprise, rate_onset
from autodevops.analysis.log_templates import TemplateGroup, group
from autodevops.domain.evidence import EvidenceId
from autodevops.domain.finding import Finding, Severity
from autodevops.domain.subject import Subject
from autodevops.investigation.gather_logs import LINES_LIMIT
from autodevops.investigation.picture import Picture, SeenLog
from autodevops.investigation.rules.base import Rule, clock
from autodevops.investigation.rules.pods import RECENT, is_recent

_LEAST_LINES = 8  # of a template whose expected count is two, eight are a chance of one in a thousand
_TIMES_MORE = 5.0
_SURPRISING = 3.0  # standard deviations
_MANY_LINES = 50  # in the window: so many are trouble even where requests look well (a consumer, a job)
_SHOWN = 3  # templates a workload: the first tell, the others repeat


def _check(picture: Picture, earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    window = picture.span.window
    old: Counter[tuple[str, str]] = Counter()
    for known in _groups(picture.baseline_logs):
        old[known.source, known.template] += known.count
    covered = _covered_seconds(picture)
    subjects = {str(log.subject): log.subject for log in picture.logs if log.subject is not None}
    suffering = {f.subject for f in earlier if f.severity != "info"}
    shown: Counter[str] = Counter()
    for found in _groups(picture.logs):
        rate = old[found.source, found.template] / covered
        usual = rate * window.length.total_seconds()
        if found.count < _LEAST_LINES or found.count < _TIMES_MORE * usual or shown[found.source] >= _SHOWN:
            continue
        shown[found.source] += 1
        subject = subjects[found.source]
        onset = _onset(found, picture)
        # What every system writes now and then goes on after an incident: only more than usual is still going on.
        lately = sum(1 for moment in found.moments if is_recent(moment, picture))
        active = poisson_surprise(lately, rate * RECENT.total_seconds()) >= _SURPRISING
        measured = picture.signal(subject, "error_ratio") is not None
        severity: Severity = "warning"
        if subject in suffering:
            severity = "error"
        elif measured and found.count < _MANY_LINES:
            severity = "info"  # its requests succeed as before: nobody is hurt by it
        yield RULE.finding(
            subject,
            f"{subject.name} logs {'a new error' if rate == 0 else 'an error far more often'} since {clock(onset)},"
            f" seen {found.count} times{'' if active else f', at last at {clock(found.last_at)}'}: {_words(found)}",
            severity=severity if active else "info",
            confidence=(0.9 if rate == 0 else 0.6) * found.count / (found.count + 5.0),
            evidence=_evidence(picture.logs, subject),
            onset=onset,
        )


def _covered_seconds(picture: Picture) -> float:
    """How much of the baseline the lines read from it cover: a busy one is cut at its oldest line."""
    baseline = picture.span.baseline
    if len(picture.baseline_logs) < LINES_LIMIT:
        return baseline.length.total_seconds()
    oldest = min(log.record.timestamp for log in picture.baseline_logs)
    return max(1.0, (baseline.end - oldest).total_seconds())


def _groups(logs: tuple[SeenLog, ...]) -> tuple[TemplateGroup, ...]:
    return group((str(log.subject), log.record) for log in logs if log.subject is not None)


def _onset(found: TemplateGroup, picture: Picture) -> datetime:
    """When it began in earnest: a template may have occurred now and then before."""
    window = picture.span.window
    moments = [moment.timestamp() for moment in found.moments if window.contains(moment)]
    began = rate_onset(moments, window.start.timestamp(), window.end.timestamp())
    return datetime.fromtimestamp(began, UTC) if began is not None else found.first_at


def _words(found: TemplateGroup) -> str:
    line = found.example
    words = line.message[:200]
    if line.exception and line.exception not in words:
        words = f"{line.exception}: {line.exception_message or words}"[:240]
    return f"{words} at {line.top_frame}" if line.top_frame and line.top_frame not in words else words


def _evidence(logs: tuple[SeenLog, ...], subject: Subject) -> list[EvidenceId]:
    return sorted({log.evidence for log in logs if log.subject == subject})


RULE = Rule("LOG001", "ErrorLogsNew", "locator", _check, specificity=0.4, stage=2, documentation=__doc__)
