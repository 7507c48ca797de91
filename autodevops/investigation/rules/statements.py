"""Which statement a database spends its time on. Shared by the rules over databases."""

from __future__ import annotations

from dataclasses import dataclass

from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.stores import Store, now


@dataclass(frozen=True)
class Statement:
    """`sessions` is how many sessions run it at a time on average; `share` that of all statements' time."""

    name: str
    sessions: float
    share: float


def heaviest(store: Store, picture: Picture) -> Statement | None:
    """The statement with most time now, by pg_stat_statements: a second of execution a second is one session."""
    found = [
        (value, str(reading.labels.get("query") or f"statement {reading.labels.get('queryid', '?')}"))
        for reading in store.readings.get("statement_seconds", ())
        if (value := now(reading, picture)) is not None
    ]
    total = sum(value for value, _ in found)
    if not found or total <= 0:
        return None
    value, name = max(found)
    return Statement(name, value, value / total)
