"""Settings are events: entered when a program starts with others than it had the last time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from autodevops.domain.base import Json
from autodevops.domain.ledger import LedgerEvent, NewEvent
from autodevops.kernel.errors import LedgerConflict
from autodevops.stores.ledger import Ledger

KIND = "settings"


def note_settings(
    ledger: Ledger, settings: Mapping[str, Json], *, program: str, actor: str, now: datetime
) -> LedgerEvent | None:
    """Enter what changed since `program` last started; None when nothing did.

    `settings` are sections of values as JSON, secrets already masked: that one secret became another is not seen.
    """
    while True:
        before = ledger.entry(KIND, program)
        if before is not None and before.value == settings:
            return None
        event = NewEvent(
            at=now,
            kind="settings",
            what="changed" if before else "first seen",
            actor=actor,
            subject=program,
            data={"changed": dict(_changes(before.value, dict(settings)))} if before else {"settings": dict(settings)},
        )
        try:
            return ledger.change(KIND, program, settings, expected=before.version if before else 0, event=event)[1]
        except LedgerConflict:  # the same program started twice: compare with what the other one entered
            continue


def _changes(before: Json, after: Json, path: str = "") -> Iterator[tuple[str, Json]]:
    """`section.name` with the value before and after, for every value that differs."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for name in sorted({*before, *after}):
            yield from _changes(before.get(name), after.get(name), f"{path}.{name}".lstrip("."))
    elif before != after:
        yield path, [before, after]
