"""Series with known moments of change, of the kinds that monitoring has; each is a pure function of its seed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from autodevops.analysis.samples import FloatArray, rates

STEP = 900.0  # seconds: a week and a bit, so that days can prove themselves
SAMPLES = 800
_DAY = 96  # samples


@dataclass(frozen=True)
class Made:
    """`onsets` are samples; `values` may have gaps (nan)."""

    times: FloatArray
    values: FloatArray
    onsets: tuple[int, ...]


Maker = Callable[[np.random.Generator], tuple[FloatArray, tuple[int, ...]]]


def make(kind: str, seed: int) -> Made:
    values, onsets = KINDS[kind](np.random.default_rng([seed, *kind.encode()]))
    return Made(np.arange(len(values)) * STEP, values, onsets)


def _noise(random: np.random.Generator) -> FloatArray:
    return random.standard_normal(SAMPLES)


def _correlated(random: np.random.Generator, memory: float = 0.8) -> FloatArray:
    shocks = random.standard_normal(SAMPLES) * np.sqrt(1 - memory**2)
    values = np.empty(SAMPLES)
    values[0] = random.standard_normal()
    for index in range(1, SAMPLES):
        values[index] = memory * values[index - 1] + shocks[index]
    return values


def _day(random: np.random.Generator) -> FloatArray:
    phase = 2 * np.pi * np.arange(SAMPLES) / _DAY
    return np.asarray(6 * np.sin(phase + random.uniform(0, 6)) + 2 * np.sin(2 * phase), dtype=np.float64)


def _steps(
    random: np.random.Generator, least: float, most: float, count: int | None = None
) -> tuple[FloatArray, list[int]]:
    count = int(random.integers(1, 4)) if count is None else count
    onsets = [int((number + random.uniform(0.3, 0.9)) * SAMPLES / (count + 0.5)) for number in range(count)]
    values = np.zeros(SAMPLES)
    for onset in onsets:
        values[onset:] += random.choice([-1, 1]) * random.uniform(least, most)
    return values, onsets


def _with_steps(noise: Callable[[np.random.Generator], FloatArray], least: float, most: float) -> Maker:
    def made(random: np.random.Generator) -> tuple[FloatArray, tuple[int, ...]]:
        levels, onsets = _steps(random, least, most)
        return levels + noise(random), tuple(onsets)

    return made


def _without(noise: Callable[[np.random.Generator], FloatArray]) -> Maker:
    return lambda random: (noise(random), ())


def _ramp(random: np.random.Generator) -> tuple[FloatArray, tuple[int, ...]]:
    onset, length = int(random.integers(200, 600)), int(random.integers(10, 30))
    climb = np.clip((np.arange(SAMPLES) - onset + 1) / length, 0, 1)
    return random.choice([-1, 1]) * random.uniform(8, 14) * climb + _noise(random), (onset,)


def _episode(random: np.random.Generator) -> tuple[FloatArray, tuple[int, ...]]:
    onset, length = int(random.integers(200, 600)), int(random.integers(15, 60))
    values = _noise(random)
    values[onset : onset + length] += random.choice([-1, 1]) * random.uniform(4, 8)
    return values, (onset, onset + length)


def _spikes(random: np.random.Generator) -> FloatArray:
    values = _noise(random)
    values[random.choice(SAMPLES, 15, replace=False)] += random.uniform(10, 40, 15)
    return values


def _gaps(random: np.random.Generator) -> tuple[FloatArray, tuple[int, ...]]:
    levels, onsets = _steps(random, 3, 6, 1)
    values = levels + _noise(random)
    for _ in range(3):
        start = int(random.integers(0, SAMPLES - 60))
        if not start - 10 <= onsets[0] <= start + 70:
            values[start : start + 60] = np.nan
    values[random.random(SAMPLES) < 0.05] = np.nan
    return values, tuple(onsets)


def _counter(random: np.random.Generator) -> tuple[FloatArray, tuple[int, ...]]:
    """A counter that is reset five times, as the rates that are looked at."""
    levels, onsets = _steps(random, 1.5, 4, 1)
    counts = np.cumsum(random.poisson(np.maximum(0.5, 20 + 5 * levels)).astype(np.float64))
    for reset in sorted(random.choice(np.arange(50, SAMPLES - 50), 5, replace=False)):
        counts[reset:] -= counts[reset - 1]
    _, rate = rates(np.arange(SAMPLES) * STEP, counts)
    return rate, tuple(onset - 1 for onset in onsets)


KINDS: Mapping[str, Maker] = {
    "steps": _with_steps(_noise, 3, 6),
    "small steps": _with_steps(_noise, 1, 2),
    "ramp": _ramp,
    "episode": _episode,
    "steps, heavy tails": _with_steps(lambda random: random.standard_t(2.5, SAMPLES), 4, 8),
    "steps, noise with memory": _with_steps(_correlated, 5, 8),
    "steps on days": _with_steps(lambda random: _day(random) + _noise(random), 5, 8),
    "step with gaps": _gaps,
    "step, counter with resets": _counter,
    "step of a constant": _with_steps(lambda random: np.zeros(SAMPLES), 1, 5),
    "noise": _without(_noise),
    "heavy tails": _without(lambda random: random.standard_t(2.5, SAMPLES)),
    "noise with memory": _without(_correlated),
    "random walk": _without(lambda random: np.cumsum(random.standard_normal(SAMPLES))),
    "spikes": _without(_spikes),
    "days": _without(lambda random: _day(random) + _noise(random)),
    "trend": _without(lambda random: np.linspace(0, 20, SAMPLES) + _noise(random)),
    "constant": _without(lambda random: np.full(SAMPLES, 3.0)),
}
