"""What selected cells or a variable hold that a question may be about: names, times, trace ids, errors.

The text is data that somebody else may have written (a log, a table): it is searched for names that exist, never
read for wishes, and never near to a name.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from autodevops.analysis.log_lines import read_text
from autodevops.domain.window import TimeWindow
from autodevops.jamie.names import words_of

LONGEST = 200_000  # characters read; a longer selection is a file, not a pointer to something
AROUND = timedelta(minutes=15)  # before the first and after the last time in it
_MOST_TIMES = 2000
_LONGEST_SPAN = timedelta(days=6)  # times farther apart are no one window

_TIME = re.compile(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?")
_TRACE = re.compile(r"(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])")
_ERROR = re.compile(r"(?i)\b(error|exception|fatal|panic|failed|refused|timed? ?out|denied|oomkilled|killed)\b")


@dataclass(frozen=True)
class Selected:
    words: tuple[str, ...] = ()
    window: TimeWindow | None = None
    traces: tuple[str, ...] = ()
    error: str = ""  # the first line that says that something failed

    def most_named(self, names: Collection[str]) -> str:
        """The name that occurs most often, itself or in front of a pod's suffix; of equal ones the first."""
        known = set(names)
        found: Counter[str] = Counter()
        for word in self.words:
            if word in known:
                found[word] += 1
                continue
            parts = word.split("-")
            for size in range(len(parts) - 1, 0, -1):
                if "-".join(parts[:size]) in known:
                    found["-".join(parts[:size])] += 1
                    break
        return found.most_common(1)[0][0] if found else ""


def read_selection(text: str, now: datetime) -> Selected:
    text = text[:LONGEST]
    if not text.strip():
        return Selected()
    times = [moment for found in list(_TIME.finditer(text))[:_MOST_TIMES] if (moment := _moment(found[0])) is not None]
    times = [moment for moment in times if moment <= now]
    window = None
    if times and max(times) - min(times) <= _LONGEST_SPAN:
        window = TimeWindow(start=min(times) - AROUND, end=min(max(times) + AROUND, now))
    error = next((line.strip() for line in text.splitlines() if _ERROR.search(line)), "")
    return Selected(
        words=tuple(words_of(text)),
        window=window,
        traces=tuple(dict.fromkeys(_TRACE.findall(text.lower()))),
        error=(read_text(error).words if error else "")[:500],
    )


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text.replace(",", "."))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
