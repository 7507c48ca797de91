"""Native histograms with custom buckets: their rates and their sums. Other schemas are refused, not guessed at."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

import numpy as np

from autodevops.sandbox.promql.aggregate import Grouping
from autodevops.sandbox.promql.labels import Labels
from autodevops.sandbox.promql.over_time import extrapolated, instantaneous
from autodevops.sandbox.promql.values import (
    Dialect,
    Floats,
    Histograms,
    HistogramSamples,
    Mask,
    UnsupportedError,
    Vector,
)
from autodevops.sandbox.promql.windows import Windows


def usable(histogram: Histograms | HistogramSamples) -> None:
    """Raises UnsupportedError for a schema that cannot be calculated with."""
    if histogram.bounds is None:
        raise UnsupportedError("native histograms with exponential buckets are not supported")


def change(windows: Windows, name: str, dialect: Dialect) -> Histograms:
    """rate, increase, delta, irate or idelta of one native histogram series: each bucket extrapolated alike."""
    assert windows.histograms is not None
    samples = windows.histograms[0]
    usable(samples)
    stacked = np.vstack([samples.totals, samples.sums, samples.counts.T])
    counter = name in {"rate", "increase", "irate"}
    if counter:
        stacked = _without_resets(stacked)
    rows = replace(windows, labels=[windows.labels[0]] * len(stacked), values=stacked, histograms=None)
    if name in {"rate", "increase", "delta"}:
        values, present = extrapolated([rows], dialect, counter=False, per_second=name == "rate")
    else:
        values, present = instantaneous(rows, counter=False)
        if name == "irate":
            last = np.maximum(windows.last, 1)
            values = values / ((windows.timestamps[last] - windows.timestamps[last - 1]) / 1000.0)
    nameless = bool(windows.nameless) and windows.nameless[0]
    return Histograms(windows.labels[0], present[0], samples.bounds, values[2:].T, values[1], values[0], nameless)


def _without_resets(stacked: Floats) -> Floats:
    """Counts as if the histogram had never been reset: what was lost before each reset is added to all that follows."""
    if stacked.shape[1] < 2:
        return stacked
    dropped = ((stacked[2:, 1:] < stacked[2:, :-1]).any(axis=0)) | (stacked[0, 1:] < stacked[0, :-1])
    lost = np.where(dropped, stacked[:, :-1], 0.0)
    return np.concatenate([stacked[:, :1], stacked[:, 1:] + np.cumsum(lost, axis=1)], axis=1)


def resets(windows: Windows) -> tuple[Floats, Mask]:
    assert windows.histograms is not None
    samples = windows.histograms[0]
    usable(samples)
    dropped = (samples.counts[1:] < samples.counts[:-1]).any(axis=1) | (samples.totals[1:] < samples.totals[:-1])
    running = np.concatenate([[0.0], np.cumsum(dropped)])
    present = (windows.counts >= 1)[None, :]
    return (running[windows.last] - running[windows.first])[None, :], present


def histogram_groups(vector: Vector, grouping: Grouping) -> list[Histograms]:
    """Per group, at which steps it has a native histogram of any schema: the values are those of a member."""
    groups: dict[Labels, Histograms] = {}
    for histogram in vector.histograms:
        key = grouping.key(histogram.labels)
        there = groups[key].present | histogram.present if key in groups else histogram.present
        groups[key] = replace(histogram, labels=key, present=there)
    return list(groups.values())


def aggregated(vector: Vector, grouping: Grouping, *, mean: bool) -> list[Histograms]:
    """sum or avg of native histograms with equal buckets, per group."""
    groups: dict[Labels, list[Histograms]] = defaultdict(list)
    for histogram in vector.histograms:
        usable(histogram)
        groups[grouping.key(histogram.labels)].append(histogram)
    result = []
    for labels, members in groups.items():
        if len({member.bounds for member in members}) > 1:
            raise UnsupportedError("adding native histograms with different custom buckets is not supported")
        weight = np.array([member.present for member in members], dtype=np.float64)
        number = np.maximum(weight.sum(axis=0), 1.0) if mean else np.ones(vector.steps)
        counts = sum(m.counts * w[:, None] for m, w in zip(members, weight, strict=True)) / number[:, None]
        sums = sum(m.sums * w for m, w in zip(members, weight, strict=True)) / number
        totals = sum(m.totals * w for m, w in zip(members, weight, strict=True)) / number
        present: Mask = np.any(weight, axis=0)
        result.append(Histograms(labels, present, members[0].bounds, counts, sums, totals))
    return result
