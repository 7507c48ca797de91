"""Metrics as Prometheus speaks of them."""

from __future__ import annotations

from autodevops.domain.base import Noun

Sample = tuple[float, float | None]
"""Unix seconds and value; None stands for NaN and the infinities, which JSON cannot say."""


class Series(Noun):
    """One series: labels (with `__name__` where the query kept it) and samples in time order."""

    labels: dict[str, str]
    samples: tuple[Sample, ...]
