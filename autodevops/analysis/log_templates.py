"""Error lines grouped by what was written, in a window and in the quiet time before it.

Lines that speak of no error are left out; so are those that only say that there is none. What has no severity counts
where it speaks of an error that is known (log_taxonomy) or names an exception.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from autodevops.analysis.log_folding import fold_records
from autodevops.analysis.log_lines import LogLine, denies_errors, read
from autodevops.analysis.log_mining import mine
from autodevops.analysis.log_taxonomy import categorise
from autodevops.domain.logs import LogRecord

Sourced: TypeAlias = tuple[str, LogRecord]


@dataclass(frozen=True)
class TemplateGroup:
    """Lines of one source with one template and of one kind; the oldest is the example."""

    source: str
    template: str
    moments: tuple[datetime, ...]  # of all of them, in order
    example: LogLine
    record: LogRecord
    category: str  # of the taxonomy, empty where none fits
    repeated: int  # how often the most frequent wording of it occurs, variables included
    before: int = 0  # lines of it in the time before

    @property
    def count(self) -> int:
        return len(self.moments)

    @property
    def first_at(self) -> datetime:
        return self.moments[0]

    @property
    def last_at(self) -> datetime:
        return self.moments[-1]

    @property
    def exception(self) -> str:
        return self.example.exception


@dataclass(frozen=True)
class _Seen:
    record: LogRecord
    line: LogLine
    category: str
    text: str


def group(records: Iterable[Sourced], earlier: Iterable[Sourced] = ()) -> tuple[TemplateGroup, ...]:
    """Error lines of `records` by source, template and kind, most frequent first, counted in `earlier` too.

    Sources do not know each other's lines: a template follows from the lines of its own source alone.
    """
    now, old = _by_source(records), _by_source(earlier)
    groups = [found for source, seen in now.items() for found in _groups(source, seen, old.get(source, []))]
    return tuple(sorted(groups, key=lambda g: (-g.count, g.source, g.template, g.category)))


def is_failure(line: LogLine) -> bool:
    """Whether something went wrong: by the severity, or by the words of a line that has none or only warns."""
    if line.is_error:
        return True
    if line.level in {"info", "debug"}:
        return False
    return bool(line.exception or kind_of(line)) and not denies_errors(line.message)


def _by_source(records: Iterable[Sourced]) -> dict[str, list[_Seen]]:
    streams: dict[str, list[LogRecord]] = defaultdict(list)
    for source, record in records:
        streams[source].append(record)
    found: dict[str, list[_Seen]] = {}
    for source, lines in streams.items():
        for record in fold_records(lines):
            line = read(record)
            if is_failure(line):
                text = f"{line.exception}: {line.message}" if line.exception else line.message
                found.setdefault(source, []).append(_Seen(record, line, kind_of(line), text))
    return found


def kind_of(line: LogLine) -> str:
    """The kind of error of a line; the innermost cause of a stack trace tells better than what was made of it.

    What else was raised on the way is asked where neither says anything that is known.
    """
    texts = (line.raised if line.exception else "", line.words, *line.others)
    return next((kind for text in texts if text and (kind := categorise(text))), "")


def _groups(source: str, seen: list[_Seen], before: list[_Seen]) -> list[TemplateGroup]:
    templates, places = mine(each.text for each in (*seen, *before))
    members: dict[tuple[str, str], list[_Seen]] = defaultdict(list)
    earlier: dict[tuple[str, str], int] = defaultdict(int)
    for number, (each, place) in enumerate(zip((*seen, *before), places, strict=True)):
        key = templates[place].text, each.category
        if number < len(seen):
            members[key].append(each)
        else:
            earlier[key] += 1
    return [_group(source, template, found, earlier[template, kind]) for (template, kind), found in members.items()]


def _group(source: str, template: str, members: list[_Seen], before: int) -> TemplateGroup:
    first = min(members, key=lambda seen: (seen.record.timestamp, seen.record.body))
    wordings = Counter(seen.line.words for seen in members)
    return TemplateGroup(
        source=source,
        template=template,
        moments=tuple(sorted(seen.record.timestamp for seen in members)),
        example=first.line,
        record=first.record,
        category=first.category,
        repeated=max(wordings.values()),
        before=before,
    )
