"""Two sides side by side: golden signals with what changed beyond noise, log patterns, restarts, versions.

A signal has changed when the medians differ by more than three deviations of the noisier side (its median absolute
deviation, as a standard deviation), by a tenth, and by the signal's own floor. Fewer than five samples on a
side are shown and not judged.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TypeAlias

from autodevops.analysis.log_lines import read as read_line
from autodevops.analysis.log_mining import mine
from autodevops.domain.chart import MetricChart
from autodevops.domain.evidence import Evidence
from autodevops.domain.logs import LogRecord
from autodevops.domain.series import Series
from autodevops.domain.stream import ChartReady
from autodevops.domain.tool_results import LogResult, SeriesResult
from autodevops.jamie.answers import Answer, counted, gaps, require_any, understood
from autodevops.jamie.answers.deploys import images_at
from autodevops.jamie.answers.signals import SIGNALS, Signal, over, selector, values
from autodevops.jamie.context import Context, Side
from autodevops.jamie.markdown import cites, code, table
from autodevops.jamie.timephrase import describe
from autodevops.toolbox.protocol import Emit, EvidenceSource

DEVIATIONS = 3.0
LEAST_SAMPLES = 5
LEAST_SHARE = 0.1  # of what it was; less is told by nobody
LOG_LINES = 500  # newest lines read of each side
LEAST_LINES = 2  # of a pattern, before it is called new or gone
PATTERNS = 5
_NORMAL = 1.4826  # of the median absolute deviation, for a standard deviation

_Ask: TypeAlias = Callable[[EvidenceSource, Side], Awaitable[list[Evidence]]]


@dataclass(frozen=True)
class Pair:
    """One signal on both sides; `verdict` is empty when it did not change beyond noise."""

    signal: Signal
    here: float | None
    there: float | None
    verdict: str
    evidence: tuple[Evidence, Evidence]


async def answer(context: Context, source: EvidenceSource, emit: Emit) -> Answer:
    assert context.sides is not None  # `resolve` gave them
    here, there = context.sides
    measured, logs, restarts, sets = await asyncio.gather(
        _both(source, here, there, _ranges),
        _both(source, here, there, _log_lines),
        _both(source, here, there, _restarts),
        _both(source, here, there, _replica_sets),
    )
    pairs = [_pair(signal, one, other) for signal, one, other in zip(SIGNALS, measured[0], measured[1], strict=True)]
    asked = tuple(
        {item.id: item for each in (measured, logs, restarts, sets) for side in each for item in side}.values()
    )
    require_any(asked)
    for pair in pairs:
        chart = _chart(pair, here, there)
        if chart is not None:
            emit(ChartReady(chart=chart))
    changed = [pair for pair in pairs if pair.verdict]
    new, gone, read = _patterns(logs[0][0], logs[1][0])
    versions = _versions(sets[0][0], sets[1][0], here, there)
    restarted = [_number(item) for item in (restarts[0][0], restarts[1][0])]
    head = _headline(context, here, there, pairs, changed, len(new))
    text = head + cites((item.id for pair in changed or pairs for item in pair.evidence if item.ok), 4)
    text += f"\n\n{_table(pairs, here, there)}"
    lines = [*versions, *_restart_line(restarted, restarts, here, there)]
    if lines:
        text += "\n\n" + "\n".join(f"- {line}" for line in lines)
    text += _pattern_part(f"Log patterns only {here.label}", new, logs[0][0])
    text += _pattern_part(f"Log patterns only {there.label}", gone, logs[1][0])
    if read:
        text += f"\n\n{read}"
    text += f"\n\n{_capital(here.label)}: {_when(context, here)}. {_capital(there.label)}: {_when(context, there)}."
    text += gaps(item for item in asked if not item.ok)
    if any(pair.signal.worse and "↑" in pair.verdict for pair in changed) or new:
        text += f"\n\n**Next step**\n\nAsk why {_subject(here)} changed, and I look for the cause."
    return Answer(text, asked, _follow_ups(context, here))


async def _both(source: EvidenceSource, here: Side, there: Side, ask: _Ask) -> list[list[Evidence]]:
    return list(await asyncio.gather(ask(source, here), ask(source, there)))


async def _ranges(source: EvidenceSource, side: Side) -> list[Evidence]:
    return await over(side.window, source, side.namespace, side.workload, together=True)


async def _log_lines(source: EvidenceSource, side: Side) -> list[Evidence]:
    return [
        await source.collect(
            "loki.query_logs",
            {
                "query": selector(side.namespace, side.workload),
                "start": side.window.start.isoformat(),
                "end": side.window.end.isoformat(),
                "limit": LOG_LINES,
            },
        )
    ]


async def _restarts(source: EvidenceSource, side: Side) -> list[Evidence]:
    seconds = max(60, round(side.window.length.total_seconds()))
    metric = f"kube_pod_container_status_restarts_total{selector(side.namespace, side.workload)}"
    asked = {"query": f"sum(increase({metric}[{seconds}s]))", "time": side.window.end.isoformat()}
    return [await source.collect("prometheus.query_instant", asked)]


async def _replica_sets(source: EvidenceSource, side: Side) -> list[Evidence]:
    return [
        await source.collect(
            "kubernetes.list_resources", {"kind": "ReplicaSet", "namespace": side.namespace, "output": "full"}
        )
    ]


def _pair(signal: Signal, one: Evidence, other: Evidence) -> Pair:
    here, there = (values(_series(item)) for item in (one, other))
    if not here or not there:
        return Pair(signal, median(here) if here else None, median(there) if there else None, "", (one, other))
    return Pair(signal, median(here), median(there), verdict_of(signal, here, there), (one, other))


def verdict_of(signal: Signal, here: Sequence[float], there: Sequence[float]) -> str:
    """`↑` or `↓` with how much, where it is more than noise; else nothing."""
    if min(len(here), len(there)) < LEAST_SAMPLES:
        return ""
    now, before = median(here), median(there)
    moved = now - before
    noise = max(_spread(there, before), _spread(here, now)) * DEVIATIONS
    if abs(moved) <= max(noise, signal.floor, LEAST_SHARE * abs(before)):
        return ""
    sign = "↑" if moved > 0 else "↓"
    if before and 0.1 <= now / before <= 10:
        return f"{sign} {abs(moved / before):.0%}"
    return f"{sign} {now / before:.0f}x" if before and now > before else sign


def _spread(samples: Sequence[float], middle: float) -> float:
    return _NORMAL * median(abs(value - middle) for value in samples)


def _series(evidence: Evidence) -> tuple[Series, ...]:
    return understood(evidence, SeriesResult).series if evidence.ok else ()


def _headline(context: Context, here: Side, there: Side, pairs: list[Pair], changed: list[Pair], new: int) -> str:
    who = _subject(here)
    beside = f"{here.label} against {there.label}"
    if all(pair.here is None and pair.there is None for pair in pairs):
        return f"**{who}, {beside}: neither side has metrics.**"
    if not changed:
        logs = f"; {counted(new, 'log pattern')} {'is' if new == 1 else 'are'} new" if new else ""
        return f"**{who}, {beside}: nothing measured has changed beyond its noise{logs}.**"
    ordered = sorted(changed, key=lambda pair: not (pair.signal.worse and "↑" in pair.verdict))
    said = "; ".join(_change(pair) for pair in ordered[:3])
    return f"**{who}, {beside}: {said}.**"


def _change(pair: Pair) -> str:
    assert pair.here is not None
    assert pair.there is not None
    title = pair.signal.title.lower() if pair.signal.title != "CPU" else "CPU"
    return f"{title} {pair.signal.show(pair.there)} → {pair.signal.show(pair.here)} ({pair.verdict})"


def _table(pairs: list[Pair], here: Side, there: Side) -> str:
    rows = [
        [
            pair.signal.title,
            pair.signal.show(pair.there) if pair.there is not None else "no data",
            pair.signal.show(pair.here) if pair.here is not None else "no data",
            pair.verdict or ("" if pair.here is None or pair.there is None else "within noise"),
            cites(item.id for item in pair.evidence if item.ok).strip(),
        ]
        for pair in pairs
    ]
    head = ("Median of", _capital(there.label), _capital(here.label), "Change", "Evidence")
    return table(head, rows)


def _patterns(one: Evidence, other: Evidence) -> tuple[list[tuple[str, int, str]], list[tuple[str, int, str]], str]:
    """Templates that only one side has (text, lines, level), and what is to be said of how they were read."""
    if not one.ok or not other.ok:
        return [], [], ""
    results = [understood(item, LogResult) for item in (one, other)]
    sides: list[tuple[LogRecord, ...]] = [result.records for result in results]
    lines = [[read_line(record) for record in records] for records in sides]
    templates, places = mine(line.message for each in lines for line in each)
    split = len(lines[0])
    counts = [Counter(places[:split]), Counter(places[split:])]
    levels = dict(zip(places, (line.level for each in lines for line in each), strict=True))
    only: list[list[tuple[str, int, str]]] = []
    for mine_, theirs in (counts, counts[::-1]):
        found = [
            (templates[place].text, count, levels[place])
            for place, count in mine_.items()
            if count >= LEAST_LINES and not theirs[place]
        ]
        only.append(sorted(found, key=lambda each: (each[2] not in {"error", "fatal"}, -each[1], each[0])))
    cut = [result.truncated for result in results]
    read = ""
    if any(cut):
        read = f"Log patterns are of the newest {LOG_LINES:,} lines of each side; rare ones may be missing."
    return only[0], only[1], read


def _pattern_part(title: str, patterns: list[tuple[str, int, str]], evidence: Evidence) -> str:
    if not patterns:
        return ""
    lines = [
        f"- {counted(count, 'line')}{f', {level}' if level else ''}: {code(text, 160)}"
        for text, count, level in patterns[:PATTERNS]
    ]
    more = [f"- and {len(patterns) - PATTERNS} more patterns"] if len(patterns) > PATTERNS else []
    return "\n\n" + "\n".join([f"**{title}**{cites([evidence.id])}", "", *lines, *more])


def _versions(one: Evidence, other: Evidence, here: Side, there: Side) -> list[str]:
    if not one.ok or not other.ok:
        return []
    now, before = images_at(one, here.window.end), images_at(other, there.window.end)
    names = sorted(set(now) & set(before))
    if here.workload is not None and there.workload is not None:
        if here.workload.subject.name != there.workload.subject.name:
            return []  # two programs have two versions
        names = [name for name in names if name == here.workload.subject.name]
    cited = cites([one.id, other.id])
    return [
        f"{code(name)}: {code(before[name])} ({there.label}), {code(now[name])} ({here.label}){cited}"
        for name in names
        if now[name] and before[name] and now[name] != before[name]
    ][:PATTERNS]


def _restart_line(restarted: list[float | None], evidence: list[list[Evidence]], here: Side, there: Side) -> list[str]:
    now, before = restarted
    if now is None or before is None or round(now) == round(before):
        return []
    cited = cites([evidence[0][0].id, evidence[1][0].id])
    return [f"Restarts: {round(now)} {here.label}, {round(before)} {there.label}.{cited}"]


def _number(evidence: Evidence) -> float | None:
    found = values(_series(evidence))
    return found[-1] if found else None


def _chart(pair: Pair, here: Side, there: Side) -> MetricChart | None:
    """Both sides on the time axis of the first."""
    shift = (here.window.end - there.window.end).total_seconds()
    series = [
        Series(labels={"side": label}, samples=tuple((at + by, value) for at, value in each.samples))
        for item, label, by in ((pair.evidence[0], here.label, 0.0), (pair.evidence[1], there.label, shift))
        for each in _series(item)[:1]
    ]
    if not series:
        return None
    title = f"{pair.signal.title}: {here.label} and {there.label}"
    evidence = tuple(item.id for item in pair.evidence)
    return MetricChart(title=title, unit=pair.signal.unit, series=tuple(series), legend="side", evidence=evidence)


def _subject(side: Side) -> str:
    return code(side.workload.subject.name) if side.workload else code(side.namespace)


def _when(context: Context, side: Side) -> str:
    """The window, unless the side is called by it, and the namespace."""
    window = describe(side.window, context.zone, context.now)
    return ("" if window == side.label else f"{window} ") + f"in {code(side.namespace)}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _follow_ups(context: Context, here: Side) -> tuple[str, ...]:
    if here.workload is not None:
        name = here.workload.subject.name
        return (f"Why is {name} failing?", f"Show me the logs of {name}", f"What changed in {name} today?")
    return (f"What is wrong in {here.namespace}?", f"What changed today in {here.namespace}?")
