"""The golden signals as queries: traffic, errors, latency, CPU, memory, of a workload or a namespace.

How servers count requests is looked up for each question in the conventions the investigation engine knows; container
series are named as cAdvisor does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from autodevops.domain.base import Json
from autodevops.domain.evidence import Evidence
from autodevops.domain.series import Series
from autodevops.domain.tool_results import NameList
from autodevops.domain.window import TimeWindow
from autodevops.investigation.gather.metrics import families_in
from autodevops.investigation.request_families import FAMILIES, NAMESPACE_LABELS, RequestFamily
from autodevops.jamie.answers import understood
from autodevops.jamie.catalogue import Workload
from autodevops.kernel.query_text import escape
from autodevops.toolbox.protocol import EvidenceSource

POINTS = 120  # samples a series: what a chart shows without crowding
SHORTEST_STEP = 15.0  # seconds, the usual scrape interval
RATE_OVER = "5m"

_POD_LABELS = {"exported_namespace": "exported_pod", "k8s_namespace_name": "k8s_pod_name"}


@dataclass(frozen=True)
class Signal:
    """`floor` is how much of it (in its unit) is noise whatever the series says; `worse` which way is bad, if any."""

    title: str
    unit: str
    query: str  # places in braces are filled from the convention, the matchers and the grouping
    show: Callable[[float], str]
    floor: float = 0.0
    worse: int = 0


def show_bytes(value: float) -> str:
    return f"{value / 2**30:,.1f} GiB" if abs(value) >= 10 * 2**30 else f"{value / 2**20:,.0f} MiB"


def show_cores(value: float) -> str:
    return f"{value:.3f} cores" if abs(value) < 1 else f"{value:.2f} cores"


_RATE = "sum{by}(rate({count}{on}[" + RATE_OVER + "]))"
TRAFFIC = Signal("Request rate", "{request}/s", _RATE, lambda v: f"{v:.2f}/s", 0.05)
ERRORS = Signal("Error ratio", "1", f"({{failing}} or {_RATE} * 0) / {_RATE}", lambda v: f"{v:.2%}", 0.005, 1)
LATENCY = Signal(
    "Latency, 95th percentile",
    "s",
    "histogram_quantile(0.95, sum{byle}(rate({bucket}{on}[" + RATE_OVER + "]))){scale}",
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
    return _matchers("namespace", namespace, workload, *more)


@dataclass(frozen=True)
class Convention:
    """How requests are counted here, and the label that says in which namespace."""

    family: RequestFamily = FAMILIES[0]
    label: str = NAMESPACE_LABELS[0]


async def convention(source: EvidenceSource, namespace: str, workload: Workload | None) -> Convention:
    """The preferred one of those that the workload, or the namespace, has; the usual one when none is found."""
    for labels in (NAMESPACE_LABELS[:1], NAMESPACE_LABELS[1:]):
        matches = [_matchers(label, namespace, workload) for label in labels]
        answers = await asyncio.gather(*(source.collect("prometheus.list_metrics", {"match": one}) for one in matches))
        if not any(item.ok for item in answers):
            break
        names = {
            label: frozenset(understood(item, NameList).names)
            for label, item in zip(labels, answers, strict=True)
            if item.ok
        }
        for family, label, *_ in families_in(names):
            return Convention(family, label)
    return Convention()


def _matchers(label: str, namespace: str, workload: Workload | None, *more: str) -> str:
    pods = [f'{_POD_LABELS.get(label, "pod")}=~"{escape(workload.pods)}"'] if workload is not None else []
    return "{" + ", ".join([f'{label}="{escape(namespace)}"', *pods, *filter(None, more)]) + "}"


def query(
    signal: Signal, counted: Convention, namespace: str, workload: Workload | None, *, together: bool = False
) -> str:
    """One series for a workload; by job or container for a namespace, unless `together`."""
    group = [] if workload is not None or together else ["container" if "{oncontainer}" in signal.query else "job"]
    family = counted.family
    failing = " or ".join(
        f"sum{{by}}(rate({family.count}"
        f"{_matchers(counted.label, namespace, workload, family.where, label + match)}[{RATE_OVER}]))"
        for label, match in family.failure
    )
    places = {
        "{failing}": failing,
        "{count}": family.count,
        "{bucket}": family.bucket or f"{family.count}_bucket",
        "{scale}": "" if family.seconds_per_unit == 1.0 else f" * {family.seconds_per_unit:g}",
        "{oncontainer}": selector(namespace, workload, *CONTAINERS),
        "{on}": _matchers(counted.label, namespace, workload, family.where),
        "{byle}": f" by ({', '.join(['le', *group])}) ",
        "{by}": f" by ({', '.join(group)}) " if group else "",
    }
    text = signal.query
    for place, filled in places.items():
        text = text.replace(place, filled)
    return text


async def over(
    window: TimeWindow, source: EvidenceSource, namespace: str, workload: Workload | None, *, together: bool = False
) -> list[Evidence]:
    """Each of SIGNALS, in their order."""
    asked: dict[str, Json] = {
        "start": window.start.isoformat(),
        "end": window.end.isoformat(),
        "step_seconds": max(SHORTEST_STEP, window.length.total_seconds() / POINTS),
    }
    counted = await convention(source, namespace, workload)
    queries = [query(signal, counted, namespace, workload, together=together) for signal in SIGNALS]
    return list(
        await asyncio.gather(*(source.collect("prometheus.query_range", {"query": one, **asked}) for one in queries))
    )


def values(series: tuple[Series, ...]) -> list[float]:
    return [value for each in series for _, value in each.samples if value is not None]


def last(series: Series) -> float | None:
    return next((value for _, value in reversed(series.samples) if value is not None), None)
