"""The load curve: how busy the world is at a moment, and its integral in closed form.

One curve serves all services, as they all live from the same customers: a daily wave plus small waves of a few
periods that share no common multiple. `Load.integral` is exact, so a counter's value at any moment costs a few sines.

`Warps` bend time a little, each in its own way: a counter read through a warp wavers around its expectation like real
traffic does, never falls, and gives the same value whenever it is asked.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from autodevops.sandbox.basics import hashing

Floats = NDArray[np.float64]

_DAY = 86400.0
_PEAK = 14.5 / 24  # share of the UTC day at which the daily wave is highest
# (period s, amplitude)
_WAVES = ((71.0, 0.025), (137.0, 0.03), (331.0, 0.03), (877.0, 0.03), (2311.0, 0.03), (5851.0, 0.03))
# (period s, share by which a rate wavers)
_CALM = ((110.0, 0.10), (370.0, 0.06))
_ROUGH = ((83.0, 0.32), (290.0, 0.12))


class LoadCurve:
    """Load relative to the average. `origin` is the moment at which the integral is 0."""

    def __init__(self, seed: int, origin: float, daily: float, noise: float) -> None:
        terms = [(2 * math.pi / _DAY, daily, math.pi / 2 - 2 * math.pi * _PEAK)]
        for period, amplitude in _WAVES:
            phase = 2 * math.pi * hashing.uniform(seed, "wave", period)
            terms.append((2 * math.pi / period, amplitude * noise, phase))
        self._terms = terms
        self._origin = origin
        self._until: dict[float, float] = {}
        # Phases refer to the epoch's midnight; sines of large arguments lose digits, so shift to the origin once.
        self._shifted = [(w, a, math.fmod(w * (origin % _DAY) + p, 2 * math.pi)) for w, a, p in terms]

    def at(self, times: ArrayLike) -> Floats:
        """Load at epoch seconds, always above 0."""
        t = np.asarray(times, dtype=np.float64) - self._origin
        total = np.ones_like(t)
        for w, a, p in self._shifted:
            total += a * np.sin(w * t + p)
        return total

    def integral(self, times: ArrayLike) -> Floats:
        """Load summed up (s) from the origin to epoch seconds; negative before it."""
        t = np.asarray(times, dtype=np.float64) - self._origin
        total = t.copy()
        for w, a, p in self._shifted:
            total += (a / w) * (math.cos(p) - np.cos(w * t + p))
        return total

    def until(self, moment: float) -> float:
        """The integral at one moment, infinite for the end of time. Remembered: the world turns at few moments."""
        if moment not in self._until:
            self._until[moment] = float(self.integral(moment)) if math.isfinite(moment) else moment
        return self._until[moment]


class Warps:
    """A fixed set of bent times: the first `COUNT` are calm, the next `COUNT` rough (for rare things)."""

    COUNT = 24

    def __init__(self, seed: int, origin: float, noise: float) -> None:
        self._origin = origin
        terms: list[list[tuple[float, float, float]]] = []
        for family in (_CALM, _ROUGH):
            steepness = sum(slope for _, slope in family) * noise
            scale = noise * min(1.0, 0.9 / steepness) if steepness else 0.0
            for index in range(self.COUNT):
                own = []
                for period, slope in family:
                    p = period * (0.7 + 0.6 * hashing.uniform(seed, "warp", family, index, period))
                    phase = 2 * math.pi * hashing.uniform(seed, "warp phase", family, index, period)
                    own.append((2 * math.pi / p, slope * scale * p / (2 * math.pi), phase))
                terms.append(own)
        self._terms = np.array(terms)  # (warps, terms, 3)

    def bend(self, warps: Sequence[int], times: Floats) -> Floats:
        """Times as the `warps` see them, a row for each: non-decreasing, some seconds behind, never ahead.

        Were they ahead, a counter would know of changes that have not happened yet.
        """
        t = times - self._origin
        bent = np.tile(times, (len(warps), 1))
        for w, a, p in self._terms[list(warps)].transpose(1, 2, 0)[..., None]:
            bent += a * (np.sin(w * t + p) - 1.0)
        return bent

    @classmethod
    def choose(cls, rate: float, *name: object) -> int:
        """The warp of a counter that grows by about `rate` per second."""
        return cls.family(rate) + hashing.number("choose", *name) % cls.COUNT

    @classmethod
    def family(cls, rate: float) -> int:
        """The first warp of the family (calm or rough) that counters growing by `rate` per second belong to."""
        return 0 if rate > 0.3 else cls.COUNT
