"""The sandbox's Alertmanager: it receives what the shipped rules fire over the world's metric families."""

from __future__ import annotations

from starlette.applications import Starlette

from autodevops.sandbox.alertmanager.api import AlertmanagerApi
from autodevops.sandbox.prometheus.rules import Alerting, shipped_rules
from autodevops.sandbox.world.metrics import WorldMetrics
from autodevops.sandbox.world.world import World


def create_app(world: World) -> Starlette:
    return AlertmanagerApi(Alerting(WorldMetrics(world), shipped_rules()), world.now).app()
