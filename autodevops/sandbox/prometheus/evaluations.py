"""What the expressions of rules were at each of their instants: evaluated once, as nothing in the past ever changes.

A rule's past is kept in half hours. What is missing of a stretch that is asked for is evaluated as few range queries
over all instants at once; the last half hour grows by the instants that have passed since. When an alert began, and
whether it fires, is for `rules` to say.
"""

from __future__ import annotations

import threading
from collections import OrderedDict, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from autodevops.sandbox.promql.engine import range_query
from autodevops.sandbox.promql.labels import Labels, without_name
from autodevops.sandbox.promql.values import Floats, Mask, Millis, SeriesSource

_PART_MS = 1_800_000
_AT_ONCE = 12  # parts in one query: some rules look at thousands of series
_KEPT = 8192  # parts, nearly all of them empty: eight rules over ten days


@dataclass(frozen=True)
class Evaluated:
    """An expression at `times`: `values` and `present` have shape (len(labels), times)."""

    times: Millis
    labels: tuple[Labels, ...]
    values: Floats
    present: Mask

    def between(self, start: int, end: int) -> Evaluated:
        """The instants in [start, end], and the rows there at any of them."""
        columns = slice(*self.times.searchsorted([start, end + 1]).tolist())
        present = self.present[:, columns]
        rows = np.flatnonzero(present.any(axis=1))
        labels = tuple(self.labels[row] for row in rows.tolist())
        return Evaluated(self.times[columns], labels, self.values[rows, columns], present[rows])


class Evaluations:
    """Evaluated expressions over one source; thread-safe. Ask for no instant that is still to come."""

    def __init__(self, source: SeriesSource) -> None:
        self._source = source
        self._kept: OrderedDict[tuple[str, int, int], Evaluated] = OrderedDict()
        self._lock = threading.Lock()
        self._evaluating: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)

    def of(self, expression: str, interval: int, start: int, end: int) -> Evaluated:
        """The expression at the multiples of `interval` (ms) in [start, end]."""
        if end < start:
            return _joined([])
        with self._lock:
            evaluating = self._evaluating[expression]
        found: list[Evaluated] = []
        numbers = range(start // _PART_MS, end // _PART_MS + 1)
        for first in range(0, len(numbers), _AT_ONCE):
            with evaluating:
                found += self._parts(expression, interval, numbers[first : first + _AT_ONCE], end)
        return _joined(found).between(start, end)

    def _parts(self, expression: str, interval: int, numbers: range, end: int) -> Iterator[Evaluated]:
        """These half hours, each at least until `end`."""
        found = [self._get(expression, interval, number) for number in numbers]
        owed = [
            _instants(number, interval, end)[len(part.times) :] for number, part in zip(numbers, found, strict=True)
        ]
        missing = np.concatenate(owed)
        if len(missing):
            # What is known in between is evaluated once more: it is rarely asked for with gaps.
            fresh = self._evaluate(expression, interval, int(missing[0]), int(missing[-1]))
            for index, (number, times) in enumerate(zip(numbers, owed, strict=True)):
                if len(times):
                    found[index] = _joined([found[index], fresh.between(int(times[0]), int(times[-1]))])
                    self._put(expression, interval, number, found[index])
        yield from found

    def _evaluate(self, expression: str, interval: int, first: int, last: int) -> Evaluated:
        times = np.arange(first, last + 1, interval, dtype=np.int64)
        result = range_query(expression, self._source, first, last, interval)
        values = np.zeros((len(result.series), len(times)))
        present = np.zeros(values.shape, dtype=bool)
        for row, series in enumerate(result.series):
            columns = (series.times - first) // interval
            values[row, columns] = series.values
            present[row, columns] = True
        return Evaluated(times, tuple(without_name(series.labels) for series in result.series), values, present)

    def _get(self, expression: str, interval: int, number: int) -> Evaluated:
        with self._lock:
            key = (expression, interval, number)
            if key not in self._kept:
                return _joined([])
            self._kept.move_to_end(key)
            return self._kept[key]

    def _put(self, expression: str, interval: int, number: int, part: Evaluated) -> None:
        with self._lock:
            self._kept[expression, interval, number] = part
            self._kept.move_to_end((expression, interval, number))
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)


def _instants(number: int, interval: int, end: int) -> Millis:
    """The instants of a half hour, none later than `end`."""
    first = -(-number * _PART_MS // interval) * interval
    return np.arange(first, min((number + 1) * _PART_MS, end + 1), interval, dtype=np.int64)


def _joined(parts: list[Evaluated]) -> Evaluated:
    """Parts in order of time as one."""
    times = np.concatenate([part.times for part in parts]) if parts else np.zeros(0, dtype=np.int64)
    rows: dict[Labels, int] = {}
    for part in parts:
        for labels in part.labels:
            rows.setdefault(labels, len(rows))
    values, present = np.zeros((len(rows), len(times))), np.zeros((len(rows), len(times)), dtype=bool)
    first = 0
    for part in parts:
        columns = slice(first, first := first + len(part.times))
        chosen = [rows[labels] for labels in part.labels]
        values[chosen, columns], present[chosen, columns] = part.values, part.present
    return Evaluated(times, tuple(rows), values, present)
