"""Prometheus and Alertmanager of one world, served on loopback."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sandbox_prometheus.prometheus_serving import make_world, served

from autodevops.sandbox.alertmanager.app import create_app as create_alertmanager
from autodevops.sandbox.prometheus.app import create_app as create_prometheus
from autodevops.sandbox.world.world import World


@pytest.fixture(scope="module")
def bad_deploy() -> World:
    return make_world("bad-deploy")


@pytest.fixture(scope="module")
def prometheus(bad_deploy: World) -> Iterator[str]:
    with served(create_prometheus(bad_deploy)) as address:
        yield address


@pytest.fixture
def alertmanager(bad_deploy: World) -> Iterator[str]:
    with served(create_alertmanager(bad_deploy)) as address:
        yield address
