"""ErrorsStartInService (TRC001, locator): in failing traces, the deepest failing span lies in this workload.

What: of the failing traces that were opened, the share whose error starts here, with the exception its span records.
An error travels up the calls; a workload that only passes it on is not named. A call that a database or an external
host did not answer, or refused for reasons of its own, starts there. So does one whose caller gave up while a callee
that has become slow was still at it, unless that caller asks it much more often than before. A request refused with a
4xx starts with the caller if that one was rolled out shortly before and the callee was not. Where nobody in those
traces fails more than before, by metrics, they are the background that every system has: context, unless this workload
is in trouble itself.

Why it matters: it tells the culprit from its callers, which fail as loudly.

Example: `Errors start in payments in 7 of 8 failing traces (NullPointerException: discount is null)`.

What to do: open the example trace; look at this workload's logs and its latest change. Where the failing span is a
call that nobody answered, the dependency named there is at fault or not reachable.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from autodevops.analysis.spans import ErrorOrigin, error_origins
from autodevops.domain.finding import Finding
from autodevops.domain.subject import Subject
from autodevops.domain.trace import Trace
from autodevops.investigation.picture import Picture, SeenTrace
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.repeated_calls import load_beyond
from autodevops.investigation.rules.rollout_near_onset import AFTER
from autodevops.investigation.rules.traced import as_ever, blamed, refused_caller, waited_for

_SHORTLY = timedelta(minutes=30)  # before requests began to fail
_PRESSED = 2.0  # times as many requests as its caller's traffic accounts for
_LEAST_SHARE = 0.25  # of the failing traces; below this it is the background of errors every system has

# Who is merely slow or little asked, or whom an alert of unknown meaning names, is not failing by that.
_NOT_ERRORS = {
    "LatencyIncreased", "TrafficChanged", "CPUThrottled", "MemoryNearLimit", "AlertFiring", "CPUSaturated",
    "GCPressure", "ConnectionPoolFull", "ThreadPoolExhausted", "FileDescriptorsNearLimit", "HPABlind",
    "HPAAtMaximum",
}  # fmt: skip


def _check(picture: Picture, earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    found: dict[Subject, list[tuple[ErrorOrigin, SeenTrace]]] = {}
    slow = {f.subject for f in earlier if f.reason == "LatencyIncreased" and f.severity != "info"}
    rises = {f.subject: f.onset for f in earlier if f.reason == "TrafficChanged" and f.onset is not None}
    failing = [f.onset for f in earlier if f.reason.startswith("ErrorRate") and f.severity != "info" and f.onset]
    changed = _rolled_out_before(min(failing), picture) if failing else set()
    for seen in picture.error_traces:
        per_trace: dict[Subject, ErrorOrigin] = {}
        for origin in error_origins(seen.trace):
            per_trace.setdefault(_who(origin, seen.trace, picture, slow, rises, changed), origin)
        for subject, origin in per_trace.items():
            found.setdefault(subject, []).append((origin, seen))
    total = len(picture.error_traces)
    suffering = {f.subject for f in earlier if f.severity != "info" and f.reason not in _NOT_ERRORS}
    # Every system has some failing requests. They are an incident only where something else says so.
    for subject, origins in sorted(found.items(), key=lambda item: (-len(item[1]), str(item[0]))):
        share = len(origins) / total
        if share < _LEAST_SHARE:
            continue
        usual = as_ever((seen for _, seen in origins), picture, earlier)
        through = not usual and any(picture.graph.reaches(other, subject) for other in suffering)
        example = _most_telling([origin for origin, _ in origins])
        away = f"calling {example.dependency}" if example.dependency else ""
        detail = ", ".join(part for part in (example.words[:200], away) if part)
        yield RULE.finding(
            subject,
            f"Errors start in {subject.name} in {len(origins)} of {total} failing traces{detail and f' ({detail})'}.",
            severity="error" if subject in suffering or through else "info",
            confidence=share * total / (total + 1.0),  # one trace proves less than eight
            evidence=[seen.evidence for _, seen in origins],
        )


def _who(
    origin: ErrorOrigin,
    trace: Trace,
    picture: Picture,
    slow: set[Subject],
    rises: Mapping[Subject, datetime],
    changed: set[Subject],
) -> Subject:
    subject = blamed(origin, picture.inventory)
    callee = waited_for(origin, trace, picture.inventory)
    if callee is not None and callee in slow and not _presses(subject, callee, picture, rises):
        return callee
    caller = refused_caller(origin, trace, picture.inventory)
    return caller if caller is not None and caller in changed and subject not in changed else subject


def _presses(caller: Subject, callee: Subject, picture: Picture, rises: Mapping[Subject, datetime]) -> bool:
    """Whether the callee gets many more requests, and not because the caller does."""
    since = rises.get(callee)
    load = load_beyond(caller, callee, picture, since) if since is not None else None
    return load is not None and load >= _PRESSED


def _rolled_out_before(moment: datetime, picture: Picture) -> set[Subject]:
    return {r.subject for r in picture.rollouts if moment - _SHORTLY <= r.change.at <= moment + AFTER}


def _most_telling(origins: list[ErrorOrigin]) -> ErrorOrigin:
    counts = Counter((origin.exception, origin.dependency) for origin in origins)
    best = max(counts.items(), key=lambda item: (bool(item[0][0]), item[1], item[0]))[0]
    return next(origin for origin in origins if (origin.exception, origin.dependency) == best)


RULE = Rule("TRC001", "ErrorsStartInService", "locator", _check, specificity=0.45, stage=3, documentation=__doc__)
