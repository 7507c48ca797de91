"""When two things that runs show are the same: ids and times do not count, numbers may differ a little.

Everything here is symmetric: what is the same one way round is the same the other way round.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal, TypeAlias

from autodevops.runbooks.contents import Table

TOLERANCE = 0.01  # of the larger of two numbers

Kind = Literal["appeared", "went", "changed"]
Key: TypeAlias = tuple[str, ...]

_TIME = r"\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?"
_MOMENT = rf"(?:\d{{4}}-\d\d-\d\d(?:[T ]{_TIME}(?:Z|[+-]\d\d:?\d\d)?)?|\b{_TIME}\b)(?: UTC\b)?"
_RUN = r"\b\d{8}T\d{9}Z-[0-9a-f]{6}\b"
_ADDRESS = r"\b0x[0-9a-fA-F]{6,16}\b"
_UUID = r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"
_EVIDENCE = r"\b(?:ev|inv)-[0-9a-f]{10,12}\b"
# Digests, trace and span ids by their lengths. A commit's 40 characters say something: those stay.
_HEX = r"\b(?=[0-9a-f]*[a-f])(?=[0-9a-f]*\d)(?:[0-9a-f]{64}|[0-9a-f]{32}|[0-9a-f]{16}|[0-9a-f]{12})\b"
_KINDS = {"run": _RUN, "id": _UUID, "moment": _MOMENT, "address": _ADDRESS, "evidence": _EVIDENCE, "digest": _HEX}
_VOLATILE = re.compile("|".join(f"(?P<{name}>{pattern})" for name, pattern in _KINDS.items()))
_NUMBER = re.compile(r"([-+]?(?:\d{1,3}(?:,\d{3})+|\d+)?(?:\.\d+)?(?:[eE][-+]?\d{1,3})?)\s*([%a-zA-Zµ/{}]*)")
_INSIDE = re.compile(r"(?<![\w.])[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d{1,3})?(?![\w.]*\.\d)")
_OWN_TIME = {"took", "elapsed"}  # columns in which a runbook says how long it took itself


@dataclass(frozen=True)
class CellChange:
    """One difference between two tables. `column` is empty for a whole row, `row` for a whole column."""

    change: Kind
    row: str
    column: str
    before: str = ""
    after: str = ""


def settled(text: str) -> str:
    """`text` with what differs from run to run by its nature replaced by its name."""
    return _VOLATILE.sub(lambda found: f"<{found.lastgroup}>", text)


def number(text: str) -> tuple[float, str] | None:
    """A number and its unit, `1,024.5 MiB` or `93%`; None for anything else."""
    found = _NUMBER.fullmatch(text.strip())
    if not found or not any(char.isdigit() for char in found[1]):
        return None
    return float(found[1].replace(",", "")), found[2]


def same_number(one: float, other: float, tolerance: float = TOLERANCE) -> bool:
    return one == other or abs(one - other) <= tolerance * max(abs(one), abs(other))


def relative(before: float, after: float) -> float | None:
    """The change as a share of what was; None from nothing."""
    return (after - before) / abs(before) if before else None


def same_text(one: str, other: str, tolerance: float = TOLERANCE) -> bool:
    """Whether two texts say the same but for ids, times and small differences of numbers in them."""
    first, second = settled(one), settled(other)
    if first == second:
        return True
    pieces = [_INSIDE.split(text) for text in (first, second)]
    numbers = [[float(found) for found in _INSIDE.findall(text)] for text in (first, second)]
    return pieces[0] == pieces[1] and all(
        same_number(a, b, tolerance) for a, b in zip(numbers[0], numbers[1], strict=True)
    )


def same_value(one: str, other: str, tolerance: float = TOLERANCE) -> bool:
    """Of two cells of a table."""
    first, second = number(one), number(other)
    if first and second and first[1] == second[1]:
        return same_number(first[0], second[0], tolerance)
    return same_text(one, other, tolerance)


def compare_tables(before: Table, after: Table, tolerance: float = TOLERANCE) -> Iterator[CellChange]:
    """Row by row, rows known again by their key and not by their place."""
    for name in after.columns:
        if name not in before.columns:
            yield CellChange("appeared", "", name)
    for name in before.columns:
        if name not in after.columns:
            yield CellChange("went", "", name)
    shared = [name for name in before.columns if name in after.columns]
    key = key_columns(before, after)
    first, second = _by_key(before, key), _by_key(after, key)
    for place, row in first.items():
        if place not in second:
            yield CellChange("went", _told(place), "", before=_line(row))
            continue
        other = second[place]
        for name in shared:
            if name.lower() not in _OWN_TIME and not same_value(row[name], other[name], tolerance):
                yield CellChange("changed", _told(place), name, row[name], other[name])
    for place, row in second.items():
        if place not in first:
            yield CellChange("appeared", _told(place), "", after=_line(row))


def key_columns(before: Table, after: Table) -> tuple[str, ...]:
    """The columns that say which row is which: words that come once in each table, and in both as often as may be.

    One column if one will do, else two, else all that hold words: then equal rows are numbered.
    """
    shared = [name for name in before.columns if name in after.columns]
    words = [name for name in shared if _has_words(before, name) or _has_words(after, name)]
    words = [name for name in words if not _is_numeric(before, name) and not _is_numeric(after, name)]
    for size in (1, 2):
        best: tuple[int, int, tuple[str, ...]] | None = None
        for names in combinations(words, size):
            keys = [[_key(table, row, names) for row in table.rows] for table in (before, after)]
            if any(len(set(one)) < len(one) for one in keys):
                continue
            common = len(set(keys[0]) & set(keys[1]))
            place = sum(table.columns.index(name) for table in (before, after) for name in names)
            if best is None or (-common, place) < best[:2]:
                best = (-common, place, names)
        if best is not None:
            return best[2]
    return tuple(words)


def _by_key(table: Table, names: tuple[str, ...]) -> dict[Key, dict[str, str]]:
    """Rows by their key; those with one key are numbered in an order that does not depend on their places."""
    seen: Counter[Key] = Counter()
    found = {}
    for row in sorted(table.rows, key=lambda row: [_ordered(value) for value in row]) if names else table.rows:
        key = _key(table, row, names)
        seen[key] += 1
        found[(*key, str(seen[key])) if seen[key] > 1 or not names else key] = dict(
            zip(table.columns, row, strict=True)
        )
    return found


def _ordered(value: str) -> tuple[float, str]:
    found = number(value)
    return (found[0], "") if found else (float("-inf"), settled(value))


def _key(table: Table, row: Sequence[str], names: tuple[str, ...]) -> Key:
    return tuple(settled(row[table.columns.index(name)]) for name in names)


def _has_words(table: Table, name: str) -> bool:
    """Whether something in the column is more than a number, an id or a time."""
    place = table.columns.index(name)
    return any(re.search(r"[^\W\d_]", re.sub(r"<\w+>", "", settled(row[place]))) for row in table.rows)


def _is_numeric(table: Table, name: str) -> bool:
    place = table.columns.index(name)
    return bool(table.rows) and all(number(row[place]) or not row[place] for row in table.rows)


def _told(key: Key) -> str:
    return " · ".join(key)


def _line(row: dict[str, str]) -> str:
    return " | ".join(value for value in row.values() if value)
