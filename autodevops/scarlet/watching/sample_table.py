"""The last samples of many series on one grid of time: only new ones are asked for, what falls out at the far end is
forgotten. A restart asks for all of them again; what a system did not answer stays a gap.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from autodevops.domain.series import Series

Table: TypeAlias = npt.NDArray[np.float32]
RowKey: TypeAlias = tuple[str, ...]

STEP: Final = 30  # seconds
COLUMNS: Final = 240  # two hours
OVERLAP: Final = 2  # samples that are asked for again: scrapes come late
_ROOM: Final = 64


class SampleTable:
    """A row a series, a column a moment; `end` is the time of the last column. `kinds` share rows and grid."""

    def __init__(self, kinds: Iterable[str], columns: int = COLUMNS) -> None:
        self.columns = columns
        self.keys: list[RowKey] = []
        self.end = 0  # unix seconds; 0: empty
        self._row: dict[RowKey, int] = {}
        self._values: dict[str, Table] = {kind: np.full((_ROOM, columns), np.nan, np.float32) for kind in kinds}

    def of(self, kind: str) -> Table:
        return self._values[kind][: len(self.keys)]

    def row(self, key: RowKey) -> int | None:
        return self._row.get(key)

    def times(self) -> npt.NDArray[np.float64]:
        return self.end - STEP * np.arange(self.columns - 1, -1, -1, dtype=np.float64)

    def due(self, now: datetime) -> tuple[int, int]:
        """First and last moment to be asked for."""
        end = math.floor(now.timestamp() / STEP) * STEP
        oldest = end - STEP * (self.columns - 1)
        return (max(oldest, self.end - STEP * (OVERLAP - 1)) if self.end else oldest), end

    def advance(self, end: int) -> None:
        """Make `end` the last column; what is new are gaps until it is filled."""
        by = min(self.columns, max(0, (end - self.end) // STEP)) if self.end else 0
        self.end = max(end, self.end)
        for values in self._values.values():
            if by:
                values[:, : self.columns - by] = values[:, by:]
                values[:, self.columns - by :] = np.nan

    def fill(self, kind: str, labels: tuple[str, ...], lines: Iterable[Series]) -> None:
        """Samples that are not on the grid, or older than it, are passed over."""
        for line in lines:
            row = self._of(tuple(line.labels.get(label, "") for label in labels))
            values = self._values[kind]
            for at, value in line.samples:
                back, off = divmod(self.end - at, STEP)
                if off == 0 and 0 <= back < self.columns:
                    values[row, self.columns - 1 - int(back)] = np.nan if value is None else value

    def forget_the_gone(self) -> None:
        """Rows without a sample in all that is kept."""
        kept = np.zeros(len(self.keys), dtype=np.bool_)
        for kind in self._values:
            kept |= np.isfinite(self.of(kind)).any(axis=1)
        if kept.all():
            return
        room = max(_ROOM, int(kept.sum()))
        for kind in self._values:
            values = np.full((room, self.columns), np.nan, np.float32)
            values[: kept.sum()] = self.of(kind)[kept]
            self._values[kind] = values
        self.keys = [key for key, there in zip(self.keys, kept, strict=True) if there]
        self._row = {key: row for row, key in enumerate(self.keys)}

    def _of(self, key: RowKey) -> int:
        row = self._row.get(key)
        if row is None:
            row = self._row[key] = len(self.keys)
            self.keys.append(key)
            for kind, values in self._values.items():
                if row >= len(values):
                    self._values[kind] = np.concatenate([values, np.full_like(values, np.nan)])
        return row


def moment(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)
