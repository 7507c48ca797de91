"""Now and then: what executors left behind is ended, what nobody answered is escalated, and people are told.

The executor is passed in as a call; this begins no change and decides nothing.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence

from autodevops.domain.operation import Operation
from autodevops.scarlet.tell import tell_all
from autodevops.settings import ChannelSettings

log = logging.getLogger(__name__)

TEND_SECONDS = 20.0
Recover = Callable[[], Awaitable[list[Operation]]]


async def tend_forever(recover: Recover, channels: Mapping[str, ChannelSettings], names: Sequence[str]) -> None:
    """Until cancelled. What goes wrong is an error in the log, and it is tried again."""
    while True:
        try:
            await tend(recover, channels, names)
        except Exception:
            log.exception("What executors left behind could not be looked at")
        await asyncio.sleep(TEND_SECONDS)


async def tend(recover: Recover, channels: Mapping[str, ChannelSettings], names: Sequence[str]) -> list[Operation]:
    """Returns those that people were told of."""
    told = [operation for operation in await recover() if _is_for_people(operation)]
    for operation in told:
        action, outcome = operation.proposal.action, operation.outcome
        assert outcome is not None
        text = f"{action.kind} {action.subject}: {outcome.words} `autodevops act show {operation.id}`"
        log.warning("%s", text)
        facts = {"operation": operation.id, "action": action.kind, "result": outcome.result}
        await tell_all(channels, names, text, facts)
    return told


def _is_for_people(operation: Operation) -> bool:
    expired = operation.approval is not None and operation.approval.state == "expired"
    return operation.outcome is not None and (expired or operation.outcome.result in ("unverified", "undo_failed"))
