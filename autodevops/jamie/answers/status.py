"""A quick look at a workload or a namespace: readiness, restarts, alerts, errors and latency beside an hour ago.

A handful of queries, answered in one line. It says what it saw and no more: whether all is well, and why not, is for
an investigation, which the answer offers.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta

from autodevops.domain.alert import Alert
from autodevops.domain.base import Json
from autodevops.domain.evidence import Evidence
from autodevops.domain.tool_results import AlertList, ResourceList, SeriesResult
from autodevops.jamie.answers import Answer, Object, counted, gaps, require_any, understood, verb, whose
from autodevops.jamie.answers.objects import belongs, is_ready, items_in, pod_status, restarted_since, table_of
from autodevops.jamie.answers.signals import ERRORS, LATENCY, TRAFFIC, Signal, convention, last, query
from autodevops.jamie.context import Context
from autodevops.jamie.markdown import cites, code
from autodevops.toolbox.protocol import Emit, EvidenceSource

READ = 2000  # pods
EARLIER = timedelta(hours=1)
ERRORS_BAD = 0.05  # of requests, whatever it was before
ERRORS_WORSE = (0.01, 3.0)  # at least so many, and so many times what they were
SLOWER = (0.1, 1.5)  # seconds more, and times as slow
RECENT = timedelta(minutes=30)  # a restart that is told
_LOUD = {"critical", "page", "error", "warning", "high", ""}


@dataclass(frozen=True)
class Measured:
    signal: Signal
    now: float | None
    earlier: float | None
    evidence: tuple[Evidence, Evidence]


async def answer(context: Context, source: EvidenceSource, emit: Emit) -> Answer:
    end = context.window.end
    listing: dict[str, Json] = {"kind": "Pod", "namespace": context.namespace, "output": "full", "limit": READ}
    signals = (TRAFFIC, ERRORS, LATENCY)
    counting = await convention(source, context.namespace, context.workload)
    pods, alerts, *measured = await asyncio.gather(
        source.collect("kubernetes.list_resources", listing),
        source.collect("prometheus.list_alerts", {}),
        *(
            source.collect(
                "prometheus.query_instant",
                {
                    "query": query(signal, counting, context.namespace, context.workload, together=True),
                    "time": at.isoformat(),
                },
            )
            for signal in signals
            for at in (end, end - EARLIER)
        ),
    )
    asked = (pods, alerts, *measured)
    require_any(asked)
    found = [
        Measured(signal, _value(now), _value(before), (now, before))
        for signal, now, before in zip(signals, measured[::2], measured[1::2], strict=True)
    ]
    listed: list[Object] = list(understood(pods, ResourceList).items) if pods.ok else []
    ours = [item for item in listed if belongs(item, context)]
    serving = [item for item in ours if (item.get("status") or {}).get("phase") != "Succeeded"]
    unready = [item for item in serving if not is_ready(item)]
    firing = _firing(context, alerts)
    troubles = [
        *_pods_trouble(unready, serving),
        *(
            f"{counted(len(firing), 'alert')} {verb(len(firing), 'is', 'are')} firing: {_names(firing)}"
            for _ in firing[:1]
        ),
        *(said for each in found if (said := trouble(each))),
    ]
    facts = _facts(pods, serving, unready, alerts, firing, found)
    cited = cites((item.id for item in asked if item.ok), 6)
    name = whose(context)
    if troubles:
        text = f"**{name} is not well: {'; '.join(troubles)}.**{cited}"
    elif not pods.ok or not alerts.ok or found[1].now is None:
        text = f"**I see nothing wrong with {name}, but I do not see all: {'; '.join(facts)}.**{cited}"
    else:
        text = f"**{name} looks well: {'; '.join(facts)}.**{cited}"
    if troubles and facts:
        text += f"\n\nBeside that: {'; '.join(facts)}."
    restarted = [item for item in ours if restarted_since(item, end - RECENT)]
    if restarted:
        text += f"\n\n{counted(len(restarted), 'pod')} restarted in the last 30 minutes."
    shown = unready or restarted
    if shown:
        text += "\n\n" + table_of("Pod", shown)
    text += gaps(item for item in asked if not item.ok)
    next_step = (
        f"Why is {context.subject.name} failing?" if context.subject else f"What is wrong in {context.namespace}?"
    )
    if troubles:
        text += "\n\n**Next step**\n\nThis was a quick look; ask why, and I look for the cause."
    return Answer(
        text, asked, _follow_ups(context, next_step), items_in("Pod", shown), bool(firing or trouble(found[1]))
    )


def _facts(
    pods: Evidence,
    serving: list[Object],
    unready: list[Object],
    alerts: Evidence,
    firing: list[Alert],
    found: list[Measured],
) -> list[str]:
    facts = []
    if pods.ok and not unready:
        facts.append(f"{len(serving)} of {counted(len(serving), 'pod')} ready")
    traffic, errors, latency = found
    if traffic.now is not None:
        facts.append(f"{traffic.signal.show(traffic.now)} requests")
        if errors.now is not None and not trouble(errors):
            facts.append(f"{errors.now:.2%} of them fail")
        if latency.now is not None and not trouble(latency):
            facts.append(f"95% answered within {latency.signal.show(latency.now)}")
    elif any(item.ok for item in traffic.evidence):
        facts.append("no request metrics")
    if alerts.ok and not firing:
        facts.append("no alert is firing")
    return facts


def _pods_trouble(unready: list[Object], serving: list[Object]) -> list[str]:
    if not unready:
        return [] if serving else ["no pod runs"]
    why = sorted({pod_status(item) for item in unready} - {"Running", "Pending"})
    said = f" ({', '.join(code(each) for each in why)})" if why else ""
    return [f"{len(unready)} of {counted(len(serving), 'pod')} not ready{said}"]


def trouble(measured: Measured) -> str:
    now, before = measured.now, measured.earlier
    if now is None:
        return ""
    if measured.signal is ERRORS:
        least, times = ERRORS_WORSE
        if now < ERRORS_BAD and (before is None or now < least or now < times * before):
            return ""
        was = f" ({before:.2%} an hour ago)" if before is not None else ""
        return f"{now:.1%} of requests fail{was}"
    if measured.signal is LATENCY and before is not None:
        more, times = SLOWER
        if now - before >= more and now >= times * before:
            return f"95% of requests take up to {LATENCY.show(now)} ({LATENCY.show(before)} an hour ago)"
    return ""


def _firing(context: Context, evidence: Evidence) -> list[Alert]:
    if not evidence.ok:
        return []
    found = []
    for alert in understood(evidence, AlertList).alerts:
        labels = alert.labels
        if alert.state != "firing" or labels.get("severity", "") not in _LOUD:
            continue
        if labels.get("namespace", context.namespace) != context.namespace:
            continue
        about = set(labels.values())
        if (
            context.subject is None
            or context.subject.name in about
            or any(value.startswith(f"{context.subject.name}-") for value in about)
        ):
            found.append(alert)
    return found


def _names(firing: list[Alert]) -> str:
    return ", ".join(code(name) for name in list(dict.fromkeys(alert.name for alert in firing))[:3])


def _value(evidence: Evidence) -> float | None:
    series = understood(evidence, SeriesResult).series if evidence.ok else ()
    return last(series[0]) if series else None


def _follow_ups(context: Context, next_step: str) -> tuple[str, ...]:
    if context.subject is not None:
        name = context.subject.name
        return (next_step, f"Show me the metrics of {name}", f"Compare {name} now with yesterday")
    return (next_step, "What is firing?", f"Which pods are not ready in {context.namespace}?")
