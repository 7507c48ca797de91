"""What a namespace's servers count of their requests: how many, how many failed, how long they took.

Which metrics those are and whose they are is found out as the investigation does it (investigation.gather_metrics);
nothing is configured. Runbooks reckon budgets and compare releases with it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from autodevops.domain.base import Json
from autodevops.domain.evidence import Evidence
from autodevops.domain.window import TimeWindow
from autodevops.investigation.gather.collect import Collector
from autodevops.investigation.gather.metrics import Plan, discover
from autodevops.investigation.inventory import Inventory
from autodevops.investigation.request import Span
from autodevops.notebook import desk, metrics

if TYPE_CHECKING:
    import pandas as pd

    from autodevops.notebook.table import Table
    from autodevops.workbench import Workbench

_LOOKED_FOR = timedelta(hours=1)  # what is served now is named in the last hour, and weeks are slow to look through

__all__ = ["Plan", "budget", "counts", "latency", "namespace_or_default", "plans", "ratio_over_time"]


def namespace_or_default(namespace: str) -> str:
    """The one that is named, else the configured one, else that of the kubeconfig context."""
    return namespace or desk.default_namespace()


def plans(namespace: str, window: TimeWindow) -> tuple[Plan, ...]:
    """The request metrics of a namespace at the end of a window, the preferred first. Raises ToolError."""
    recent = TimeWindow.ending(window.end, min(window.length, _LOOKED_FOR))
    return tuple(desk.with_bench(_plans, namespace, recent))


def counts(chosen: Sequence[Plan], seconds: float, at: datetime) -> pd.DataFrame:
    """Requests and failures of each workload in the `seconds` before `at`; NaN where failures are not told apart.

    The first plan that knows a workload speaks for it.
    """
    import pandas as pd

    rows: dict[str, dict[str, float]] = {}
    for plan in chosen:
        total = _by_workload(plan, _increase(plan, plan.selector, seconds), at)
        failing = f"{plan.selector},{plan.failure}"
        failed = _by_workload(plan, _increase(plan, failing, seconds), at) if plan.failure else None
        for workload, requests in total.items():
            fails = float("nan") if failed is None else failed.get(workload, 0.0)
            rows.setdefault(workload, {"requests": requests, "failed": fails})
    frame = pd.DataFrame.from_dict(rows, orient="index", columns=["requests", "failed"], dtype="float64")
    frame["error ratio"] = frame["failed"] / frame["requests"].where(frame["requests"] > 0)
    return frame.rename_axis("workload").sort_values("requests", ascending=False)


def latency(chosen: Sequence[Plan], quantile: float, seconds: float, at: datetime) -> pd.Series[float]:
    """A quantile of each workload's durations in seconds, where there is a histogram."""
    import pandas as pd

    found: dict[str, float] = {}
    for plan in chosen:
        if not plan.has_buckets:
            continue
        rate = f"sum by ({plan.label}, le) (rate({plan.family.bucket}{{{plan.selector}}}[{round(seconds)}s]))"
        query = f"histogram_quantile({quantile:g}, {rate}) * {plan.family.seconds_per_unit:g}"
        for workload, value in _by_workload(plan, query, at).items():
            found.setdefault(workload, value)
    return pd.Series(found, dtype="float64").rename_axis("workload")


def ratio_over_time(plan: Plan, window: TimeWindow, seconds: float) -> Table:
    """The error ratio of each workload over a window, each point over the `seconds` before it."""
    reach = f"[{round(seconds)}s]"
    total = f"sum by ({plan.label}) (rate({plan.family.count}{{{plan.selector}}}{reach}))"
    failed = f"sum by ({plan.label}) (rate({plan.family.count}{{{plan.selector},{plan.failure}}}{reach}))"
    return metrics.range(f"({failed} or 0 * {total}) / {total}", window)


def budget(counted: pd.DataFrame, objective: float) -> pd.DataFrame:
    """`counts` with what an objective (0.999) allows to fail, and which share of that has failed."""
    allowed = counted["requests"] * (1 - objective)
    return counted.assign(allowed=allowed, used=counted["failed"] / allowed.where(allowed > 0))


class Source:
    """The bench's tools as evidence, for the investigation's own discovery."""

    def __init__(self, bench: Workbench) -> None:
        self._bench = bench

    async def collect(self, tool: str, arguments: Mapping[str, Json]) -> Evidence:
        return await self._bench.observe(tool, arguments)


async def _plans(bench: Workbench, namespace: str, window: TimeWindow) -> list[Plan]:
    return await discover(Collector(Source(bench)), Inventory(namespace), Span.of(window))


def _increase(plan: Plan, selector: str, seconds: float) -> str:
    return f"sum by ({plan.label}) (increase({plan.family.count}{{{selector}}}[{round(seconds)}s]))"


def _by_workload(plan: Plan, query: str, at: datetime) -> dict[str, float]:
    found = metrics.instant(query, at)
    if found.empty or plan.label not in found:
        return {}
    named = found[found[plan.label].notna() & found["value"].notna()]
    return {str(name): float(value) for name, value in zip(named[plan.label], named["value"], strict=True)}
