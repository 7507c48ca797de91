"""Events and ledgers that several tests use."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import strategies as st

from autodevops.domain.base import Json
from autodevops.domain.ledger import EventKind, NewEvent
from autodevops.stores.sqlite_ledger import SqliteLedger

START = datetime(2026, 11, 28, 3, 0, tzinfo=UTC)

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
documents: st.SearchStrategy[dict[str, Json]] = st.dictionaries(
    texts,
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
        max_leaves=10,
    ),
    max_size=4,
)
moments = st.datetimes(datetime(1971, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
new_events = st.builds(
    NewEvent,
    at=moments,
    kind=st.sampled_from(["run", "tool_call", "decision"]),
    what=texts,
    actor=texts,
    subject=texts,
    data=documents,
)


def event(number: int = 0, *, kind: EventKind = "run", subject: str = "", what: str = "started") -> NewEvent:
    return NewEvent(
        at=START + timedelta(seconds=number), kind=kind, what=what, actor="scarlet", subject=subject, data={"n": number}
    )


def filled(folder: Path, count: int) -> SqliteLedger:
    ledger = SqliteLedger(folder)
    ledger.append(*map(event, range(1, count + 1)))
    return ledger
