"""Numenta's anomaly benchmark through the engine's change points, scored as its authors score (standard profile).

The adapter asks the engine as a monitor would: every few samples, with as many samples of baseline and window as an
investigation has, seeing nothing of what comes later. An alarm is raised when an episode is active and none was at the
time before; while one lasts there is no further alarm. Its score is the episode's confidence.

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

from autodevops.analysis.changepoints import Episode, FloatArray, find_episodes

_SAMPLES = 240  # an investigation's: half baseline, half window
_EVERY = 5  # samples between two looks
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
    fixed = scaled(raised, 0.0)
    thresholds = sorted({alarm.score for _, some in raised for alarm in some})
    best = max((scaled(raised, threshold) for threshold in thresholds), default=0.0)
    windows = sum(len(series.windows) for series in corpus)
    false = sum(not _inside(series, alarm.sample) for series, some in raised for alarm in some)
    found = sum(
        any(first <= alarm.sample <= last for alarm in some)
        for series, some in raised
        for first, last in series.windows
    )
    return [
        f"{len(corpus)} series, {windows} windows: {found} found, {false} alarms elsewhere",
        f"NAB standard score, every episode an alarm: {fixed:.1f}",
        f"NAB standard score, the one threshold that suits these series best (as NAB chooses it): {best:.1f}",
    ]


def alarms(series: Series) -> list[Alarm]:
    found = []
    active = False
    for sample in range(_SAMPLES, len(series.times), _EVERY):
        now = [one for one in _episodes(series, sample) if one.active]
        if now and not active:
            found.append(Alarm(sample, max(one.confidence for one in now)))
        active = bool(now)
    return found


def _episodes(series: Series, sample: int) -> list[Episode]:
    seen = slice(sample + 1 - _SAMPLES, sample + 1)
    times, values = series.times[seen], series.values[seen]
    half = float(times[_SAMPLES // 2])
    up = find_episodes(times, values, baseline_until=half, limit=lambda level: level, direction="up")
    down = find_episodes(times, values, baseline_until=half, limit=lambda level: level, direction="down")
    return [*up, *down]


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
