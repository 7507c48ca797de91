"""Events of reading are entered a moment later, all of them, in order."""

from __future__ import annotations

import logging
import threading
from datetime import UTC, datetime

import pytest

from autodevops.domain.ledger import LedgerEvent, NewEvent
from autodevops.kernel.errors import AutoDevOpsError
from autodevops.stores.background import MAX_WAITING, BackgroundWriter
from autodevops.stores.ledger_twin import MemoryLedger

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)


def call(number: int) -> NewEvent:
    return NewEvent(at=NOW, kind="tool_call", what="answered", actor="mira", subject=str(number))


class Unwritable(MemoryLedger):
    """A ledger that refuses the first `times` appends."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.left = times
        self.tried = threading.Event()

    def append(self, *events: NewEvent) -> tuple[LedgerEvent, ...]:
        self.tried.set()
        if self.left:
            self.left -= 1
            raise AutoDevOpsError("The ledger's disk is full.", "Make room.")
        return super().append(*events)


def test_all_events_of_one_thread_are_entered_in_order() -> None:
    ledger = MemoryLedger()
    writer = BackgroundWriter(ledger)
    for number in range(500):
        writer.enter(call(number))
    writer.close()
    assert [event.subject for event in ledger.events()] == [str(number) for number in range(500)]


def test_events_of_many_threads_are_all_entered() -> None:
    ledger = MemoryLedger()
    writer = BackgroundWriter(ledger)

    def work() -> None:
        for number in range(100):
            writer.enter(call(number))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    writer.close()
    assert ledger.head()[0] == 800


def test_a_ledger_that_fails_for_a_while_gets_everything_later(caplog: pytest.LogCaptureFixture) -> None:
    ledger = Unwritable(times=2)
    writer = BackgroundWriter(ledger)
    writer.enter(call(1))
    assert ledger.tried.wait(60)
    writer.enter(call(2))
    while ledger.left:
        ledger.tried.clear()
        assert ledger.tried.wait(60)
    writer.close()
    assert [event.subject for event in ledger.events()] == ["1", "2"]
    assert [record.message for record in caplog.records if record.levelno == logging.ERROR] == [
        "The ledger cannot be written, events wait: The ledger's disk is full. Make room."
    ]


def test_what_could_not_be_entered_is_said_at_the_end(caplog: pytest.LogCaptureFixture) -> None:
    writer = BackgroundWriter(Unwritable(times=10**9))
    for number in range(MAX_WAITING + 5):
        writer.enter(call(number))
    writer.close()
    assert f"{MAX_WAITING + 5} events are not in the ledger" in caplog.text


def test_a_writer_that_got_nothing_starts_no_thread() -> None:
    before = threading.active_count()
    writer = BackgroundWriter(MemoryLedger())
    writer.close()
    assert threading.active_count() == before
