"""Scraped series in pieces of half an hour, kept while there is room: the same windows are asked for again and again.

A piece is what one target answered in its half hour, of some families. What has been scraped stays as it is, so a piece
is good for ever once its half hour is over, and grows at its end before that.
"""

from __future__ import annotations

import threading
from collections import OrderedDict, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from autodevops.sandbox.promql.labels import Labels
from autodevops.sandbox.promql.values import Floats, Mask, Millis

PIECE_MS = 1_800_000
_ROOM_BYTES = 64 * 2**20


@dataclass(frozen=True)
class Series:
    """Series of one metric name with samples at the same times; `values` has shape (len(labels), times)."""

    labels: tuple[Labels, ...]
    values: Floats
    present: Mask


@dataclass(frozen=True)
class Piece:
    """What one target answered at `times`, by metric name; a name it was asked for and does not have has no series."""

    times: Millis
    series: Mapping[str, tuple[Series, ...]]

    @property
    def size(self) -> int:
        arrays = (one.values.nbytes + one.present.nbytes for found in self.series.values() for one in found)
        return sum(arrays) + self.times.nbytes


Address = tuple[str, str, str]
"""Job, instance and subject of a target."""


class Pieces:
    """Pieces in order of last use, by target, names and number of the half hour; thread-safe."""

    def __init__(self, room: int = _ROOM_BYTES) -> None:
        self._room = room
        self._used = 0
        self._kept: OrderedDict[tuple[Address, frozenset[str], int], tuple[Piece, int]] = OrderedDict()
        self._lock = threading.Lock()
        self._reading: defaultdict[Address, threading.Lock] = defaultdict(threading.Lock)

    def reading(self, address: Address) -> threading.Lock:
        """Held by who reads this target: two requests for the same samples shall not both make them."""
        with self._lock:
            return self._reading[address]

    def get(self, address: Address, names: frozenset[str], number: int) -> Piece | None:
        with self._lock:
            found = self._kept.get((address, names, number))
            if found is None:
                return None
            self._kept.move_to_end((address, names, number))
            return found[0]

    def put(self, address: Address, names: frozenset[str], number: int, piece: Piece) -> None:
        size = piece.size
        with self._lock:
            _, before = self._kept.pop((address, names, number), (None, 0))
            self._kept[address, names, number] = (piece, size)
            self._used += size - before
            while self._used > self._room and len(self._kept) > 1:
                self._used -= self._kept.popitem(last=False)[1][1]


def split(piece: Piece, first: int, last: int) -> dict[int, Piece]:
    """A longer stretch as its half hours `first` to `last`, each with arrays of its own."""
    if first == last:
        return {first: piece}
    bounds = np.searchsorted(piece.times, np.arange(first, last + 2) * PIECE_MS).tolist()

    def cut(one: Series, begin: int, end: int) -> Series:
        return Series(one.labels, one.values[:, begin:end].copy(), one.present[begin:end].copy())

    return {
        number: Piece(
            piece.times[begin:end],
            {name: tuple(cut(one, begin, end) for one in found) for name, found in piece.series.items()},
        )
        for number, begin, end in zip(range(first, last + 1), bounds, bounds[1:], strict=False)
    }


def joined(pieces: Sequence[Piece], names: Iterable[str]) -> Piece:
    """Some names of the pieces of one target, in order, as one; series that some piece lacks are absent there."""
    if len(pieces) == 1:
        return Piece(pieces[0].times, {name: pieces[0].series[name] for name in names})
    times = np.concatenate([piece.times for piece in pieces])
    return Piece(times, {name: _joined(pieces, name, len(times)) for name in names})


def _joined(pieces: Sequence[Piece], name: str, width: int) -> tuple[Series, ...]:
    parts = [piece.series[name] for piece in pieces]
    labels = [one.labels for one in parts[0]]
    if all([one.labels for one in part] == labels for part in parts[1:]):  # nearly always
        return tuple(
            Series(
                alike[0].labels,
                np.concatenate([one.values for one in alike], axis=1),
                np.concatenate([one.present for one in alike]),
            )
            for alike in zip(*parts, strict=True)
        )
    found: dict[tuple[Labels, ...], Series] = {}
    first = 0
    for piece in pieces:
        last = first + len(piece.times)
        for one in piece.series[name]:
            if one.labels not in found:
                empty = np.zeros((len(one.labels), width))
                found[one.labels] = Series(one.labels, empty, np.zeros(width, dtype=bool))
            found[one.labels].values[:, first:last] = one.values
            found[one.labels].present[first:last] = one.present
        first = last
    return tuple(found.values())
