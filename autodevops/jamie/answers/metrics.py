"""Golden signals of a workload or a namespace: traffic, errors, latency, CPU, memory; what there is of them.

HTTP series are named as OpenTelemetry's conventions have them, container series as cAdvisor does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from autodevops.domain.chart import MetricChart
from autodevops.domain.evidence import Evidence
from autodevops.domain.series import Series
from autodevops.domain.stream import ChartReady
from autodevops.domain.tool_results import SeriesResult
from autodevops.jamie.answers import Answer, reason, understood
from autodevops.jamie.context import Context
from autodevops.jamie.markdown import cites, code, prose, table
from autodevops.jamie.timephrase import describe
from autodevops.kernel.errors import ToolError
from autodevops.toolbox.protocol import Emit, EvidenceSource

POINTS = 120  # samples a series: what a chart shows without crowding
SHORTEST_STEP = 15.0  # seconds, the usual scrape interval
RATE_OVER = "5m"

_HTTP = "http_server_request_duration_seconds"


@dataclass(frozen=True)
class Signal:
    title: str
    unit: str
    query: str  # {on} stands for the matchers, {by} for the grouping
    show: Callable[[float], str]


def _bytes(value: float) -> str:
    return f"{value / 2**20:,.0f} MiB"


SIGNALS = (
    Signal("Request rate", "{request}/s", f"sum{{by}}(rate({_HTTP}_count{{on}}[{RATE_OVER}]))", lambda v: f"{v:.2f}/s"),
    Signal(
        "Error ratio",
        "1",
        f"sum{{by}}(rate({_HTTP}_count{{on5xx}}[{RATE_OVER}])) / sum{{by}}(rate({_HTTP}_count{{on}}[{RATE_OVER}]))",
        lambda v: f"{v:.2%}",
    ),
    Signal(
        "Latency, 95th percentile",
        "s",
        f"histogram_quantile(0.95, sum{{byle}}(rate({_HTTP}_bucket{{on}}[{RATE_OVER}])))",
        lambda v: f"{v * 1000:,.0f} ms",
    ),
    Signal(
        "CPU",
        "{cpu}",
        f"sum{{by}}(rate(container_cpu_usage_seconds_total{{oncontainer}}[{RATE_OVER}]))",
        lambda v: f"{v:.3f} cores",
    ),
    Signal("Memory", "By", "sum{by}(container_memory_working_set_bytes{oncontainer})", _bytes),
)


async def answer(context: Context, source: EvidenceSource, emit: Emit) -> Answer:
    step = max(SHORTEST_STEP, context.window.length.total_seconds() / POINTS)
    window = {"start": context.window.start.isoformat(), "end": context.window.end.isoformat()}
    found = await asyncio.gather(
        *(
            source.collect("prometheus.query_range", {"query": _query(signal, context), **window, "step_seconds": step})
            for signal in SIGNALS
        )
    )
    if not any(item.ok for item in found):
        raise ToolError(reason(found[0]), "`autodevops doctor` checks the systems.")
    rows, absent, title = [], [], context.subject.name if context.subject else context.namespace
    for signal, item in zip(SIGNALS, found, strict=True):
        series = understood(item, SeriesResult).series if item.ok else ()
        values = _values(series)
        if not values:
            absent.append((signal, item))
            continue
        chart = MetricChart(title=f"{signal.title}: {title}", unit=signal.unit, series=series, evidence=(item.id,))
        emit(ChartReady(chart=chart))
        last = sum(now for each in series if (now := _last(each)) is not None) if len(series) == 1 else None
        shown = signal.show(last) if last is not None else f"{len(series)} series"
        rows.append([signal.title, shown, signal.show(min(values)), signal.show(max(values)), cites([item.id]).strip()])
    return Answer(_text(context, rows, absent), tuple(found), _follow_ups(context))


def _text(context: Context, rows: list[list[str]], absent: list[tuple[Signal, Evidence]]) -> str:
    whose = f"{code(context.subject.name)} in {code(context.namespace)}" if context.subject else code(context.namespace)
    if not rows:
        text = f"**There are no HTTP or container metrics of {whose}** ({describe(context.window)})."
    else:
        head = ("Signal", "Now", "Lowest", "Highest", "Evidence")
        text = f"**Metrics of {whose}** ({describe(context.window)})\n\n{table(head, rows)}"
    if absent:
        lines = [
            f"- {signal.title}: {prose(reason(item)) if not item.ok else 'no series'}{cites([item.id])}"
            for signal, item in absent
        ]
        text += "\n\n" + "\n".join(lines)
    return text


def _query(signal: Signal, context: Context) -> str:
    matchers = [f'namespace="{context.namespace}"']
    if context.workload is not None:
        matchers.append(f'pod=~"{context.workload.pods}"')
    group = [] if context.workload is not None else ["container" if "{oncontainer}" in signal.query else "job"]
    places = {
        "{oncontainer}": [*matchers, 'container!=""', 'container!="POD"'],
        "{on5xx}": [*matchers, 'http_response_status_code=~"5.."'],
        "{on}": matchers,
    }
    query = signal.query
    for place, parts in places.items():
        query = query.replace(place, "{" + ", ".join(parts) + "}")
    query = query.replace("{byle}", f" by ({', '.join(['le', *group])}) ")
    return query.replace("{by}", f" by ({', '.join(group)}) " if group else "")


def _values(series: tuple[Series, ...]) -> list[float]:
    return [value for each in series for _, value in each.samples if value is not None]


def _last(series: Series) -> float | None:
    return next((value for _, value in reversed(series.samples) if value is not None), None)


def _follow_ups(context: Context) -> tuple[str, ...]:
    if context.subject is None:
        return (f"What is wrong in {context.namespace}?", "What changed today?")
    name = context.subject.name
    return (f"Why is {name} failing?", f"Show me the logs of {name}", f"What changed in {name} today?")
