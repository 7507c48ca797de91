"""Events that may be entered a moment later: those of reading, which nobody should wait for.

A thread enters what has come together, in order and in one transaction. What must be on disk before the world changes
(approvals, actions, runs) goes to the ledger itself.
"""

from __future__ import annotations

import logging
import threading

from autodevops.domain.ledger import NewEvent
from autodevops.kernel.errors import AutoDevOpsError
from autodevops.stores.ledger import Ledger

log = logging.getLogger(__name__)

GATHER_SECONDS = 0.2
MAX_WAITING = 20_000  # events kept for a ledger that cannot be written just now: some 20 MB


class BackgroundWriter:
    """Takes events from any thread; `close` returns when all are in the ledger or have been given up."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._waiting: list[NewEvent] = []
        self._lost = 0
        self._changed = threading.Condition()
        self._closing = False
        self._thread: threading.Thread | None = None

    def enter(self, event: NewEvent) -> None:
        """Never raises and never waits for the ledger."""
        with self._changed:
            if len(self._waiting) >= MAX_WAITING:
                self._lost += 1
                return
            self._waiting.append(event)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="autodevops-ledger", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def close(self) -> None:
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join()
        if self._waiting or self._lost:
            log.error("%d events are not in the ledger: it could not be written.", len(self._waiting) + self._lost)

    def _work(self) -> None:
        failing = False
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closing or bool(self._waiting))
                # More calls end in the next moments; one transaction for all of them.
                self._changed.wait_for(lambda: self._closing, timeout=GATHER_SECONDS)
                batch, closing = tuple(self._waiting), self._closing
            if batch:
                try:
                    self._ledger.append(*batch)
                except AutoDevOpsError as error:
                    if not failing:
                        log.error("The ledger cannot be written, events wait: %s", error)
                    failing = True
                else:
                    failing = False
                    with self._changed:
                        del self._waiting[: len(batch)]
            if closing:
                return
