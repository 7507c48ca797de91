"""What fails, as signs that a change can be compared with, and what else than a change the systems say it is.

Its own log lines and spans since shortly before the onset, what its crashed containers wrote last, and its alerts. Of
what is no workload here (a database, a provider) those tell who call it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from autodevops.analysis.outside_causes import outside_cause, provider_called, provider_in_trouble
from autodevops.analysis.signs import Signs, distinct, read_signs
from autodevops.analysis.span_names import refused
from autodevops.analysis.worse_operations import worse_operations
from autodevops.domain.evidence import EvidenceId
from autodevops.domain.subject import Subject
from autodevops.domain.trace import Span as TraceSpan
from autodevops.investigation.gather.traces import service_subject
from autodevops.investigation.inventory import name_of
from autodevops.investigation.picture import Picture, SeenTrace

_BEFORE_ONSET: Final = timedelta(minutes=2)
_NO_SIGN: Final = frozenset({"severity", "namespace"})  # labels of alerts that say nothing of what fails
_SURGE: Final = 1.8  # times the usual rate


def signs_of(
    subject: Subject, onset: datetime | None, picture: Picture, *, around: bool = False
) -> tuple[Signs, list[TraceSpan], tuple[EvidenceId, ...]]:
    """Its signs, its bad spans and what they were read from; `around` adds what those say that it depends on.

    What nobody changed complains of how it is used, or of what broke it: that is read as if it were its own. Of what
    was changed itself words alone count.
    """
    begin = (onset or picture.span.window.start) - _BEFORE_ONSET
    speaking = speaking_for(subject, picture)
    failing: list[str] = []
    alerts: list[str] = []
    usual: list[str] = [log.record.body for log in picture.baseline_logs if log.subject in speaking]
    cited: list[EvidenceId] = []
    workloads = {workload.subject for workload in picture.inventory.workloads}
    changed = {rollout.subject for rollout in picture.rollouts}
    callees = {edge.target for edge in picture.graph.edges if around and edge.origin in speaking} - speaking
    near: list[str] = []
    for log in (*picture.logs, *picture.notices):
        own = log.subject in speaking
        if log.subject in callees:
            near_by = failing if log.subject not in changed else near
            (usual if log.record.timestamp < begin else near_by).append(log.record.body)
        about = log.subject not in workloads and subject.name in log.record.body
        if not own and not about:
            continue
        if log.record.timestamp < begin:
            usual.append(log.record.body)
        else:
            failing.append(log.record.body)
            cited.append(log.evidence)
    for last in picture.last_words:
        if last.subject in speaking:
            failing.extend(last.lines)
            cited.append(last.evidence)
    for seen in picture.alerts:
        if seen.subject in speaking:
            annotations = " ".join(seen.alert.annotations.values())
            alerts.append(f"{' '.join(v for k, v in seen.alert.labels.items() if k not in _NO_SIGN)} {annotations}")
            cited.append(seen.evidence)
    bad, more = _spans(speaking, (*picture.error_traces, *picture.slow_traces), picture, begin, after=True)
    good, _ = _spans(speaking, (*picture.plain_traces, *picture.ordinary_traces), picture, begin, after=False)
    worse = worse_operations(*(_with_callees(spans, picture) for spans in (bad, good)))
    signs = read_signs(distinct(failing), usual, bad, good, alerts, distinct(near), worse)
    return signs, bad, tuple(dict.fromkeys([*cited, *more]))


def speaking_for(subject: Subject, picture: Picture) -> frozenset[Subject]:
    """Who tells of its trouble: itself, or, of what is no workload here (a database, a provider), those who call it."""
    if picture.inventory.workload(subject) is not None:
        return frozenset({subject})
    return frozenset({subject, *(edge.origin for edge in picture.graph.edges if edge.target == subject)})


def _spans(
    speaking: frozenset[Subject], traces: Iterable[SeenTrace], picture: Picture, begin: datetime, *, after: bool
) -> tuple[list[TraceSpan], list[EvidenceId]]:
    """Theirs, and the spans with which others refused their requests: why, only these say."""
    spans: list[TraceSpan] = []
    cited: list[EvidenceId] = []
    for seen in traces:
        of = {span.span_id: service_subject(span, picture.inventory) for span in seen.trace.spans}
        for span in seen.trace.spans:
            theirs = of[span.span_id] in speaking or (refused(span) and of.get(span.parent_span_id) in speaking)
            if (span.start >= begin) == after and theirs:
                spans.append(span)
                cited.append(seen.evidence)
    return spans, cited


def _with_callees(spans: list[TraceSpan], picture: Picture) -> list[TraceSpan]:
    """The same spans, and those of others that they called."""
    own = {span.span_id for span in spans}
    traces = (*picture.error_traces, *picture.slow_traces, *picture.plain_traces, *picture.ordinary_traces)
    called = {span.span_id: span for seen in traces for span in seen.trace.spans if span.parent_span_id in own}
    return [*spans, *(span for span_id, span in called.items() if span_id not in own)]


def other_cause(subject: Subject, onset: datetime | None, picture: Picture, signs: Signs, bad: list[TraceSpan]) -> str:
    asked = subject.name if _is_provider(subject, picture) else ""
    host = asked or provider_in_trouble(signs.text) or provider_called(bad, _own_names(picture))
    if host:
        return f"its errors come from {host}, which lies outside"
    if signs.same_input:
        return f"nearly all its errors are about one piece of input, {signs.same_input}"
    said = outside_cause(signs.text)
    if said:
        return said
    if onset is not None and _surge(subject, onset, picture):
        return "traffic has surged"
    return ""


def _is_provider(subject: Subject, picture: Picture) -> bool:
    """Whether it is a host outside; a database outside may suffer from how it is asked."""
    known = picture.dependency(subject)
    return subject.kind == "Service" and "." in subject.name and (known is None or known.system in ("", "http"))


def _own_names(picture: Picture) -> frozenset[str]:
    traces = (*picture.error_traces, *picture.plain_traces, *picture.slow_traces, *picture.ordinary_traces)
    traced = {span.service for seen in traces for span in seen.trace.spans}
    services = {name_of(service) for service in picture.inventory.services}
    return frozenset(traced | services | {name for w in picture.inventory.workloads for name in w.names})


def _surge(subject: Subject, onset: datetime, picture: Picture) -> bool:
    """Whether many more requests come from outside: to it, if nobody here calls it, or to a first caller.

    Where no first caller's rate is known those of the callers between stand for it: who is asked more often by callers
    that are asked no more than usual suffers from them, not from users.
    """
    callers = {edge.origin for edge in picture.graph.edges if edge.how == "calls"}
    called = {edge.target for edge in picture.graph.edges if edge.how == "calls"}
    entries = [
        s for s in {subject, *callers} if s not in called and (s == subject or picture.graph.reaches(s, subject))
    ]
    between = [s for s in callers if s != subject and picture.graph.reaches(s, subject)]
    known, near = ([s for s in some if picture.signal(s, "request_rate") is not None] for some in (entries, between))
    for entry in known or near or [subject]:
        signal = picture.signal(entry, "request_rate")
        if signal is None:
            continue
        moment = onset.timestamp()
        before = signal.values[(signal.times < moment - 120) & (signal.values > 0)]
        after = signal.values[(signal.times >= moment - 60) & (signal.values > 0)]
        if len(before) >= 5 and len(after) >= 2:
            usual, now = float(sorted(before)[len(before) // 2]), float(sorted(after)[len(after) // 2])
            if now >= _SURGE * usual:
                return True
    return False
