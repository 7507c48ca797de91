"""A real Prometheus on loopback, filled with samples by promtool: what the engine is compared with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx
from real_prometheus import real_prometheus

from autodevops.sandbox.promql.labels import NAME, Labels, value_of, without_name


def openmetrics(series: Mapping[Labels, Mapping[int, float]]) -> str:
    """The samples as OpenMetrics text, metric by metric."""
    lines = []
    for name in sorted({value_of(labels, NAME) for labels in series}):
        lines.append(f"# TYPE {name} unknown")
        for labels, samples in series.items():
            if value_of(labels, NAME) != name:
                continue
            inside = ",".join(f'{key}="{value}"' for key, value in without_name(labels))
            for at, number in samples.items():
                text = {"inf": "+Inf", "-inf": "-Inf", "nan": "NaN"}.get(repr(number), repr(number))
                lines.append(f"{name}{{{inside}}} {text} {at / 1000:.3f}")
    return "\n".join([*lines, "# EOF", ""])


@contextmanager
def serving(folder: Path, series: Mapping[Labels, Mapping[int, float]]) -> Iterator[httpx.Client]:
    """A client of a Prometheus that holds `series`; it ends with the context."""
    with (
        real_prometheus(folder, openmetrics(series)) as url,
        httpx.Client(base_url=url, timeout=120, trust_env=False) as client,
    ):
        yield client
