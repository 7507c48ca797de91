"""The golden signals as queries: traffic, errors, latency, CPU, memory, of a workload or a namespace.

HTTP series are named as OpenTelemetry's conventions have them, container series as cAdvisor does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from autodevops.domain.base import Json
from autodevops.domain.evidence import Evidence
from autodevops.domain.series import Series
from autodevops.domain.window import TimeWindow
from autodevops.investigation.promql import escape
from autodevops.jamie.catalogue import Workload
from autodevops.toolbox.protocol import EvidenceSource

POINTS = 120  # samples a series: what a chart shows without crowding
SHORTEST_STEP = 15.0  # seconds, the usual scrape interval
RATE_OVER = "5m"

_HTTP = "http_server_request_duration_seconds"


@dataclass(frozen=True)
class Signal:
    """`floor` is how much of it (in its unit) is noise whatever the series says; `worse` which way is bad, if any."""

    title: str
    unit: str
    query: str  # {on} stands for the matchers, {by} for the grouping
    show: Callable[[float], str]
    floor: float = 0.0
    worse: int = 0


def show_bytes(value: float) -> str:
    return f"{value / 2**30:,.1f} GiB" if abs(value) >= 10 * 2**30 else f"{value / 2**20:,.0f} MiB"


def show_cores(value: float) -> str:
    return f"{value:.3f} cores" if abs(value) < 1 else f"{value:.2f} cores"


TRAFFIC = Signal(
    "Request rate", "{request}/s", f"sum{{by}}(rate({_HTTP}_count{{on}}[{RATE_OVER}]))", lambda v: f"{v:.2f}/s", 0.05
)
ERRORS = Signal(
    "Error ratio",
    "1",
    f"(sum{{by}}(rate({_HTTP}_count{{on5xx}}[{RATE_OVER}])) or sum{{by}}(rate({_HTTP}_count{{on}}[{RATE_OVER}])) * 0)"
    f" / sum{{by}}(rate({_HTTP}_count{{on}}[{RATE_OVER}]))",
    lambda v: f"{v:.2%}",
    0.005,
    1,
)
LATENCY = Signal(
    "Latency, 95th percentile",
    "s",
    f"histogram_quantile(0.95, sum{{byle}}(rate({_HTTP}_bucket{{on}}[{RATE_OVER}])))",
    lambda v: f"{v * 1000:,.0f} ms",
    0.005,
    1,
)
CPU = Signal(
    "CPU",
    "{cpu}",
    f"sum{{by}}(rate(container_cpu_usage_seconds_total{{oncontainer}}[{RATE_OVER}]))",
    show_cores,
    0.01,
)
MEMORY = Signal("Memory", "By", "sum{by}(container_memory_working_set_bytes{oncontainer})", show_bytes, 8 * 2**20)
SIGNALS = (TRAFFIC, ERRORS, LATENCY, CPU, MEMORY)


CONTAINERS = ('container!=""', 'container!="POD"')  # without what cAdvisor counts of pods as a whole


def selector(namespace: str, workload: Workload | None, *more: str) -> str:
    """What its series and log lines are found by, in PromQL and LogQL."""
    pods = [f'pod=~"{escape(workload.pods)}"'] if workload is not None else []
    return "{" + ", ".join([f'namespace="{escape(namespace)}"', *pods, *more]) + "}"


def query(signal: Signal, namespace: str, workload: Workload | None, *, together: bool = False) -> str:
    """One series for a workload; by job or container for a namespace, unless `together`."""
    group = [] if workload is not None or together else ["container" if "{oncontainer}" in signal.query else "job"]
    places = {
        "{oncontainer}": CONTAINERS,
        "{on5xx}": ('http_response_status_code=~"5.."',),
        "{on}": (),
    }
    text = signal.query
    for place, more in places.items():
        text = text.replace(place, selector(namespace, workload, *more))
    text = text.replace("{byle}", f" by ({', '.join(['le', *group])}) ")
    return text.replace("{by}", f" by ({', '.join(group)}) " if group else "")


async def over(
    window: TimeWindow, source: EvidenceSource, namespace: str, workload: Workload | None, *, together: bool = False
) -> list[Evidence]:
    """Each of SIGNALS, in their order."""
    asked: dict[str, Json] = {
        "start": window.start.isoformat(),
        "end": window.end.isoformat(),
        "step_seconds": max(SHORTEST_STEP, window.length.total_seconds() / POINTS),
    }
    queries = [query(signal, namespace, workload, together=together) for signal in SIGNALS]
    return list(
        await asyncio.gather(*(source.collect("prometheus.query_range", {"query": one, **asked}) for one in queries))
    )


def values(series: tuple[Series, ...]) -> list[float]:
    return [value for each in series for _, value in each.samples if value is not None]


def last(series: Series) -> float | None:
    return next((value for _, value in reversed(series.samples) if value is not None), None)
