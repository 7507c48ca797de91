"""Chance that never changes: every random-looking number of the world is a hash of names.

Python's `hash()` differs between processes, so nothing here uses it. Strings go through BLAKE2; sequences of numbers
come from SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Sequence
from itertools import chain
from statistics import NormalDist

import numpy as np

_MASK = (1 << 64) - 1
_GAMMA = 0x9E3779B97F4A7C15
_MIX_1, _MIX_2 = 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
_NORMAL = NormalDist()
_AT_ONCE = 64  # numbers of a stream that are made together with those of other streams
_SAFE = "bcdfghjklmnpqrstvwxz2456789"  # Kubernetes' alphabet for generated names: no vowels, no words by accident


def digest(*parts: object, size: int = 16) -> str:
    """`size` bytes of hash over the parts, as hex."""
    return hashlib.blake2b("\x1f".join(map(str, parts)).encode(), digest_size=size).hexdigest()


def number(*parts: object) -> int:
    """A 64-bit number that follows from the parts."""
    return int(digest(*parts, size=8), 16)


def uniform(*parts: object) -> float:
    """A number in [0, 1) that follows from the parts."""
    return (number(*parts) >> 11) * 2.0**-53


def safe_name(length: int, *parts: object) -> str:
    """A suffix as Kubernetes generates them, such as `7c9fd` or `x2b4k`."""
    value = number(*parts)
    letters = []
    for _ in range(length):
        value, index = divmod(value, len(_SAFE))
        letters.append(_SAFE[index])
    return "".join(letters)


def uid(*parts: object) -> str:
    """A version 4 UUID that follows from the parts."""
    text = digest(*parts)
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-{'89ab'[int(text[16], 16) % 4]}{text[17:20]}-{text[20:32]}"


Draw = Callable[[], int]
"""The next 64 bits of a stream: `uniform_of` and `lognormal_of` make numbers of it."""


def draws(seeds: Sequence[int]) -> list[Draw]:
    """The streams of `Dice(seed).bits` for many seeds, a tenth of the cost of drawing them one by one."""
    steps = np.arange(1, _AT_ONCE + 1, dtype=np.uint64) * np.uint64(_GAMMA)
    value = np.array(seeds, dtype=np.uint64)[:, None] + steps
    value = (value ^ (value >> np.uint64(30))) * np.uint64(_MIX_1)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(_MIX_2)
    value ^= value >> np.uint64(31)
    rest = (iter(Dice(seed + _AT_ONCE * _GAMMA).bits, None) for seed in seeds)
    return [chain(row, more).__next__ for row, more in zip(value.tolist(), rest, strict=True)]


def uniform_of(bits: int) -> float:
    """A number in (0, 1)."""
    return ((bits >> 11) + 0.5) * 1.1102230246251565e-16  # 2 ** -53


def lognormal_of(bits: int, median: float, sigma: float) -> float:
    """A draw from a log-normal distribution."""
    return median * math.exp(sigma * _NORMAL.inv_cdf(uniform_of(bits)))


class Dice:
    """A cheap stream of numbers from one seed, for the many small choices inside one request."""

    __slots__ = ("_state",)

    def __init__(self, seed: int) -> None:
        self._state = seed & _MASK

    def bits(self) -> int:
        """The next 64 bits."""
        self._state = (self._state + _GAMMA) & _MASK
        value = self._state
        value = ((value ^ (value >> 30)) * _MIX_1) & _MASK
        value = ((value ^ (value >> 27)) * _MIX_2) & _MASK
        return value ^ (value >> 31)

    def uniform(self) -> float:
        """The next number in (0, 1)."""
        return uniform_of(self.bits())
