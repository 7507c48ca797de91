"""Metrics as Prometheus reads them: the text of `/metrics`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prometheus_client import Metric


def exposed(families: Iterable[Metric]) -> str:
    from prometheus_client import generate_latest
    from prometheus_client.registry import Collector

    class Given(Collector):
        def collect(self) -> Iterable[Metric]:
            return families

    return generate_latest(Given()).decode("utf-8")
