"""What to draw: golden signals of the affected workloads, who calls whom, one failing trace, the error lines."""

from __future__ import annotations

from typing import Final

import numpy as np

from autodevops.analysis.chart_data import log_table, trace_chart
from autodevops.analysis.log_lines import read
from autodevops.analysis.spans import error_origins
from autodevops.domain.chart import Chart, Mark, MetricChart
from autodevops.domain.finding import Finding
from autodevops.domain.series import Series
from autodevops.domain.subject import Subject
from autodevops.investigation.gather.traces import service_subject
from autodevops.investigation.picture import Picture, Signal, SignalKind
from autodevops.investigation.rollouts import revision_name
from autodevops.investigation.service_map import draw_map
from autodevops.investigation.weigh import Candidate

_TITLES: Final[tuple[tuple[SignalKind, str, str], ...]] = (
    ("error_ratio", "Error ratio", "1"),
    ("latency_p95", "Latency, 95th percentile", "s"),
    ("request_rate", "Requests", "{request}/s"),
)
_LINES = 6  # in one chart; more cannot be told apart
_RECORDS = 50


def draw(picture: Picture, findings: tuple[Finding, ...], candidates: tuple[Candidate, ...]) -> tuple[Chart, ...]:
    """The charts of an investigation, the most telling first. A healthy namespace shows its busiest workloads."""
    subjects = [candidate.subject for candidate in candidates] or _busiest(picture)
    marks = _marks(picture, findings, candidates)
    charts: list[Chart] = []
    for kind, title, unit in _TITLES:
        signals = [s for subject in subjects if (s := picture.signal(subject, kind)) is not None][:_LINES]
        if signals:
            charts.append(
                MetricChart(
                    title=f"{title} in {picture.inventory.namespace}",
                    unit=unit,
                    series=tuple(_line(signal) for signal in signals),
                    legend="workload",
                    marks=marks,
                    evidence=tuple(dict.fromkeys(signal.evidence for signal in signals)),
                )
            )
    services = draw_map(picture, candidates)
    if services is not None:
        charts.append(services)
    if candidates:
        charts.extend(_example_trace(picture, candidates[0].subject))
        charts.extend(_log_table(picture, candidates[0].subject))
    return tuple(charts)


def _busiest(picture: Picture) -> list[Subject]:
    rates = {
        s.subject: float(np.nanmean(s.values))
        for s in picture.signals_of("request_rate")
        if np.isfinite(s.values).any()
    }
    return sorted(rates, key=lambda subject: (-rates[subject], str(subject)))


def _line(signal: Signal) -> Series:
    samples = tuple(
        (float(t), float(v) if np.isfinite(v) else None) for t, v in zip(signal.times, signal.values, strict=True)
    )
    return Series(labels={"workload": signal.subject.name, **signal.labels}, samples=samples)


def _marks(picture: Picture, findings: tuple[Finding, ...], candidates: tuple[Candidate, ...]) -> tuple[Mark, ...]:
    """The onset and the change of the first candidate, and when alerts began; without one, past onsets."""
    whole = picture.span.whole
    marks: set[Mark] = set()
    if candidates:
        top = candidates[0]
        if top.onset is not None:
            marks.add(Mark(at=top.onset, kind="onset", label=f"{top.subject.name}: trouble begins"))
        if top.rollout is not None:
            marks.add(
                Mark(
                    at=top.rollout.change.at,
                    kind="change",
                    label=f"{top.subject.name} {revision_name(top.rollout.number)}",
                )
            )
    else:
        marks |= {
            Mark(at=f.onset, kind="onset", label=f"{f.subject.name}: {f.reason}")
            for f in findings
            if f.onset is not None and f.rule_id.startswith("MET")
        }
    marks |= {
        Mark(at=seen.alert.starts_at, kind="alert", label=seen.alert.name)
        for seen in picture.alerts
        if any(f.reason == "AlertFiring" and f.onset == seen.alert.starts_at for f in findings)
    }
    return tuple(sorted((m for m in marks if whole.contains(m.at)), key=lambda m: (m.at, m.kind, m.label)))


def _example_trace(picture: Picture, subject: Subject) -> list[Chart]:
    """The failing trace with an error that starts in `subject`, the one with most spans: it shows who suffers."""
    own = [
        seen
        for seen in picture.error_traces
        if any(service_subject(origin.span, picture.inventory) == subject for origin in error_origins(seen.trace))
    ]
    chosen = max(own, key=lambda seen: (len(seen.trace.spans), seen.trace.trace_id), default=None)
    if chosen is None:
        return []
    return [trace_chart(f"A request that fails in {subject.name}", chosen.trace, (chosen.evidence,))]


def _log_table(picture: Picture, subject: Subject) -> list[Chart]:
    logs = [log for log in picture.logs if log.subject == subject and read(log.record).is_error]
    if not logs:
        return []
    shown = sorted(logs, key=lambda log: (log.record.timestamp, log.record.body), reverse=True)[:_RECORDS]
    return [
        log_table(
            f"Errors that {subject.name} logs",
            [log.record for log in shown],
            tuple(sorted({log.evidence for log in shown})),
        )
    ]
