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
from autodevops.domain.tool_results import PodLogs, RolloutHistory
from autodevops.domain.window import TimeWindow
from autodevops.investigation.collect import Collector
from autodevops.investigation.gather_code import open_change
from autodevops.investigation.gather_logs import follow_up, in_order
from autodevops.investigation.gather_traces import gather_slow_traces, trace_edges
from autodevops.investigation.graph import CallGraph
from autodevops.investigation.inventory import section
from autodevops.investigation.picture import LastWords, Picture, SeenTrace, Signal
from autodevops.investigation.rollouts import from_history
from autodevops.investigation.rules.episodes import mean_between
from autodevops.investigation.rules.pods import containers
from autodevops.investigation.weigh import Candidate

_CRASHED = 3  # containers whose last words are read
_TAIL_LINES = 60
_BEFORE_ONSET = timedelta(minutes=2)
_AROUND_ONSET = timedelta(minutes=6)
_ROLLS = {"Deployment", "StatefulSet", "DaemonSet"}


async def look_closer(
    collector: Collector, picture: Picture, early: tuple[Finding, ...], suspects: tuple[Candidate, ...]
) -> Picture:
    """Closer questions about the suspects: their revisions and code, lines around the onset, last words of the dead."""
    subjects = [suspect.subject for suspect in suspects]
    onset = suspects[0].onset if suspects else None
    histories, words, (slow, ordinary) = await asyncio.gather(
        asyncio.gather(*(_history(collector, s) for s in subjects if s.kind in _ROLLS)),
        _last_words(collector, picture, subjects),
        _slow_traces(collector, picture, early),
    )
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
        graph=CallGraph.of([*picture.graph.edges, *trace_edges([*slow, *ordinary], picture.inventory)]),
    )
    commits, pulls = picture.commits, picture.pulls
    for rollout in picture.rollouts:
        if rollout.subject in subjects:
            commits, pulls = await open_change(collector, rollout, commits, pulls)
    logs = picture.logs
    if onset is not None and logs:
        around = _around(onset, picture.span.window)
        if around is not None:
            more = await follow_up(collector, picture.inventory, logs, around)
            logs = in_order([*more, *logs])
    return picture.having(commits=commits, pulls=pulls, logs=logs, unreachable=collector.unreachable())


async def _slow_traces(
    collector: Collector, picture: Picture, early: tuple[Finding, ...]
) -> tuple[tuple[SeenTrace, ...], tuple[SeenTrace, ...]]:
    """Slow and ordinary traces to compare, where a workload has become slow: slower than halfway to its new level."""
    if "tempo" not in picture.unreachable:
        slow = [f for f in early if f.reason == "LatencyIncreased" and f.severity != "info" and f.onset is not None]
        onset = min((f.onset for f in slow if f.onset is not None), default=None)
        bounds = [
            bound
            for f in slow
            if (signal := picture.signal(f.subject, "latency_p95")) is not None
            and f.onset is not None
            and (bound := _halfway(signal, f.onset.timestamp())) is not None
        ]
        if onset is not None and bounds:
            return await gather_slow_traces(collector, picture.inventory, picture.span, onset, max(bounds))
    return (), ()


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


async def _last_words(collector: Collector, picture: Picture, subjects: list[Subject]) -> tuple[LastWords, ...]:
    crashed = [
        state
        for state in containers(picture)
        if state.subject in subjects and state.terminated.get("exitCode") not in (0, None)
    ]
    crashed.sort(key=lambda state: (subjects.index(state.subject), -state.restarts, state.pod_name, state.name))
    chosen = crashed[:_CRASHED]
    tails = await asyncio.gather(
        *(
            collector.ask(
                "kubernetes.get_pod_logs",
                name=state.pod_name,
                namespace=picture.inventory.namespace,
                container=state.name,
                previous=state.restarts > 0 and not section(state.status, "state", "terminated"),
                tail_lines=_TAIL_LINES,
            )
            for state in chosen
        )
    )
    found: list[LastWords] = []
    for state, evidence in zip(chosen, tails, strict=True):
        logs = collector.read(evidence, PodLogs)
        if logs is not None and logs.lines:
            found.append(LastWords(state.subject, state.pod_name, state.name, logs.lines, evidence.id))
    return tuple(found)
