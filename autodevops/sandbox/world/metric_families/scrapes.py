"""Scraped series in pieces of half an hour, kept while there is room: the same windows are asked for again and again.

A piece is everything one target answered in its half hour. It follows from the world's version, so that an action
makes new ones; what lies in the past comes out the same.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from autodevops.sandbox.promql.labels import Labels
from autodevops.sandbox.promql.values import Floats, Mask, Millis

PIECE_MS = 1_800_000
_ROOM_BYTES = 64 * 2**20


@dataclass(frozen=True)
class Series:
    """Series of one metric name with samples at the same times; `values` has shape (len(labels), times)."""

    name: str
    labels: tuple[Labels, ...]
    values: Floats
    present: Mask


@dataclass(frozen=True)
class Piece:
    """What one target answered at `times`."""

    times: Millis
    series: tuple[Series, ...]

    @property
    def size(self) -> int:
        return sum(one.values.nbytes + one.present.nbytes for one in self.series) + self.times.nbytes


Key = tuple[int, str, str, int]
"""World version, job, target address and subject, number of the half hour."""


class Pieces:
    """Pieces in order of last use; thread-safe."""

    def __init__(self, room: int = _ROOM_BYTES) -> None:
        self._room = room
        self._used = 0
        self._kept: OrderedDict[Key, Piece] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Key) -> Piece | None:
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
            return found

    def put(self, key: Key, piece: Piece) -> None:
        with self._lock:
            if key not in self._kept:
                self._kept[key] = piece
                self._used += piece.size
            while self._used > self._room and len(self._kept) > 1:
                self._used -= self._kept.popitem(last=False)[1].size


def split(piece: Piece, first: int, last: int) -> dict[int, Piece]:
    """A longer stretch as its half hours `first` to `last`, each with arrays of its own."""
    bounds = np.searchsorted(piece.times, np.arange(first, last + 2) * PIECE_MS).tolist()
    found = {}
    for number, begin, end in zip(range(first, last + 1), bounds, bounds[1:], strict=False):
        series = tuple(
            Series(one.name, one.labels, one.values[:, begin:end].copy(), one.present[begin:end].copy())
            for one in piece.series
        )
        found[number] = Piece(piece.times[begin:end], series)
    return found


def joined(pieces: Sequence[Piece], wanted: Callable[[str], bool]) -> Piece:
    """The pieces of one target, in order, as one; series that some piece lacks are absent there."""
    if len(pieces) == 1:
        return Piece(pieces[0].times, tuple(one for one in pieces[0].series if wanted(one.name)))
    times = np.concatenate([piece.times for piece in pieces])
    bounds = np.cumsum([0, *(len(piece.times) for piece in pieces)])
    found: dict[tuple[str, tuple[Labels, ...]], Series] = {}
    for piece, first, last in zip(pieces, bounds, bounds[1:], strict=False):
        for one in piece.series:
            if not wanted(one.name):
                continue
            key = (one.name, one.labels)
            if key not in found:
                shape = (len(one.labels), len(times))
                found[key] = Series(one.name, one.labels, np.zeros(shape), np.zeros(len(times), dtype=bool))
            found[key].values[:, first:last] = one.values
            found[key].present[first:last] = one.present
    return Piece(times, tuple(found.values()))
