"""What every ledger does, whatever it is kept in."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from stores.ledger_samples import START, documents, event, new_events

from autodevops.domain.ledger import GENESIS, LedgerEvent, NewEvent
from autodevops.kernel.errors import LedgerConflict
from autodevops.stores import leases
from autodevops.stores.ledger import Ledger
from autodevops.stores.ledger_twin import MemoryLedger
from autodevops.stores.sqlite_ledger import SqliteLedger

KINDS = ("memory", "sqlite")


@pytest.fixture(params=KINDS)
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ledger]:
    made: Ledger = MemoryLedger() if request.param == "memory" else SqliteLedger(tmp_path)
    yield made
    made.close()


def holds_as_one_chain(events: list[LedgerEvent]) -> bool:
    previous = [GENESIS, *(one.digest for one in events)]
    return (
        all(one.holds() for one in events)
        and [one.seq for one in events] == list(range(1, len(events) + 1))
        and [one.previous for one in events] == previous[:-1]
    )


def test_an_empty_ledger_has_the_genesis_as_its_head(ledger: Ledger) -> None:
    assert ledger.head() == (0, GENESIS)
    assert list(ledger.events()) == []
    assert ledger.append() == ()


def test_events_are_one_chain_in_the_order_they_were_entered(ledger: Ledger) -> None:
    entered = [*ledger.append(event(1), event(2)), *ledger.append(event(3))]
    assert list(ledger.events()) == entered
    assert [one.data["n"] for one in entered] == [1, 2, 3]
    assert holds_as_one_chain(entered)
    assert ledger.head() == (3, entered[-1].digest)


@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [
        ({}, [1, 2, 3, 4]),
        ({"after": 2}, [3, 4]),
        ({"after": 9}, []),
        ({"kind": "slot"}, [2]),
        ({"subject": "a"}, [1, 4]),
        ({"subject": "a", "after": 1}, [4]),
        ({"actor": "scarlet", "kind": "run"}, [1, 3, 4]),
        ({"actor": "nobody"}, []),
    ],
)
def test_events_are_found_by_number_kind_actor_and_subject(
    ledger: Ledger, wanted: dict[str, Any], numbers: list[int]
) -> None:
    ledger.append(event(1, subject="a"), event(2, kind="slot"), event(3, subject="b"), event(4, subject="a"))
    assert [one.seq for one in ledger.events(**wanted)] == numbers


def test_a_reader_sees_what_was_there_when_it_began_and_stops_nobody(ledger: Ledger) -> None:
    ledger.append(*map(event, range(2500)))
    reader = ledger.events()
    seen = [next(reader)]
    ledger.append(event(9999))
    seen += reader
    assert len(seen) == 2500
    assert holds_as_one_chain(seen)


def test_a_change_enters_its_event_and_the_mark_of_the_entry(ledger: Ledger) -> None:
    first, created = ledger.change("approval", "plan-1", {"by": None}, expected=0, event=event(1))
    second, granted = ledger.change("approval", "plan-1", {"by": "ada"}, expected=1, event=event(2))
    assert (first.version, first.seq, second.version, second.seq) == (1, 1, 2, 2)
    assert ledger.entry("approval", "plan-1") == second
    assert (created.entry, granted.entry) == (first.mark, second.mark)
    assert ledger.entry("approval", "plan-2") is None
    assert holds_as_one_chain(list(ledger.events()))


@pytest.mark.parametrize("expected", [0, 2])
def test_a_change_of_another_version_changes_nothing(ledger: Ledger, expected: int) -> None:
    entry, _ = ledger.change("slot", "s", {"n": 1}, expected=0, event=event(1))
    with pytest.raises(LedgerConflict, match=f"version 1, not {expected}"):
        ledger.change("slot", "s", {"n": 2}, expected=expected, event=event(2))
    assert ledger.entry("slot", "s") == entry
    assert ledger.head()[0] == 1


def test_an_entry_that_cannot_be_spelled_changes_nothing(ledger: Ledger) -> None:
    for value in ({"x": float("nan")}, {"x": "\udc80"}, {"x": object()}):
        with pytest.raises(ValueError, match=r"."):
            ledger.change("slot", "s", value, expected=0, event=event(1))  # type: ignore[arg-type]
    assert ledger.entry("slot", "s") is None
    assert ledger.head() == (0, GENESIS)


def test_entries_of_a_kind_come_by_key(ledger: Ledger) -> None:
    for kind, key in (("run", "b"), ("slot", "c"), ("run", "a")):
        ledger.change(kind, key, {}, expected=0, event=event())
    assert [entry.key for entry in ledger.entries("run")] == ["a", "b"]
    assert ledger.entries("lease") == ()
    assert [entry.key for entry in ledger.entries("run", after=1)] == ["a"]
    ledger.change("run", "b", {}, expected=1, event=event())
    assert [entry.key for entry in ledger.entries("run", after=3)] == ["b"]
    assert ledger.entries("run", after=4) == ()


def test_a_large_field_can_be_left_out(ledger: Ledger) -> None:
    ledger.change("run", "a", {"n": 1, "large": {"n": 2}}, expected=0, event=event())
    assert [entry.value for entry in ledger.entries("run", without="large")] == [{"n": 1}]
    assert [entry.value for entry in ledger.entries("run", without="other")] == [{"n": 1, "large": {"n": 2}}]
    assert ledger.entries("run", after=1, without="large") == ()


def test_threads_share_one_ledger(ledger: Ledger) -> None:
    def write(name: str) -> None:
        for number in range(50):
            ledger.append(event(number, subject=name))

    threads = [threading.Thread(target=write, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert holds_as_one_chain(list(ledger.events()))
    for name in "abcd":
        assert [one.data["n"] for one in ledger.events(subject=name)] == list(range(50))


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("data", {"deep": ["\ud800"]}, "lone surrogate"),
        ("data", {"\udfff": 1}, "lone surrogate"),
        ("actor", "half \ud83d", "lone surrogate"),
        ("data", {"x": float("nan")}, "not JSON compliant"),
        ("data", {"x": float("-inf")}, "not JSON compliant"),
        ("data", {"x": 10**5000}, "4300 digits"),
    ],
)
def test_what_has_no_single_spelling_is_refused_before_it_is_entered(field: str, value: Any, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        NewEvent.model_validate({**event().model_dump(), field: value})


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(events=st.lists(new_events, min_size=1, max_size=5), value=documents)
def test_any_data_reads_back_as_it_was_entered_and_holds(
    kind: str, events: list[NewEvent], value: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> None:
    ledger: Ledger = MemoryLedger() if kind == "memory" else SqliteLedger(tmp_path_factory.mktemp("ledger"))
    entered = [*ledger.append(*events)]
    entry, changed = ledger.change("run", "k", value, expected=0, event=events[0])
    read = list(ledger.events())
    assert read == [*entered, changed]
    assert holds_as_one_chain(read)
    assert [NewEvent.model_validate(one.model_dump(include=set(NewEvent.model_fields))) for one in read[:-1]] == events
    assert ledger.entry("run", "k") == entry
    assert entry.value == value
    ledger.close()


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=25, deadline=None)
@given(
    steps=st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["take", "renew", "release"]), st.integers(0, 20)))
)
def test_no_two_holders_ever_hold_a_lease_at_once(
    kind: str, steps: list[tuple[str, str, int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    ledger: Ledger = MemoryLedger() if kind == "memory" else SqliteLedger(tmp_path_factory.mktemp("ledger"))
    now, length = START, timedelta(seconds=15)
    believed: dict[str, leases.Lease] = {}  # what each holder thinks it has
    versions: list[int] = []
    for holder, step, seconds in steps:
        now += timedelta(seconds=seconds)
        others = [lease for name, lease in believed.items() if name != holder and lease.until > now]
        if step == "take":
            lease = leases.take(ledger, "leader", holder, now=now, length=length)
            assert (lease is None) == bool(others)
            if lease is not None:
                believed[holder] = lease
                versions.append(lease.version)
        elif holder in believed:
            try:
                if step == "renew":
                    believed[holder] = leases.renew(ledger, believed[holder], now=now, length=length)
                    versions.append(believed[holder].version)
                else:
                    leases.release(ledger, believed.pop(holder), now=now)
            except LedgerConflict:
                believed.pop(holder, None)
        assert sum(lease.until > now for lease in believed.values()) <= 1
    assert versions == sorted(set(versions))
    assert holds_as_one_chain(list(ledger.events(kind="lease")))
    ledger.close()
