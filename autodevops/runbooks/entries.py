"""What the ledger learns of a run: that it started, how it ended, and what was found out later.

The last entry carries the digest of the manifest's bytes, so that nothing in the bundle changes unseen from then on.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from autodevops.domain.ledger import NewEvent
from autodevops.domain.run import Run
from autodevops.kernel.ids import bytes_digest
from autodevops.runbooks.gates import CellRequest, GateAnswer

if TYPE_CHECKING:
    from autodevops.kernel.clock import Clock
    from autodevops.stores.ledger import Ledger


def started(run: Run) -> NewEvent:
    return NewEvent(
        at=run.started_at,
        kind="run",
        what="started",
        actor=_actor(run),
        subject=run.id,
        data={
            "runbook": run.runbook,
            "trigger": run.trigger,
            "reason": run.reason,
            "attempt": run.attempt,
            "retry_of": run.retry_of,
            **({"operation": run.operation} if run.operation else {}),
        },
    )


def ended(run: Run, manifest: bytes, at: datetime, *, artifacts: Path) -> NewEvent:
    """`artifacts` is the folder the bundle lies in, for one ledger serves many."""
    return NewEvent(
        at=at,
        kind="run",
        what=run.status if run.reconciled_at is None else "reconciled",
        actor=_actor(run),
        subject=run.id,
        data={
            "runbook": run.runbook,
            "status": run.status,
            "artifacts": str(artifacts.absolute()),
            "folder": f"{run.runbook}/{run.id}",
            "manifest": bytes_digest(manifest),
            **({"rollback": run.rollback} if run.rollback else {}),
        },
    )


def answered(run: Run, request: CellRequest, answer: GateAnswer, why_not: str, at: datetime) -> NewEvent:
    return NewEvent(
        at=at,
        kind="approval",
        what="denied" if why_not else "granted",
        actor=answer.by,
        subject=run.id,
        data={
            "runbook": run.runbook,
            "cell": request.cell,
            "tag": request.tag,
            "digest": request.digest,
            "why": answer.why,
        },
    )


def entering(ledger: Ledger | None, clock: Clock, artifacts: Path) -> Callable[[Run, bytes], None] | None:
    """How a finished bundle enters the ledger, given its run and the manifest's bytes."""
    if ledger is None:
        return None

    def enter(run: Run, manifest: bytes) -> None:
        ledger.append(ended(run, manifest, clock(), artifacts=artifacts))

    return enter


def is_entered(ledger: Ledger, run: Run, manifest: bytes) -> bool:
    """Whether the end of the run is in the ledger."""
    return any(
        event.data.get("manifest") == bytes_digest(manifest) for event in ledger.events(kind="run", subject=run.id)
    )


def _actor(run: Run) -> str:
    return run.requested_by or run.trigger
