"""The sandbox's Prometheus: the API over the world's metric families, with the shipped alerting rules."""

from __future__ import annotations

from starlette.applications import Starlette

from autodevops.sandbox.prometheus.api import PrometheusApi
from autodevops.sandbox.prometheus.rules import shipped_rules
from autodevops.sandbox.world.metrics import WorldMetrics
from autodevops.sandbox.world.world import World


def create_app(world: World) -> Starlette:
    return PrometheusApi(WorldMetrics(world), world.now, shipped_rules()).app()
