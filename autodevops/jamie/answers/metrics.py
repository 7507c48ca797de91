"""Golden signals of a workload or a namespace: traffic, errors, latency, CPU, memory; what there is of them, and when
the level of one changed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from autodevops.analysis.level_changes import find_changes
from autodevops.domain.chart import MetricChart
from autodevops.domain.evidence import Evidence
from autodevops.domain.series import Series
from autodevops.domain.stream import ChartReady
from autodevops.domain.tool_results import SeriesResult
from autodevops.domain.window import TimeWindow
from autodevops.investigation.gather.promql import arrays
from autodevops.jamie.answers import Answer, reason, require_any, understood, whose
from autodevops.jamie.answers.signals import (
    CPU,
    ERRORS,
    LATENCY,
    MEMORY,
    SIGNALS,
    TRAFFIC,
    Signal,
    last,
    over,
    values,
)
from autodevops.jamie.context import Context
from autodevops.jamie.markdown import cites, prose, table
from autodevops.toolbox.protocol import Emit, EvidenceSource

_CHANGES: Final = 3  # of a signal, the latest: who moves more often has no level

_ASKED = tuple(
    (re.compile(words), signal)
    for words, signal in (
        (r"\b(latency|slow|p9\d|response times?|durations?)\b", LATENCY),
        (r"\b(errors?|error (rate|ratio)|failures?)\b", ERRORS),
        (r"\b(traffic|throughput|request rate|rps|qps|requests)\b", TRAFFIC),
        (r"\bcpu\b", CPU),
        (r"\b(memory|ram)\b", MEMORY),
    )
)


async def answer(context: Context, source: EvidenceSource, emit: Emit) -> Answer:
    found = await over(context.window, source, context.namespace, context.workload)
    require_any(found)
    rows, moved, absent, title = [], [], [], context.subject.name if context.subject else context.namespace
    asked = next((signal for pattern, signal in _ASKED if pattern.search(context.text.lower())), None)
    headline = ""
    for signal, item in zip(SIGNALS, found, strict=True):
        series = understood(item, SeriesResult).series if item.ok else ()
        found_values = values(series)
        if not found_values:
            absent.append((signal, item))
            continue
        chart = MetricChart(title=f"{signal.title}: {title}", unit=signal.unit, series=series, evidence=(item.id,))
        emit(ChartReady(chart=chart))
        total = sum(now for each in series if (now := last(each)) is not None) if len(series) == 1 else None
        shown = signal.show(total) if total is not None else f"{len(series)} series"
        if signal is asked and total is not None:
            between = f"{signal.show(min(found_values))} to {signal.show(max(found_values))}"
            headline = f"**{signal.title} of {whose(context)}: {shown}** ({between}, {context.told}).{cites([item.id])}"
        rows.append(
            [
                signal.title,
                shown,
                signal.show(min(found_values)),
                signal.show(max(found_values)),
                cites([item.id]).strip(),
            ]
        )
        moved += _changes(signal, series, item, context.window)
    return Answer(_text(context, headline, rows, moved, absent), tuple(found), _follow_ups(context))


def _changes(signal: Signal, series: Sequence[Series], item: Evidence, window: TimeWindow) -> list[str]:
    """When its level changed. Of several series no one is the signal."""
    if len(series) != 1:
        return []
    clock = "%H:%M" if window.start.date() == window.end.date() else "%Y-%m-%d %H:%M"
    return [
        f"{signal.title} {'rose' if one.size > 0 else 'fell'} from {signal.show(one.before)} to"
        f" {signal.show(one.after)} at {datetime.fromtimestamp(one.onset, UTC):{clock}} UTC{cites([item.id])}"
        for one in find_changes(*arrays(series[0]), floor=signal.floor)[-_CHANGES:]
    ]


def _text(
    context: Context,
    headline: str,
    rows: list[list[str]],
    moved: list[str],
    absent: list[tuple[Signal, Evidence]],
) -> str:
    if not rows:
        text = f"**There are no HTTP or container metrics of {whose(context)}** ({context.told})."
    else:
        head = ("Signal", "Last", "Lowest", "Highest", "Evidence")
        text = headline or f"**Metrics of {whose(context)}** ({context.told})"
        text += f"\n\n{table(head, rows)}"
    if moved:
        text += "\n\n" + "\n".join(f"- {line}" for line in moved)
    if absent:
        lines = [
            f"- {signal.title}: {prose(reason(item)) if not item.ok else 'no series'}{cites([item.id])}"
            for signal, item in absent
        ]
        text += "\n\n" + "\n".join(lines)
    return text


def _follow_ups(context: Context) -> tuple[str, ...]:
    if context.subject is None:
        return (f"What is wrong in {context.namespace}?", "What changed today?")
    name = context.subject.name
    return (f"Why is {name} failing?", f"Show me the logs of {name}", f"What changed in {name} today?")
