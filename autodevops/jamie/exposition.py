"""Jamie's health as Prometheus reads it: the text of `/metrics`. Serving it is a surface's business.

Counters grow as long as one report is carried on (`read_health(ledger, known=report)`); another `since` is a reset.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate
from typing import TYPE_CHECKING

from autodevops.jamie.health_report import BOUNDS, HealthReport, Spread
from autodevops.kernel.exposition import exposed

if TYPE_CHECKING:
    from prometheus_client import Metric
    from prometheus_client.core import HistogramMetricFamily

PREFIX = "autodevops_jamie_"
STAGES = ("context", "tools", "engine", "narration", "model", "own")


def render(report: HealthReport) -> str:
    return exposed(_families(report))


def _families(report: HealthReport) -> Iterator[Metric]:
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

    turns = CounterMetricFamily(
        f"{PREFIX}turns",
        "Turns, by what was asked and how they ended.",
        labels=["intent", "outcome", "narrator"],
    )
    for one in report.turns:
        turns.add_metric([one.intent, one.outcome, one.narrator], one.turns)
    yield turns

    whole = HistogramMetricFamily(f"{PREFIX}turn_duration_seconds", "From question to answer.", labels=["intent"])
    for intent, spread in report.answered_in.items():
        _add(whole, [intent], spread)
    yield whole

    first = HistogramMetricFamily(f"{PREFIX}first_token_seconds", "From question to the first word.", labels=[])
    if "first_token" in report.took:
        _add(first, [], report.took["first_token"])
    yield first

    stages = HistogramMetricFamily(
        f"{PREFIX}stage_duration_seconds",
        "By stage. Context, engine and narration are without what they waited for; own is all but tools and model.",
        labels=["stage"],
    )
    for stage in STAGES:
        if stage in report.took:
            _add(stages, [stage], report.took[stage])
    yield stages

    yield CounterMetricFamily(f"{PREFIX}tool_calls", "Tool calls made for turns.", report.tool_calls)
    yield CounterMetricFamily(f"{PREFIX}tool_errors", "Tool calls without an answer.", report.tool_errors)

    thumbs = GaugeMetricFamily(
        f"{PREFIX}rated_turns", "Turns that people judged, by their last word.", labels=["thumb"]
    )
    for thumb, count in zip(("up", "down"), report.thumbs, strict=True):
        thumbs.add_metric([thumb], count)
    yield thumbs


def _add(family: HistogramMetricFamily, labels: list[str], spread: Spread) -> None:
    bounds = [*(str(bound / 1000) for bound in BOUNDS), "+Inf"]
    family.add_metric(labels, list(zip(bounds, accumulate(spread.counts), strict=True)), spread.sum_ms / 1000)
