"""Which statement a database spends its time on. Shared by the rules over databases."""

from __future__ import annotations

from dataclasses import dataclass

from autodevops.domain.subject import Subject
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.stores import now


@dataclass(frozen=True)
class Statement:
    """`sessions` is how many sessions run it at a time on average; `share` that of all statements' time."""

    name: str
    sessions: float
    share: float


def heaviest(subject: Subject, picture: Picture) -> Statement | None:
    """The statement with most time now, by pg_stat_statements: a second of execution a second is one session."""
    found = [
        (value, str(reading.labels.get("query") or f"statement {reading.labels.get('queryid', '?')}"))
        for reading in picture.readings
        if reading.subject == subject and reading.measure == "statement_seconds"
        if (value := now(reading, picture)) is not None
    ]
    # Each is asked for while it is among the largest, so that what is not there now is small.
    total = sum(value for value, _ in found)
    if not found or total <= 0:
        return None
    value, name = max(found)
    return Statement(name, value, value / total)
