"""The sandbox's Alertmanager: it receives what the shipped rules fire over the world's metric families."""

from __future__ import annotations

from starlette.applications import Starlette

from autodevops.sandbox.alertmanager.api import AlertmanagerApi
from autodevops.sandbox.alertmanager.config import DEFAULT_CONFIG, parse_config
from autodevops.sandbox.prometheus.app import Watch, watch
from autodevops.sandbox.world.world import World


def create_app(world: World, config: str = "", watched: Watch | None = None) -> Starlette:
    """`config` is the text of an alertmanager.yml. `app.state.advance()` delivers what is due by the world's clock.

    Raises ConfigError.
    """
    api = AlertmanagerApi((watched or watch(world)).alerting, world.now, parse_config(config or DEFAULT_CONFIG))
    app = api.app()
    app.state.advance = api.advance
    return app
