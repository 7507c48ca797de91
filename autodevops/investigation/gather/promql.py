"""Asking Prometheus: a query over baseline and window, and its series as arrays."""

from __future__ import annotations

import numpy as np

from autodevops.analysis.samples import FloatArray
from autodevops.domain.evidence import Evidence
from autodevops.domain.series import Series
from autodevops.domain.tool_results import SeriesResult
from autodevops.investigation.gather.collect import Collector
from autodevops.investigation.request import Span
from autodevops.kernel.clock import rfc3339


async def over_span(collector: Collector, span: Span, query: str, *, window_only: bool = False) -> Evidence:
    return await collector.ask(
        "prometheus.query_range",
        query=query,
        start=rfc3339(span.window.start if window_only else span.baseline.start),
        end=rfc3339(span.window.end),
        step_seconds=span.step_seconds,
    )


def series_of(collector: Collector, evidence: Evidence) -> tuple[Series, ...]:
    """None where there is no answer, or one of another shape."""
    result = collector.read(evidence, SeriesResult)
    return result.series if result else ()


def arrays(series: Series) -> tuple[FloatArray, FloatArray]:
    """Times and values; a gap is NaN."""
    times = np.array([at for at, _ in series.samples], dtype=np.float64)
    values = np.array([np.nan if value is None else value for _, value in series.samples], dtype=np.float64)
    return times, values


def latest(series: Series) -> float | None:
    return series.samples[-1][1] if series.samples else None
