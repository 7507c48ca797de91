"""What an edit does on balance: lines it gains and loses, numbers it turns up or down, names it gives anew.

Lines that speak of the same on both sides with the same values are a move, not a change; so is what one file of a
change loses and another gains.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from autodevops.analysis.diffs import Edit, canonical
from autodevops.analysis.mechanisms import MECHANISMS, Mechanism

_TIMES = 1.5  # how much a number must change to matter: capacity is planned with more room than that
_UNITS: Final = {
    "nanosecond": 1e-9, "ns": 1e-9, "microsecond": 1e-6, "us": 1e-6, "millisecond": 1e-3, "ms": 1e-3, "milli": 1e-3,
    "ki": 2.0**10, "mi": 2.0**20, "gi": 2.0**30, "k": 1e3, "kb": 1e3, "mb": 1e6, "g": 1e9, "gb": 1e9,
    "second": 1.0, "s": 1.0, "sec": 1.0, "minute": 60.0, "m": 60.0, "min": 60.0, "hour": 3600.0, "h": 3600.0,
}  # fmt: skip
_NUMBER = re.compile(
    r"(?<![\w.])(\d[\d_]*(?:\.\d+)?)(?:\s*\*?\s*(?:time\.)?(?:duration\.)?"
    r"(nanosecond|microsecond|millisecond|milli|second|minute|hour|[KMG]i|[KMG]b|ns|us|ms|sec|min|s|m|h|k|g)s?\b)?",
    re.IGNORECASE,
)
_CORES = re.compile(r"\bcpu\b", re.IGNORECASE)


@dataclass(frozen=True)
class Match:
    mechanism: Mechanism
    edit: Edit


def matches(signs: str, edits: Iterable[Edit]) -> tuple[Match, ...]:
    """The mechanisms by which the edits can make what `signs` tell of, each once with the first edit that does."""
    found: dict[str, Match] = {}
    edits = tuple(edits)
    for mechanism in _told(signs):
        if mechanism.name in found:
            continue
        for edit in edits:
            fits = edit.kind == "dependency" if mechanism.name == "dependency" else edit.kind != "dependency"
            if fits and _does(mechanism, edit) and not _moved(mechanism, edit, edits):
                found[mechanism.name] = Match(mechanism, edit)
                break
    return tuple(found.values())


@lru_cache(maxsize=32)  # each change that may be to blame is held against the same signs
def _told(signs: str) -> tuple[Mechanism, ...]:
    """The mechanisms that may be at work by what is said."""
    lowered = signs.lower()
    return tuple(mechanism for mechanism in MECHANISMS if mechanism.sign.search(lowered))


def _moved(mechanism: Mechanism, edit: Edit, edits: Sequence[Edit]) -> bool:
    """Whether what one file loses another one of the same change gains, or the other way round: a helper moved."""
    own, total = _gained(mechanism, (edit,)), _gained(mechanism, edits)
    return own != 0 and own * total <= 0


def _gained(mechanism: Mechanism, edits: Iterable[Edit]) -> int:
    return sum(
        sum(len(mechanism.edit.findall(line)) for line in edit.added)
        - sum(len(mechanism.edit.findall(line)) for line in edit.removed)
        for edit in edits
    )


def _does(mechanism: Mechanism, edit: Edit) -> bool:
    removed = [line for line in edit.removed if mechanism.edit.search(line)]
    added = [line for line in edit.added if mechanism.edit.search(line)]
    before, after = (sum(len(mechanism.edit.findall(line)) for line in lines) for lines in (removed, added))
    if mechanism.side == "dropped":
        return before > after
    if mechanism.side == "introduced":
        return after > before
    if mechanism.side in ("raised", "lowered"):
        return values_moved(removed, added, up=mechanism.side == "raised")
    if mechanism.side == "exchanged":
        return _words_of(mechanism, removed) != _words_of(mechanism, added) or values_differ(removed, added)
    if mechanism.side == "value" or (before and after):
        return bool(removed and added) and (
            mechanism.name == "dependency"
            or values_differ(removed, added)
            or names_differ(removed, added, edit.kind == "config")
        )
    return before != after


def _words_of(mechanism: Mechanism, lines: Iterable[str]) -> frozenset[str]:
    return frozenset(canonical(found[0]) for line in lines for found in mechanism.edit.finditer(line))


def values_differ(removed: Iterable[str], added: Iterable[str]) -> bool:
    """Whether a number changed so much that it matters, units taken into account, or a constant to its like."""
    removed, added = list(removed), list(added)
    return _likes_differ(removed, added) or any(
        max(a, b) >= _TIMES * max(1e-12, min(a, b)) for a, b in _pairs(removed, added)
    )


_LIKE = re.compile(r"\b([A-Za-z_]{2,40})(\d{1,4}(?:_\d)?)\b")


def _likes_differ(removed: Iterable[str], added: Iterable[str]) -> bool:
    """Whether a name gave way to one that differs in its number: `TLS12` and `TLS13`, `int64` and `int32`."""
    before, after = (Counter(found for line in side for found in _LIKE.findall(line)) for side in (removed, added))
    old, new = ({stem for stem, _ in side} for side in (before - after, after - before))
    return bool(old & new)


def values_moved(removed: Iterable[str], added: Iterable[str], *, up: bool) -> bool:
    """Whether a number was raised, or lowered, so much that it matters."""
    pairs = _pairs(removed, added)
    return any((b >= _TIMES * max(1e-12, a)) if up else (a >= _TIMES * max(1e-12, b)) for a, b in pairs)


def _pairs(removed: Iterable[str], added: Iterable[str]) -> list[tuple[float, float]]:
    """Numbers that only one side has, the smallest with the smallest."""
    before, after = Counter(_numbers(removed)), Counter(_numbers(added))
    old, new = sorted((before - after).elements()), sorted((after - before).elements())
    return list(zip(old, new, strict=False))


_QUOTED = re.compile(r"`([^`]{2,})`|\"([^\"]{2,})\"|'([^']{2,})'|\b([A-Z][A-Z0-9_]{3,})\b|(?<!\w)(/[\w./-]{2,})")
_SETTING = re.compile(r"[:=]\s*([A-Za-z_][\w./:-]+)$", re.MULTILINE)


def names_differ(removed: list[str], added: list[str], settings: bool) -> bool:
    """Whether a quoted name, a path or a word in capitals changed; in settings, any value that is a word."""

    def named(lines: list[str]) -> Counter[str]:
        found = Counter("".join(parts) for line in lines for parts in _QUOTED.findall(line))
        return found + Counter(_SETTING.findall("\n".join(lines))) if settings else found

    before, after = named(removed), named(added)
    return bool(before - after) and bool(after - before)


def _numbers(lines: Iterable[str]) -> Iterable[float]:
    for line in lines:
        millicores = _CORES.search(line) is not None
        for number, unit in _NUMBER.findall(line):
            factor = 1e-3 if millicores and unit == "m" else _UNITS.get(unit.lower(), 1.0)
            yield float(number.replace("_", "")) * factor
