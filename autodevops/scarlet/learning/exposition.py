"""Scarlet's health as Prometheus reads it: the text of `/metrics`. Serving it is a surface's business.

All are gauges: figures of the time that was asked about, which go down when incidents leave it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from autodevops.kernel.exposition import exposed
from autodevops.scarlet.learning.health import ScarletHealth

if TYPE_CHECKING:
    from prometheus_client import Metric

PREFIX = "autodevops_scarlet_"


def render(health: ScarletHealth) -> str:
    return exposed(_families(health))


def _families(health: ScarletHealth) -> Iterator[Metric]:
    from prometheus_client.core import GaugeMetricFamily

    def gauge(name: str, words: str, value: float | None) -> Iterator[Metric]:
        if value is not None:
            yield GaugeMetricFamily(f"{PREFIX}{name}", words, value)

    incidents = GaugeMetricFamily(f"{PREFIX}incidents", "Incidents, by who found them.", labels=["found_by"])
    incidents.add_metric(["scarlet"], health.detection.hits)
    incidents.add_metric(["people"], len(health.misses))
    yield incidents
    yield from gauge("incidents_open", "Incidents that are not over.", health.open)
    yield from gauge("incidents_escalated", "Incidents that were left to people.", health.escalated)
    yield from gauge("detection_ratio", "Incidents that she noticed, of all there were.", health.detection.value)
    for name, words, times in (
        ("time_to_detect_seconds", "From the first signal to the incident.", health.to_detect),
        ("time_to_resolve_seconds", "From the incident to its end.", health.to_resolve),
    ):
        family = GaugeMetricFamily(f"{PREFIX}{name}", words, labels=["quantile"])
        for quantile, value in (("0.5", times.median), ("0.9", times.p90)):
            if value is not None:
                family.add_metric([quantile], value)
        yield family
    actions = GaugeMetricFamily(f"{PREFIX}actions", "Actions tried, by what came of it.", labels=["kind", "helped"])
    for kind, share in health.actions.items():
        actions.add_metric([kind, "yes"], share.hits)
        actions.add_metric([kind, "no"], share.of - share.hits)
    yield actions
    yield from gauge("action_success_ratio", "Actions that helped, of those tried.", health.success.value)
    yield from gauge("undo_ratio", "Actions that were taken back, of those tried.", health.undone.value)
    yield from gauge(
        "automation_ratio", "Incidents ended without a person, of those that did not end by themselves.",
        health.automated.value,
    )  # fmt: skip
    yield from gauge("saved_seconds", "Estimate of people's time saved.", health.saved_minutes * 60)
    kinds = GaugeMetricFamily(f"{PREFIX}action_kinds", "Kinds of action, by what machines may do.", labels=["autonomy"])
    for level, count in health.autonomy.items():
        kinds.add_metric([level], count)
    yield kinds
    yield from gauge("confidence_brier", "Mean of (confidence - outcome) squared.", health.calibration.brier)
    if health.round is not None:
        yield from gauge("last_round_timestamp_seconds", "The last round heard of.", health.round.at.timestamp())
        yield from gauge("round_duration_seconds", "How long that round took.", health.round.seconds)
        yield from gauge("blind_systems", "Systems that she could not see in it.", len(health.round.blind))
