"""What is new in the logs: templates of error lines that the time before did not have, or far more rarely."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from autodevops.analysis.counts import poisson_surprise, rate_onset
from autodevops.analysis.log_templates import TemplateGroup
from autodevops.domain.evidence import EvidenceId
from autodevops.domain.finding import Finding, Severity
from autodevops.domain.subject import Subject
from autodevops.domain.window import TimeWindow
from autodevops.investigation.gather.logs import LINES_LIMIT
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.pods import RECENT, is_recent

_LEAST_LINES: Final = 8  # of a template whose expected count is two, eight are a chance of one in a thousand
_FEW_LINES: Final = 3  # of a known kind, never said in the time before, by somebody who suffers
_ALONE: Final = 0.8  # of all error lines of its source
_TIMES_MORE: Final = 5.0
SURPRISING: Final = 3.0  # standard deviations
_MANY_LINES: Final = 50  # in the window: so many are trouble even where requests look well (a consumer, a job)


@dataclass(frozen=True)
class LogNews:
    """`before` says whether it occurred at all in the time before; `severity` is info where nobody is hurt by it."""

    subject: Subject
    group: TemplateGroup
    before: bool
    active: bool  # still more often than usual
    onset: datetime
    severity: Severity
    confidence: float
    evidence: tuple[EvidenceId, ...]


def log_news(picture: Picture, earlier: tuple[Finding, ...], *, few: bool = False) -> Iterator[LogNews]:
    """Most frequent first. `earlier` says who suffers. `few`: of those also what is new and still rare."""
    suffering = {f.subject for f in earlier if f.severity != "info"}
    for one in picture.once(_news):
        if one.group.count < _LEAST_LINES and not (few and one.subject in suffering):
            continue
        yield replace(one, severity="error") if one.active and one.subject in suffering else one


def _news(picture: Picture) -> tuple[LogNews, ...]:
    """As far as nobody is known to suffer."""
    window = picture.span.window
    covered = covered_seconds(picture)
    subjects = {str(log.subject): log.subject for log in picture.logs if log.subject is not None}
    lines: Counter[str] = Counter()
    for group in picture.log_groups:
        lines[group.source] += group.count
    news = []
    for found in picture.log_groups:
        rate = found.before / covered
        usual = rate * window.length.total_seconds()
        # It says that and hardly anything else, and never said it before.
        alone = bool(found.category) and not found.before and found.count >= _ALONE * lines[found.source]
        least = _FEW_LINES if found.category and not found.before else _LEAST_LINES
        if found.count < least or found.count < _TIMES_MORE * usual:
            continue
        subject = subjects[found.source]
        # What every system writes now and then goes on after an incident: only more than usual is still going on.
        lately = sum(1 for moment in found.moments if is_recent(moment, picture))
        active = poisson_surprise(lately, rate * RECENT.total_seconds()) >= SURPRISING
        # Where requests succeed as before, nobody is hurt by it.
        harmless = picture.signal(subject, "error_ratio") is not None and found.count < _MANY_LINES
        news.append(
            LogNews(
                subject=subject,
                group=found,
                before=found.before > 0,
                active=active,
                onset=_onset(found, picture),
                severity="warning" if active and not harmless else "info",
                confidence=(0.6 if found.before else 0.9) * found.count / (found.count + (2.0 if alone else 5.0)),
                evidence=tuple(sorted({log.evidence for log in picture.logs if log.subject == subject})),
            )
        )
    return tuple(news)


def covered_seconds(picture: Picture) -> float:
    """How much of the baseline the lines read from it cover: a busy one is cut at its oldest line."""
    baseline = picture.span.baseline
    if len(picture.baseline_logs) < LINES_LIMIT:
        return baseline.length.total_seconds()
    oldest = min(log.record.timestamp for log in picture.baseline_logs)
    return max(1.0, (baseline.end - oldest).total_seconds())


def _onset(found: TemplateGroup, picture: Picture) -> datetime:
    """When it began in earnest: a template may have occurred now and then before.

    Only time whose lines were read counts: between the first of a busy window and the latest many were not, and a
    silence there is nobody's.
    """
    window, unread = picture.span.window, picture.unread_logs
    moments = [moment for moment in found.moments if window.contains(moment)]
    read = [_read_until(moment, window, unread) for moment in moments]
    began = rate_onset(read, 0.0, _read_until(window.end, window, unread))
    return moments[read.index(began)] if began is not None else found.first_at


def _read_until(moment: datetime, window: TimeWindow, unread: Iterable[TimeWindow]) -> float:
    """Seconds of the window before `moment` whose lines were read."""
    missed = sum(max(0.0, (min(moment, gap.end) - gap.start).total_seconds()) for gap in unread)
    return (moment - window.start).total_seconds() - missed
