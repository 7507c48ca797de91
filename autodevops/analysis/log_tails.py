"""The tail of one container's log: which errors it tells of, and which of them is the last.

A tail has no times and no quiet hour to compare with; what stands at its end, and how often it is said, is all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from autodevops.analysis.log_folding import fold
from autodevops.analysis.log_lines import LogLine, read_text
from autodevops.analysis.log_mining import mine
from autodevops.analysis.log_templates import is_failure, kind_of


@dataclass(frozen=True)
class TailError:
    """One kind of error of a tail, by its last line. `repeated` is the count of its most frequent wording."""

    kind: str  # of the taxonomy, or empty
    line: LogLine
    count: int
    last: int  # records that follow its last line
    repeated: int


def errors_in(lines: Sequence[str]) -> tuple[TailError, ...]:
    """The errors of a tail by kind and template, the last first."""
    records = [read_text(record) for record in fold(lines)]
    failures = [(number, line) for number, line in enumerate(records) if is_failure(line)]
    _, places = mine(line.message for _, line in failures)
    found: dict[tuple[str, int], TailError] = {}
    wordings: dict[tuple[str, int], dict[str, int]] = {}
    for (number, line), place in zip(failures, places, strict=True):
        kind = kind_of(line)
        key = kind, -1 if kind else place
        counts = wordings.setdefault(key, {})
        counts[line.words] = counts.get(line.words, 0) + 1
        before = found.get(key)
        found[key] = TailError(
            kind, line, (before.count if before else 0) + 1, len(records) - 1 - number, max(counts.values())
        )
    return tuple(sorted(found.values(), key=lambda error: (error.last, error.kind)))


def last_line(lines: Sequence[str]) -> LogLine | None:
    """The last record, whatever it says; None where there is none."""
    records = fold(lines)
    return read_text(records[-1]) if records else None
