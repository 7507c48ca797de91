"""A change of settings is in the ledger once, with both values."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from autodevops.domain.base import Json
from autodevops.domain.ledger import Entry, LedgerEvent, NewEvent
from autodevops.settings import PrometheusSettings, Settings
from autodevops.stores.configuration import note_settings
from autodevops.stores.ledger_twin import MemoryLedger

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)


def note(ledger: MemoryLedger, settings: Mapping[str, Any], program: str = "ask") -> LedgerEvent | None:
    return note_settings(ledger, settings, program=program, actor="mira", now=NOW)


def test_the_first_start_enters_all_settings_and_the_second_nothing() -> None:
    ledger = MemoryLedger()
    first = note(ledger, {"loki": {"url": "http://loki"}})
    assert first is not None
    assert (first.what, first.data) == ("first seen", {"settings": {"loki": {"url": "http://loki"}}})
    assert note(ledger, {"loki": {"url": "http://loki"}}) is None


def test_a_change_names_the_setting_with_both_values() -> None:
    ledger = MemoryLedger()
    note(ledger, {"loki": {"url": "http://loki", "tenant": ""}, "tempo": {"url": ""}})
    event = note(ledger, {"loki": {"url": "http://other", "tenant": ""}, "tempo": {"url": ""}, "memory": {"days": 3}})
    assert event is not None
    assert event.what == "changed"
    assert event.data == {"changed": {"loki.url": ["http://loki", "http://other"], "memory": [None, {"days": 3}]}}


def test_programs_are_told_apart() -> None:
    ledger = MemoryLedger()
    note(ledger, {"loki": {"url": "a"}}, "ask")
    event = note(ledger, {"loki": {"url": "b"}}, "scarlet")
    assert event is not None
    assert event.what == "first seen"


def test_no_secret_is_kept() -> None:
    ledger = MemoryLedger()
    settings = Settings.model_construct(prometheus=PrometheusSettings.model_validate({"token": "tok-1234567890"}))
    event = note(ledger, settings.model_dump(mode="json"))
    assert event is not None
    assert "tok-1234567890" not in event.model_dump_json()


class Raced(MemoryLedger):
    """Another process changes the entry just before the first change."""

    def __init__(self, other: Mapping[str, Json]) -> None:
        super().__init__()
        self.other: Mapping[str, Json] | None = other

    def change(
        self, kind: str, key: str, value: Mapping[str, Json], *, expected: int, event: NewEvent
    ) -> tuple[Entry, LedgerEvent]:
        other, self.other = self.other, None
        if other is not None:
            super().change(kind, key, other, expected=expected, event=event)
        return super().change(kind, key, value, expected=expected, event=event)


def test_of_two_that_start_at_once_with_the_same_settings_one_enters_them() -> None:
    ledger = Raced({"loki": {"url": "a"}})
    assert note(ledger, {"loki": {"url": "a"}}) is None
    assert ledger.head()[0] == 1


VALUES = st.dictionaries(st.text(max_size=5), st.one_of(st.none(), st.integers(), st.text(max_size=5)), max_size=4)


@given(st.lists(st.dictionaries(st.sampled_from("abc"), VALUES), min_size=1, max_size=5))
def test_the_ledger_holds_the_last_settings_and_an_event_for_each_change(history: list[dict[str, Any]]) -> None:
    ledger = MemoryLedger()
    for settings in history:
        note(ledger, settings)
    entry = ledger.entry("settings", "ask")
    assert entry is not None
    assert entry.value == history[-1]
    assert ledger.head()[0] <= len(history)
