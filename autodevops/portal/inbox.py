"""The executor's questions, answered from the portal by whoever the server knows a visitor to be.

This is the server's, not a kernel's: who answers comes from the request that was authenticated here, and what is asked
and answered is looked up in the ledger. What the last yes clears is carried out by this process, like
`autodevops approve grant` does.
"""

from __future__ import annotations

import logging
from concurrent.futures import Future

from pydantic import ValidationError

from autodevops.domain.base import Noun
from autodevops.domain.shown_operation import ShownOperation
from autodevops.executor.operations import load
from autodevops.kernel.errors import AutoDevOpsError, UsageError
from autodevops.settings import Settings
from autodevops.widgets.loop_thread import LoopThread
from autodevops.workbench import Workbench

log = logging.getLogger(__name__)

WORDS = 500  # characters of a comment that are kept


class Given(Noun):
    """What a page may say with an answer. Not who gives it."""

    digest: str
    yes: bool
    comment: str = ""


def read_answer(body: bytes) -> Given:
    """Raises UsageError."""
    try:
        return Given.model_validate_json(body)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise UsageError(f"The answer cannot be read: {field} {first['msg']}.", "Reload the page.") from error


class Inbox:
    """May be called from several threads."""

    def __init__(self, settings: Settings, bench: Workbench) -> None:
        self._settings = settings
        self._bench = bench
        self._hands = LoopThread("autodevops-portal-hands")
        self._tending: Future[None] | None = None

    def look(self, operation_id: str) -> ShownOperation:
        """Raises UsageError when there is none."""
        return ShownOperation.of(load(self._bench.ledger, operation_id).operation)

    def answer(self, operation_id: str, given: Given, *, by: str, where: str) -> ShownOperation:
        """Raises UsageError when it does not count; that it was tried is in the ledger."""
        now = self._bench.answer_approval(
            operation_id, given.digest, given.yes, given.comment[:WORDS], by=by, where=where
        )
        if now.stage == "cleared":
            self._hands.start(self._carry_out, operation_id, by)
        return now

    def tend(self) -> None:
        """From now on `Workbench.tend` goes on here, too, where there is anybody who may answer."""
        if self._settings.executor.approvers and self._tending is None:
            self._tending = self._hands.start(self._tend)

    def close(self) -> None:
        if self._tending is not None:
            self._tending.cancel()
        self._hands.close()

    async def _tend(self) -> None:
        async with Workbench(self._settings, actor=self._bench.actor) as bench:
            await bench.tend()

    async def _carry_out(self, operation_id: str, by: str) -> None:
        try:
            async with Workbench(self._settings, actor=by) as bench:
                await bench.carry_out(operation_id)
        except AutoDevOpsError as error:
            log.warning("Operation %s was approved and not carried out: %s", operation_id, error)
