"""`carry_out(action)` for the `action` cells of runbooks: asks the executor for a change and waits for its outcome.

The library reads; this is its one way to a change, and it goes through the door that all changes go through. What the
cell's own gate granted is that it may ask: the executor plans, asks people about the exact plan, verifies and takes
back as for anybody.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

from autodevops.domain.action import Action
from autodevops.domain.operation import Operation, Proposal
from autodevops.kernel.clock import utc_now
from autodevops.kernel.errors import LedgerConflict, RunFailed, UsageError
from autodevops.notebook import desk
from autodevops.workbench import Workbench

__all__ = ["carry_out"]


def carry_out(action: Action, *, why: str) -> Operation:
    """The operation once it was verified. Raises RunFailed when it was not done, or did not help."""
    operation = desk.with_bench(_carried_out, action, why)
    outcome = operation.outcome
    if outcome is None or outcome.result != "verified":
        words = outcome.words if outcome else f"it is {operation.stage}"
        said = f"{action.kind} of {action.subject} was not done: {words}"
        raise RunFailed(said, f"`autodevops act show {operation.id}` says why.")
    return operation


async def _carried_out(bench: Workbench, action: Action, why: str) -> Operation:
    from autodevops.executor import approvals
    from autodevops.executor.operations import load

    executor = bench.executor
    asked = Proposal(action=action, asked_by=bench.actor, by_person=True, why=why)
    operation = await executor.run(asked)
    if operation.stage == "awaiting":
        print(f"It waits for people: autodevops approve grant {operation.id}", flush=True)
    try:
        while operation.stage != "closed":
            if operation.stage == "cleared":
                with suppress(LedgerConflict, UsageError):  # who granted it may be doing it already
                    operation = await executor.execute(operation.id)
                    continue
            await asyncio.sleep(bench.settings.executor.poll_seconds)
            approvals.expire(bench.ledger, utc_now(), actor=bench.actor)
            operation = load(bench.ledger, operation.id).operation
    except BaseException:  # the cell was given up: nobody waits for an answer any more
        with suppress(LedgerConflict, UsageError):
            executor.withdraw(operation.id, "The run that asked for it ended before anybody answered.")
        raise
    return operation
