"""The sandbox's Prometheus: the API over the world's metric families, with the shipped alerting rules.

`watch` is the part it shares with Alertmanager, which receives what the same rules fire: samples and rules are then
evaluated once for both.
"""

from __future__ import annotations

from dataclasses import dataclass

from starlette.applications import Starlette

from autodevops.sandbox.prometheus.api import PrometheusApi
from autodevops.sandbox.prometheus.metrics import Metrics
from autodevops.sandbox.prometheus.rules import Alerting, shipped_rules
from autodevops.sandbox.world.metrics import WorldMetrics
from autodevops.sandbox.world.world import World


@dataclass(frozen=True)
class Watch:
    """What is scraped from a world, and the shipped rules over it."""

    metrics: Metrics
    alerting: Alerting


def watch(world: World) -> Watch:
    metrics = WorldMetrics(world)
    return Watch(metrics, Alerting(metrics, shipped_rules()))


def create_app(world: World, watched: Watch | None = None) -> Starlette:
    watched = watched or watch(world)
    return PrometheusApi(watched.metrics, world.now, watched.alerting).app()
