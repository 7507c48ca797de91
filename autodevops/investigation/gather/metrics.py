"""What Prometheus says: which request families exist, golden signals per workload, saturation, alerts.

First it is found out which conventions this installation follows and how it names workloads; the queries are written
from that. Nothing is configured.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from autodevops.domain.alert import Alert
from autodevops.domain.evidence import EvidenceId
from autodevops.domain.series import Series
from autodevops.domain.subject import Subject
from autodevops.domain.tool_results import AlertGroupList, AlertList, NameList
from autodevops.investigation.gather.collect import Collector
from autodevops.investigation.gather.pressures import MetricNames, gather_pressures
from autodevops.investigation.gather.promql import arrays, over_span, series_of
from autodevops.investigation.inventory import Inventory
from autodevops.investigation.picture import Saturation, SeenAlert, Signal, SignalKind
from autodevops.investigation.request import Span
from autodevops.investigation.request_families import (
    FAMILIES,
    NAMESPACE_LABELS,
    POD_LABELS,
    SERVICE_LABELS,
    WORKLOAD_LABELS,
    RequestFamily,
)
from autodevops.kernel.clock import rfc3339
from autodevops.kernel.query_text import escape

_MANY_PODS = 400  # from here on only the pods that are held back are asked for
_HELD_BACK = 0.1  # of the scheduler's periods


@dataclass(frozen=True)
class Plan:
    """One family as it is used here: selector, the label that names workloads, the matcher of failures."""

    family: RequestFamily
    selector: str  # without braces
    label: str
    failure: str
    has_buckets: bool
    has_total: bool


async def gather_metrics(
    collector: Collector, inventory: Inventory, span: Span
) -> tuple[tuple[Signal, ...], tuple[Saturation, ...]]:
    """Golden signals and pressures. What exists is asked once, for both."""
    names = await _names(collector, inventory)
    return await asyncio.gather(
        _signals(collector, inventory, span, names), gather_pressures(collector, inventory, span, names)
    )


async def _signals(collector: Collector, inventory: Inventory, span: Span, names: MetricNames) -> tuple[Signal, ...]:
    """Request rate, error ratio and p95 latency per workload over baseline and window, and CPU throttling."""
    plans = await discover(collector, inventory, span, names)
    throttling = _throttling(collector, inventory, span)
    groups = await asyncio.gather(*(_family_signals(collector, inventory, span, plan) for plan in plans), throttling)
    chosen: dict[tuple[Subject, SignalKind], Signal] = {}
    for group in groups:  # plans come in order of preference: the first family that knows a workload speaks for it
        for signal in group:
            chosen.setdefault((signal.subject, signal.kind), signal)
    return tuple(chosen[key] for key in sorted(chosen, key=lambda key: (str(key[0]), key[1])))


async def discover(
    collector: Collector, inventory: Inventory, span: Span, names: MetricNames | None = None
) -> list[Plan]:
    """Which families exist here, under which namespace label, and which of their labels name workloads and failures.

    Only the families found are looked into, and never their buckets.
    """
    found = families_in(names if names is not None else await _names(collector, inventory))
    plans = await asyncio.gather(*(_plan(collector, inventory, span, *row) for row in found))
    return [plan for plan in plans if plan is not None]


async def _names(collector: Collector, inventory: Inventory) -> MetricNames:
    """The names of the namespace's metrics by the label that says whose they are.

    They come from the index, which is cheap however many series there are. The usual label is tried first.
    """
    names = await _listed(collector, inventory, NAMESPACE_LABELS[:1])
    if not inventory.namespace:
        return names
    return names if families_in(names) else names | await _listed(collector, inventory, NAMESPACE_LABELS[1:])


async def _listed(collector: Collector, inventory: Inventory, labels: Sequence[str]) -> dict[str, frozenset[str]]:
    some = "" if inventory.namespace else '__name__!="",'  # Prometheus wants one matcher that does not match nothing
    matches = [f"{{{some}{inventory.matchers(label)}}}" for label in labels]
    answers = await asyncio.gather(*(collector.ask("prometheus.list_metrics", match=match) for match in matches))
    return {
        label: frozenset(result.names)
        for label, evidence in zip(labels, answers, strict=True)
        if (result := collector.read(evidence, NameList))
    }


def families_in(names: MetricNames) -> list[tuple[RequestFamily, str, bool, bool]]:
    """Family, namespace label, whether it has a histogram, and a sum of durations; in order of preference."""
    return [
        (family, label, family.bucket in names[label], bool({family.bucket, family.total} & names[label]))
        for family in FAMILIES
        for label in NAMESPACE_LABELS
        if label in names and family.count in names[label]
    ]


async def _plan(
    collector: Collector,
    inventory: Inventory,
    span: Span,
    family: RequestFamily,
    namespace_label: str,
    buckets: bool,
    total: bool,
) -> Plan | None:
    parts = [inventory.matchers(namespace_label), *([family.where] if family.where else [])]
    selector, at = ",".join(parts), rfc3339(span.window.end)
    # A service whose pods are gone has left its series in the window, but not at its end.
    reach = f"last_over_time({family.count}{{{selector}}}[{round(span.window.length.total_seconds())}s])"
    failures = ", ".join(label for label, _ in family.failure)
    named, status = await asyncio.gather(
        collector.ask("prometheus.query_instant", query=f"count by ({', '.join(SERVICE_LABELS)}) ({reach})", time=at),
        collector.ask("prometheus.query_instant", query=f"count by ({failures}) ({reach})", time=at),
    )
    rows = [series.labels for series in series_of(collector, named)]
    present = {key for series in series_of(collector, status) for key, value in series.labels.items() if value}
    label = _workload_label(rows, inventory)
    if not label:
        pods = await collector.ask(
            "prometheus.query_instant", query=f"count by ({', '.join(POD_LABELS)}) ({reach})", time=at
        )
        label = _workload_label([series.labels for series in series_of(collector, pods)], inventory)
    failure = next((f"{label}{match}" for label, match in family.failure if label in present), "")
    return Plan(family, selector, label, failure, buckets, total) if label else None


def _workload_label(rows: Sequence[Mapping[str, str]], inventory: Inventory) -> str:
    """The label that tells most workloads apart on most series; the more abstract one where two do it equally."""
    best, best_score = "", (0.0, 0)
    for label in WORKLOAD_LABELS if rows else ():
        values = [row[label] for row in rows if row.get(label)]
        subjects = {_subject(label, value, inventory) for value in values} - {None}
        named = sum(1 for value in values if _subject(label, value, inventory) is not None)
        score = (named / len(rows), len(subjects))
        if score > best_score:
            best, best_score = label, score
    return best


def _subject(label: str, value: str, inventory: Inventory) -> Subject | None:
    if label in POD_LABELS:
        return inventory.of_pod(value)
    found = inventory.of_name(value)
    return found if found is not None or inventory.known else inventory.service(value.rsplit("/", 1)[-1])


async def _family_signals(collector: Collector, inventory: Inventory, span: Span, plan: Plan) -> list[Signal]:
    family, window = plan.family, f"{span.rate_window_seconds}s"
    rate = f"sum by ({plan.label}) (rate({family.count}{{{plan.selector}}}[{window}]))"
    failing = f"sum by ({plan.label}) (rate({family.count}{{{plan.selector},{plan.failure}}}[{window}]))"
    scale = "" if family.seconds_per_unit == 1.0 else f" * {family.seconds_per_unit:g}"
    questions: list[tuple[SignalKind, str]] = [("request_rate", rate)]
    if plan.failure:
        questions.append(("error_ratio", f"({failing} or 0 * {rate}) / {rate}"))
    if plan.has_buckets:
        quantile = (
            f"histogram_quantile(0.95, sum by ({plan.label}, le) (rate({family.bucket}{{{plan.selector}}}[{window}])))"
        )
        questions.append(("latency_p95", f"{quantile}{scale}"))
    if plan.has_total:
        total = f"sum by ({plan.label}) (rate({family.total}{{{plan.selector}}}[{window}]))"
        questions.append(("latency_mean", f"({total} / {rate}){scale}"))
    answers = await asyncio.gather(*(over_span(collector, span, query) for _, query in questions))
    signals: list[Signal] = []
    for (kind, _), evidence in zip(questions, answers, strict=True):
        by_subject: dict[Subject, list[Series]] = {}
        for series in series_of(collector, evidence):
            subject = (
                _subject(plan.label, series.labels.get(plan.label, ""), inventory)
                if series.labels.get(plan.label)
                else None
            )
            if subject is not None:
                by_subject.setdefault(subject, []).append(series)
        signals.extend(_merge(subject, kind, lines, evidence.id) for subject, lines in by_subject.items())
    return signals


def _merge(subject: Subject, kind: SignalKind, lines: list[Series], evidence: EvidenceId) -> Signal:
    """One signal from the series of a workload's pods or services: rates add up, ratios and quantiles do not."""
    pairs = [arrays(line) for line in lines]
    if len(pairs) == 1:
        times, values = pairs[0]
        return Signal(subject, kind, times, values, lines[0].labels, evidence)
    times = np.unique(np.concatenate([t for t, _ in pairs]))
    table = np.full((len(pairs), len(times)), np.nan)
    for row, (t, v) in enumerate(pairs):
        table[row, np.searchsorted(times, t)] = v
    empty = np.all(np.isnan(table), axis=0)
    table[:, empty] = 0.0
    combined = np.nansum(table, axis=0) if kind == "request_rate" else np.nanmean(table, axis=0)
    combined[empty] = np.nan
    return Signal(subject, kind, times, combined, {}, evidence)


async def _throttling(collector: Collector, inventory: Inventory, span: Span) -> list[Signal]:
    """Share of scheduler periods in which a container was held back, per pod (cAdvisor)."""
    selector = f'namespace="{escape(inventory.namespace)}",container!="",container!="POD"'
    window = f"{span.rate_window_seconds}s"
    query = (
        f"sum by (pod) (increase(container_cpu_cfs_throttled_periods_total{{{selector}}}[{window}]))"
        f" / sum by (pod) (increase(container_cpu_cfs_periods_total{{{selector}}}[{window}]))"
    )
    if len(inventory.pods) > _MANY_PODS:
        query = f"({query}) > {_HELD_BACK}"
    evidence = await over_span(collector, span, query)
    by_subject: dict[Subject, list[Series]] = {}
    for series in series_of(collector, evidence):
        subject = inventory.of_pod(series.labels.get("pod", ""))
        if subject is not None:
            by_subject.setdefault(subject, []).append(series)
    return [_merge(subject, "cpu_throttling", lines, evidence.id) for subject, lines in by_subject.items()]


async def gather_alerts(collector: Collector, inventory: Inventory, span: Span) -> tuple[SeenAlert, ...]:
    """Alerts that fired in the window, from Prometheus' own record of them, Prometheus' rules, and Alertmanager."""
    history, current, groups = await asyncio.gather(
        over_span(collector, span, 'ALERTS{alertstate="firing"}', window_only=True),
        collector.ask("prometheus.list_alerts"),
        collector.ask("prometheus.list_alert_groups"),
    )
    seen: dict[tuple[tuple[str, str], ...], SeenAlert] = {}

    def keep(alert: Alert, evidence: EvidenceId) -> None:
        subject = inventory.resolve({k: v for k, v in alert.labels.items() if k != "job"} | _own_job(alert, inventory))
        if inventory.known and subject is not None and subject.kind == "Service":
            subject = None  # a name that is no workload's here: an exporter's, most likely
        if _concerns(alert, subject, inventory):
            seen.setdefault(_identity(alert.labels), SeenAlert(alert, subject, evidence))

    listed = collector.read(current, AlertList)
    for alert in listed.alerts if listed else ():
        if alert.state == "firing" and alert.starts_at < span.window.end:
            keep(alert, current.id)
    grouped = collector.read(groups, AlertGroupList)
    for group in grouped.groups if grouped else ():
        for alert in group.alerts:
            over = alert.ends_at is not None and alert.ends_at <= span.window.end
            if alert.state == "firing" and alert.starts_at < span.window.end and not over:
                keep(alert, groups.id)
    for series in series_of(collector, history):
        if series.samples:
            keep(_from_history(series, span), history.id)
    return tuple(seen[key] for key in sorted(seen))


def _from_history(series: Series, span: Span) -> Alert:
    labels = {k: v for k, v in series.labels.items() if k not in {"__name__", "alertstate"}}
    first, last = series.samples[0][0], series.samples[-1][0]
    over = last < span.window.end.timestamp() - 2 * span.step_seconds
    zone = span.window.end.tzinfo
    moment = type(span.window.end).fromtimestamp
    return Alert(
        labels=labels,
        state="resolved" if over else "firing",
        starts_at=moment(first, zone),
        ends_at=moment(last, zone) if over else None,
    )


def _own_job(alert: Alert, inventory: Inventory) -> dict[str, str]:
    """The job label only where it names a workload: of most alerts it names the exporter that saw the trouble."""
    job = alert.labels.get("job", "")
    return {"job": job} if job and inventory.of_name(job) is not None else {}


def _concerns(alert: Alert, subject: Subject | None, inventory: Inventory) -> bool:
    namespaces = {alert.labels[label] for label in NAMESPACE_LABELS if alert.labels.get(label)}
    if namespaces:
        return inventory.namespace in namespaces
    if not inventory.namespace:
        return True
    return subject is not None and inventory.workload(subject) is not None


def _identity(labels: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(
        sorted((k, v) for k, v in labels.items() if k not in {"__name__", "alertstate", "prometheus", "replica"})
    )
