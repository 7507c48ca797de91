"""Traces: the slowest, the failed, one by its id; where the time of one goes, by the maths of `analysis.span_times`.

Tempo answers a search with the first matches it finds, not with the slowest. So the slowest are looked for by raising
the least duration until few enough are left, and the answer says of how many it speaks.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict

from autodevops.analysis.chart_data import trace_chart
from autodevops.analysis.span_names import operation
from autodevops.analysis.span_times import Place, critical_path, self_times, spent
from autodevops.analysis.spans import error_origins
from autodevops.domain.base import Json
from autodevops.domain.evidence import Evidence
from autodevops.domain.stream import ChartReady
from autodevops.domain.subject import Subject
from autodevops.domain.tool_results import TraceList, TraceResult, TraceSummary
from autodevops.domain.trace import Trace
from autodevops.jamie.answers import Answer, counted, gaps, more, understood, whose
from autodevops.jamie.context import Context
from autodevops.jamie.markdown import cites, code, table
from autodevops.toolbox.protocol import Emit, EvidenceSource

SEARCHED = 100  # summaries in one search
SHOWN = 8  # traces in the table
ROUNDS = 3  # searches for slower ones
PATH_SHOWN = 8  # spans of the critical path
WORTH = 0.02  # of a trace's time; smaller parts are left out of the critical path
_ROUTE = re.compile(r"(?<![\w/])/[\w./{}:*-]*[\w}*]|(?<![\w/])/(?=\s|$)")


async def answer(context: Context, source: EvidenceSource, emit: Emit) -> Answer:
    if context.trace_id:
        evidence = await source.collect("tempo.get_trace", {"trace_id": context.trace_id})
        read = understood(evidence, TraceResult).trace
        emit(_chart(read, evidence))
        return Answer(_one(read, evidence), (evidence,), _follow_ups(context, read), _item(read.trace_id))
    topic = context.reading.topic
    failed = topic == "failed"
    typical = topic == "time"
    searches, found, cut = await _search(context, source, failed=failed, slowest=not failed and not typical)
    used = tuple(searches)
    what = "failed request" if failed else "trace"
    about = f"through {_about(context)}"
    looked = cites(item.id for item in searches)
    if not found:
        return Answer(f"**I see no {what} {about}** ({context.told}).{looked}", used, _follow_ups(context, None))
    chosen = found[len(found) // 2] if typical else found[0]
    evidence = await source.collect("tempo.get_trace", {"trace_id": chosen.trace_id})
    trace = understood(evidence, TraceResult).trace if evidence.ok else None
    text = f"{_headline(context, found, chosen, trace, cut)}{cites([*(item.id for item in searches), evidence.id])}"
    if trace is not None:
        emit(_chart(trace, evidence))
        text += f"\n\n{_one(trace, evidence)}"
    if len(found) > 1:
        text += f"\n\n{_table(found)}"
    if cut:
        of_it = "" if failed or typical else "; these are the slowest of what it gave"
        text += f"\n\nTempo was asked for {SEARCHED} and has more{of_it}."
    return Answer(text + gaps([evidence]), (*used, evidence), _follow_ups(context, trace), _items(found))


async def _search(
    context: Context, source: EvidenceSource, *, failed: bool, slowest: bool
) -> tuple[list[Evidence], list[TraceSummary], bool]:
    """Summaries (the newest failed first, or the slowest first), and whether there are more than were given."""
    window: dict[str, Json] = {
        "start": context.window.start.isoformat(),
        "end": context.window.end.isoformat(),
        "limit": SEARCHED,
    }
    asked: list[Evidence] = []
    best: list[TraceSummary] = []
    cut, least = False, 0.0
    for _ in range(ROUNDS):
        evidence = await source.collect("tempo.search_traces", {"query": _query(context, failed, least), **window})
        if asked and not evidence.ok:
            break
        listed = understood(evidence, TraceList)
        asked.append(evidence)
        if listed.traces or not best:
            best, cut = list(listed.traces), listed.truncated
        if not slowest or not listed.truncated or not listed.traces:
            break
        durations = sorted(one.duration_ms for one in listed.traces)
        raised = durations[int(len(durations) * 0.9)]
        if raised <= least:
            break
        least = raised
    key = (
        (lambda one: (-one.start.timestamp(), one.trace_id))
        if failed
        else (lambda one: (-one.duration_ms, one.trace_id))
    )
    return asked, sorted(best, key=key), cut


def _query(context: Context, failed: bool, least_ms: float) -> str:
    parts = [f"resource.k8s.namespace.name = {_quoted(context.namespace)}"]
    if context.subject is not None:
        parts = (
            [f"resource.k8s.pod.name = {_quoted(context.subject.name)}"]
            if context.subject.kind == "Pod"
            else [f"resource.service.name = {_quoted(context.subject.name)}"]
        )
    route = _route(context)
    if route:
        parts.append(f"name =~ {_quoted('.*' + re.escape(route) + '$')}")
    if failed:
        parts.append("status = error")
    if least_ms:
        parts.append(f"traceDuration > {least_ms:.0f}ms")
    return "{ " + " && ".join(parts) + " }"


def _route(context: Context) -> str:
    found = _ROUTE.search(context.text)
    return found[0] if found else ""


def _about(context: Context) -> str:
    route = _route(context)
    if route:
        return code(route) + (f" of {whose(context)}" if context.subject else f" in {code(context.namespace)}")
    return whose(context)


def _headline(context: Context, found: list[TraceSummary], chosen: TraceSummary, trace: Trace | None, cut: bool) -> str:
    about = _about(context)
    if context.reading.topic == "failed":
        least = "At least " if cut else ""
        begins = f"; the newest begins to fail in {said}" if trace and (said := _error_of(trace)) else ""
        return f"**{least}{counted(len(found), 'failed request')} through {about}{begins}** ({context.told})."
    holds = f"; {_holder(trace)} of it" if trace and critical_path(trace) else ""
    if context.reading.topic == "time":
        return f"**A typical request through {about} takes {_ms(chosen.duration_ms)}{holds}** ({context.told})."
    return f"**The slowest request through {about} took {_ms(chosen.duration_ms)}{holds}** ({context.told})."


def _holder(trace: Trace) -> str:
    """Where most of a trace's time passes, and how much of it."""
    places = _by_place(trace)
    (place, name), most = max(places.items(), key=lambda item: item[1])
    return f"{_place(place, name)}, holds {most / (sum(places.values()) or 1.0):.0%}"


def _error_of(trace: Trace) -> str:
    """Where its errors begin; empty when it has none."""
    origins = error_origins(trace)
    if not origins:
        return ""
    first = origins[0]
    why = ": ".join(part for part in (first.exception, first.message) if part)
    towards = f" calling {code(first.dependency)}" if first.dependency else ""
    more = f" ({len(origins)} places fail on their own)" if len(origins) > 1 else ""
    said = f": {code(why, 200)}" if why else ""
    return f"{code(f'{first.service} {operation(first.span)}')}{towards}{said}{more}"


def _one(trace: Trace, evidence: Evidence) -> str:
    """One trace: its length, who holds its time, its errors, its critical path."""
    path = critical_path(trace)
    if not path:
        return f"{code(trace.trace_id)} has no spans.{cites([evidence.id])}"
    root, whole = path[0], max(span.duration_ms for span in trace.spans)
    text = (
        f"Trace {code(trace.trace_id)}: {code(f'{root.service} {operation(root)}')} at {root.start:%H:%M:%S} UTC took "
        f"{_ms(whole)}; {_holder(trace)}.{cites([evidence.id])}"
    )
    error = _error_of(trace)
    if error:
        text += f"\n\nIts error begins in {error}.{cites([evidence.id])}"
    own = self_times(trace)
    shown = [span for span in path if own.get(span.span_id, 0.0) >= WORTH * whole or span is root][:PATH_SHOWN]
    rows = [
        [
            code(span.service),
            code(operation(span)),
            _ms(span.duration_ms),
            _ms(own.get(span.span_id, 0.0)),
            "error" if span.status == "error" else "",
        ]
        for span in shown
    ]
    head = ("Service", "Operation", "Took", "In itself", "")
    left = f", {len(path) - len(shown)} short ones left out" if len(path) > len(shown) else ""
    spans = counted(len(trace.spans), "span")
    return f"{text}\n\nIts critical path ({spans} in all{left}):\n\n{table(head, rows)}"


def _by_place(trace: Trace) -> dict[tuple[Place, str], float]:
    found: dict[tuple[Place, str], float] = defaultdict(float)
    for (place, name), time in spent(trace).items():
        found[place, name] += time
    return found


def _place(place: Place, name: str) -> str:
    if place.kind == "network":
        return f"The network from {code(place.service)} to {code(place.callee)}"
    if place.kind == "dependency":
        return f"{code(place.callee)}, called by {code(place.service)} ({code(name)})"
    return f"{code(place.service)} itself, in {code(name)}"


def _table(found: list[TraceSummary]) -> str:
    rows = [
        [
            code(f"{one.root_service} {one.root_name}".strip()),
            _ms(one.duration_ms),
            f"{one.start:%Y-%m-%d %H:%M:%S}",
            code(one.trace_id),
        ]
        for one in found[:SHOWN]
    ]
    return table(("Request", "Took", "Started (UTC)", "Trace"), rows) + more(len(found), SHOWN)


def _ms(value: float) -> str:
    return f"{value / 1000:,.2f} s" if value >= 1000 else f"{value:,.0f} ms" if value >= 10 else f"{value:.1f} ms"


def _chart(trace: Trace, evidence: Evidence) -> ChartReady:
    return ChartReady(chart=trace_chart(f"Trace {trace.trace_id}", trace, (evidence.id,)))


def _item(trace_id: str) -> tuple[Subject, ...]:
    return (Subject(kind="Trace", name=trace_id),)


def _items(found: list[TraceSummary]) -> tuple[Subject, ...]:
    return tuple(Subject(kind="Trace", name=one.trace_id) for one in found[:SHOWN])


def _follow_ups(context: Context, trace: Trace | None) -> tuple[str, ...]:
    name = context.subject.name if context.subject else ""
    path = critical_path(trace) if trace else ()
    here = dict.fromkeys(span.service for span in path if span.resource.get("k8s.pod.name"))
    deepest = next((each for each in reversed(here) if each != name), "")
    why = f"Why is {name} slow?" if name else f"What is wrong in {context.namespace}?"
    logs = (f"Show me the logs of {deepest}",) if deepest and name else ()
    again = ("Show me a failed request",) if context.reading.topic != "failed" else ("Show me the slowest traces",)
    return (why, *logs, *again)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
