"""Which callee that sends no spans of its own takes longer than before. Shared by the rules over slow dependencies.

A callee is slow when each call to it takes longer, not when it is called more often: that is its caller's doing. A
call that never got a connection was asked of nobody: how long it took is how long its caller was ready to wait.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import fmean, median

from autodevops.analysis.span_calls import asked, calls_per_request
from autodevops.analysis.span_names import never_connected
from autodevops.domain.finding import Finding
from autodevops.domain.subject import Subject
from autodevops.investigation.gather.traces import subjects_by_service
from autodevops.investigation.picture import Picture, SeenTrace
from autodevops.investigation.rules.idle_stores import is_idle, waited_for
from autodevops.investigation.rules.traced import LEAST_SHARE, callees_of, compared, total

_LEAST_RISE = 2.0
_LEAST_RISE_MS = 5.0
_MOST = 0.5
_LEAST_REQUESTS = 3  # of a caller, on both sides, to tell how often it asks


@dataclass(frozen=True)
class SlowCallee:
    """`now` and `before` are milliseconds a call of the operation that slowed most; `share` of the increase.

    `times` says how many times as often a request asks it as before.
    """

    subject: Subject
    database: str
    operation: str
    now: float
    before: float
    share: float
    callers: tuple[str, ...]
    times: float

    @property
    def certain(self) -> float:
        return min(1.0, self.share) / max(1.0, self.times)

    @property
    def load(self) -> str:
        return f"; it is asked {self.times:.1f} times as often for each request" if self.times >= 1.5 else ""


def slow_callees(picture: Picture, earlier: tuple[Finding, ...]) -> list[SlowCallee]:
    extras = compared(picture, earlier)
    if not extras:
        return []
    traces = (*picture.slow_traces, *picture.ordinary_traces)
    subjects = callees_of(traces, picture.inventory)
    more: dict[Subject, float] = defaultdict(float)
    callers: dict[Subject, set[str]] = defaultdict(set)
    for extra in extras:
        callee = subjects.get(extra.place.callee)
        if extra.place.kind == "dependency" and callee is not None:
            more[callee] += extra.more
            if extra.more > 0:
                callers[callee].add(extra.place.service)
    now, systems = _durations(picture.slow_traces, subjects)
    before, _ = _durations(picture.ordinary_traces, subjects)
    found: list[SlowCallee] = []
    spoken = {subject for seen in traces for subject in subjects_by_service([seen], picture.inventory).values()}
    for subject, increase in sorted(more.items(), key=lambda item: (-item[1], str(item[0]))):
        if subject in spoken:
            continue  # it sends spans, only these calls have none: they were lost, or given up
        share = increase / total(extras)
        slowed = [
            (sum(now[key]) - len(now[key]) * median(before[key]), key)
            for key in now
            if key[0] == subject
            and now[key]
            and before.get(key)
            and median(now[key]) >= max(_LEAST_RISE * median(before[key]), median(before[key]) + _LEAST_RISE_MS)
        ]
        if share >= LEAST_SHARE and slowed:
            key = max(slowed)[1]
            found.append(
                SlowCallee(
                    subject, systems.get(subject, ""), key[1], median(now[key]), median(before[key]), share,
                    tuple(sorted(callers[subject])), _times_as_often(subject, picture, subjects),
                )
            )  # fmt: skip
    return found


def answering(picture: Picture, earlier: tuple[Finding, ...]) -> set[Subject]:
    """Who is slow, and yet answers most of the calls in traces taken as they come."""
    subjects = callees_of(picture.plain_traces, picture.inventory)
    calls: dict[Subject, list[bool]] = defaultdict(list)
    for seen in picture.plain_traces:
        for group in asked(seen.trace):
            if group.callee in subjects:
                calls[subjects[group.callee]] += [span.status != "error" for span in group.calls]
    return {
        callee.subject
        for callee in slow_callees(picture, earlier)
        if len(told := calls[callee.subject]) >= _LEAST_REQUESTS and fmean(told) >= _MOST
    }


def far(callee: SlowCallee, picture: Picture) -> bool:
    """Whether it is a database that has nothing to do with what its callers wait for.

    How much longer a call takes is the mean over all its calls, in traces taken as they come: one slow statement among
    many is few sessions.
    """
    subjects = callees_of((*picture.plain_traces, *picture.ordinary_traces), picture.inventory)
    now, before = (
        [ms for key, times in _durations(traces, subjects)[0].items() if key[0] == callee.subject for ms in times]
        for traces in (picture.plain_traces, picture.ordinary_traces)
    )
    if not callee.database or not now or not before:
        return False
    waiting = waited_for(callee.subject, picture, longer=(fmean(now) - fmean(before)) / 1000)
    return is_idle(callee.subject, picture, waiting=waiting)


def _times_as_often(subject: Subject, picture: Picture, subjects: Mapping[str, Subject]) -> float:
    """How many times as often a request of one of its callers asks it as before; by traces taken as they come, since
    slow and failing ones are those that ask it."""
    now, before = (
        calls_per_request((seen.trace for seen in traces), least=_LEAST_REQUESTS)
        for traces in (picture.plain_traces, picture.ordinary_traces)
    )
    rises = [now[key] / before[key] for key in now if key in before and subjects.get(key[1]) == subject and before[key]]
    return max(rises, default=1.0)


def _durations(
    traces: Iterable[SeenTrace], subjects: dict[str, Subject]
) -> tuple[dict[tuple[Subject, str], list[float]], dict[Subject, str]]:
    times: dict[tuple[Subject, str], list[float]] = defaultdict(list)
    systems: dict[Subject, str] = {}
    for seen in traces:
        for group in asked(seen.trace):
            subject = subjects.get(group.callee)
            if subject is not None:
                times[subject, group.operation] += [s.duration_ms for s in group.calls if not never_connected(s)]
                if group.database:
                    systems[subject] = group.database
    return times, systems
