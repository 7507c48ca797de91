"""Numenta's anomaly benchmark through the engine's watch over series, scored as its authors score (standard profile).

The adapter gives each series to `analysis.anomalies.watch` with the learning period that the benchmark's rules give
to every detector, and nothing else. The watch judges each sample by those before it.

The score is that of Lavin and Ahmad (Evaluating real-time anomaly detection algorithms, ICMLA 2015): a window's first
alarm counts up to 1, the earlier the more; a missed window counts -1; each alarm elsewhere counts up to -0.11, less
just after a window; the first 15 % of a series (of at most 5,000 samples) are for learning. The sum is put on a scale
on which never alarming is 0 and perfection is 100.
"""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from autodevops.analysis.anomalies import watch
from autodevops.analysis.samples import FloatArray

_FALSE_ALARM = 0.11


@dataclass(frozen=True)
class Series:
    name: str
    times: FloatArray
    values: FloatArray
    windows: tuple[tuple[int, int], ...]  # first and last sample


@dataclass(frozen=True)
class Alarm:
    sample: int
    score: float


def run(folder: Path) -> list[str]:
    corpus = list(_read(folder))
    raised = [(series, alarms(series)) for series in corpus]
    groups = sorted({_group(series) for series in corpus})
    return [
        *(_line(group, [one for one in raised if _group(one[0]) == group]) for group in groups),
        _line("all", raised),
        f"the one threshold that suits these series best (as NAB chooses it): {_best(raised):.1f}",
    ]


def alarms(series: Series) -> list[Alarm]:
    seen = watch(series.times, series.values, learn=_learning(series))
    at = np.searchsorted(series.times, [alarm.time for alarm in seen.alarms])
    return [Alarm(int(sample), alarm.score) for sample, alarm in zip(at, seen.alarms, strict=True)]


def _line(name: str, raised: Sequence[tuple[Series, Sequence[Alarm]]]) -> str:
    windows = sum(len(series.windows) for series, _ in raised)
    false = sum(not _inside(series, alarm.sample) for series, some in raised for alarm in some)
    found = sum(
        any(first <= alarm.sample <= last for alarm in some)
        for series, some in raised
        for first, last in series.windows
    )
    score = f"NAB standard score {scaled(raised, 0.0):.1f}" if windows else "nothing to find"
    return f"{name:22} {len(raised):2} series, {found:2} of {windows:2} windows, {false:3} alarms elsewhere: {score}"


def _best(raised: Sequence[tuple[Series, Sequence[Alarm]]]) -> float:
    thresholds = sorted({alarm.score for _, some in raised for alarm in some})
    return max((scaled(raised, threshold) for threshold in thresholds), default=0.0)


def _group(series: Series) -> str:
    return series.name.split("/")[0]


def scaled(raised: Sequence[tuple[Series, Sequence[Alarm]]], threshold: float) -> float:
    """0 for never alarming, 100 for perfection."""
    windows = sum(len(_scored(series)) for series, _ in raised)
    total = sum(raw(series, [one.sample for one in some if one.score >= threshold]) for series, some in raised)
    return 100.0 * (total + windows) / (2.0 * windows)


def raw(series: Series, samples: Iterable[int]) -> float:
    learning = _learning(series)
    counted = [one for one in samples if one >= learning]
    total = 0.0
    for first, last in _scored(series):
        inside = [one for one in counted if first <= one <= last]
        width = last - first + 1
        total += _sigmoid(-(last - min(inside) + 1) / width) / _sigmoid(-1.0) if inside else -1.0
    for one in counted:
        if not _inside(series, one):
            before = [window for window in series.windows if window[1] < one]
            past = (one - before[-1][1]) / max(1, before[-1][1] - before[-1][0]) if before else 3.0
            total += _FALSE_ALARM * (_sigmoid(past) if past < 3.0 else -1.0)
    return total


def _scored(series: Series) -> list[tuple[int, int]]:
    return [window for window in series.windows if window[1] >= _learning(series)]


def _learning(series: Series) -> int:
    return math.floor(0.15 * min(len(series.times), 5000))


def _inside(series: Series, sample: int) -> bool:
    return any(first <= sample <= last for first, last in series.windows)


def _sigmoid(position: float) -> float:
    return 2.0 / (1.0 + math.exp(5.0 * position)) - 1.0


def _read(folder: Path) -> Iterable[Series]:
    for name, windows in sorted(json.loads((folder / "windows.json").read_text()).items()):
        path = folder / name
        if not path.exists():
            continue
        with path.open(newline="") as file:
            rows = list(csv.DictReader(file))
        times = np.array([_seconds(row["timestamp"]) for row in rows])
        values = np.array([float(row["value"]) for row in rows])
        limits = tuple(
            (int(np.searchsorted(times, _seconds(start))), int(np.searchsorted(times, _seconds(end), "right")) - 1)
            for start, end in sorted(windows)
        )
        yield Series(name, times, values, limits)


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()
