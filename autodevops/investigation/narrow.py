"""The narrow pass: closer questions about the suspects that the wide pass has left.

Their revisions and the code behind them, log lines around the onset, the last words of crashed containers, and slow
traces beside ordinary ones. Fills the picture; judges nothing.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

from autodevops.domain.evidence import Evidence
from autodevops.domain.finding import Finding
from autodevops.domain.subject import Subject
from autodevops.domain.tool_results import RolloutHistory
from autodevops.domain.window import TimeWindow
from autodevops.investigation.gather.code import open_brought, open_change
from autodevops.investigation.gather.collect import Collector
from autodevops.investigation.gather.edits import gather_edits, reading_edges
from autodevops.investigation.gather.logs import follow_up, gather_notices
from autodevops.investigation.gather.pressures import gather_growth, gather_node_loads
from autodevops.investigation.gather.supplies import gather_supplies
from autodevops.investigation.gather.tails import gather_tails
from autodevops.investigation.gather.traces import gather_compared_traces, trace_edges
from autodevops.investigation.log_peers import log_edges
from autodevops.investigation.picture import Picture, SeenTrace, Signal
from autodevops.investigation.rollouts import from_history
from autodevops.investigation.rules.episodes import mean_between
from autodevops.investigation.rules.neighbours import neighbour_edges
from autodevops.investigation.suspects import worth_reading
from autodevops.investigation.weigh import Candidate

_BEFORE_ONSET = timedelta(minutes=2)
_AROUND_ONSET = timedelta(minutes=6)
_ROLLS = {"Deployment", "StatefulSet", "DaemonSet"}
_WORSE = {"LatencyIncreased", "ErrorRateIncreased"}


async def look_closer(
    collector: Collector, picture: Picture, early: tuple[Finding, ...], suspects: tuple[Candidate, ...]
) -> Picture:
    """Closer questions about the suspects: their revisions and code, lines around the onset, last words of the dead."""
    subjects = [suspect.subject for suspect in suspects]
    onset = suspects[0].onset if suspects else None
    growing = {item.subject for item in picture.saturation if item.kind == "memory" and item.subject in subjects}
    held_up = {f.subject for f in early if f.reason == "LatencyIncreased" and f.severity != "info"}
    if "prometheus" in picture.unreachable:
        growing, held_up = set(), set()
    histories, words, (slow, ordinary), growth, loads = await asyncio.gather(
        asyncio.gather(*(_history(collector, s) for s in subjects if s.kind in _ROLLS)),
        gather_tails(collector, picture, subjects),
        _slow_traces(collector, picture, early),
        gather_growth(collector, picture.inventory, picture.span, growing),
        gather_node_loads(collector, picture.inventory, picture.span, held_up),
    )
    if not suspects and picture.inventory.namespace and "prometheus" not in picture.unreachable:
        picture = picture.having(trends=await gather_supplies(collector, picture.inventory, picture.span))
    known = {rollout.subject for rollout in picture.rollouts}
    rollouts = list(picture.rollouts)
    for subject, history, evidence in histories:
        if history is not None and subject not in known:
            rollouts += from_history(history, subject, picture.span.whole, evidence.id)
    picture = picture.having(
        rollouts=tuple(sorted(rollouts, key=lambda r: (r.change.at, str(r.subject), r.number))),
        last_words=words,
        slow_traces=slow,
        ordinary_traces=ordinary,
        memory=growth,
        node_loads=loads,
        graph=picture.graph.having(
            [
                *trace_edges([*slow, *ordinary], picture.inventory),
                *neighbour_edges(loads, held_up, picture.inventory),
            ]
        ),
    )
    commits, pulls = picture.commits, picture.pulls
    for rollout in picture.rollouts:
        if rollout.subject in subjects:
            commits, pulls = await open_change(collector, rollout, commits, pulls)
    latest = worth_reading(subjects, onset, picture)
    commits = await open_brought(collector, latest, commits)
    notices = await gather_notices(collector, picture.inventory, picture.span) if latest else ()
    edits = await gather_edits(collector, picture) if suspects else ()
    readers = reading_edges(picture.inventory, picture.listed.get("Deployment"))
    picture = picture.having(edits=edits, graph=picture.graph.having(readers))
    logs, unread = picture.logs, picture.unread_logs
    if onset is not None and logs:
        around = _around(onset, picture.span.window)
        if around is not None:
            logs, unread = await follow_up(collector, picture.inventory, logs, unread, around)
    picture = picture.having(
        commits=commits,
        pulls=pulls,
        logs=logs,
        unread_logs=unread,
        notices=notices,
        unreachable=collector.unreachable(),
    )
    return picture.having(graph=picture.graph.having(log_edges(picture)))


async def _slow_traces(
    collector: Collector, picture: Picture, early: tuple[Finding, ...]
) -> tuple[tuple[SeenTrace, ...], tuple[SeenTrace, ...]]:
    """Slow and ordinary traces to compare, where a workload has become slow: slower than halfway to its new level.

    Where requests only fail, ordinary ones alone: the failing ones are there already.
    """
    worse = [f for f in early if f.reason in _WORSE and f.severity != "info" and f.onset is not None]
    onset = min((f.onset for f in worse if f.onset is not None), default=None)
    if "tempo" in picture.unreachable or onset is None:
        return (), ()
    bounds = [
        bound
        for f in worse
        if f.reason == "LatencyIncreased"
        and (signal := picture.signal(f.subject, "latency_p95")) is not None
        and f.onset is not None
        and (bound := _halfway(signal, f.onset.timestamp())) is not None
    ]
    slower_than = max(bounds, default=None)
    like = picture.error_traces if slower_than is None else ()
    return await gather_compared_traces(collector, picture.inventory, picture.span, onset, slower_than, like)


def _halfway(signal: Signal, onset: float) -> float | None:
    before = mean_between(signal, signal.times[0], onset - 1)
    after = mean_between(signal, onset, signal.times[-1])
    return (before + after) / 2 if before is not None and after is not None else None


def _around(onset: datetime, window: TimeWindow) -> TimeWindow | None:
    start, end = max(window.start, onset - _BEFORE_ONSET), min(window.end, onset + _AROUND_ONSET)
    return TimeWindow(start=start, end=end) if start < end else None


async def _history(collector: Collector, subject: Subject) -> tuple[Subject, RolloutHistory | None, Evidence]:
    evidence = await collector.ask(
        "kubernetes.get_rollout_history", kind=subject.kind, name=subject.name, namespace=subject.namespace
    )
    return subject, collector.read(evidence, RolloutHistory), evidence
