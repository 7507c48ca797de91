"""Which bundles have been kept long enough. Failures and what an incident called for are kept longer.

`judge` decides and touches nothing; `remove` takes away what it was given, each entered in the ledger first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from autodevops.domain.ledger import NewEvent
from autodevops.domain.run import GOOD, Run
from autodevops.kernel.clock import Clock
from autodevops.kernel.ids import bytes_digest
from autodevops.runbooks.bundle import MANIFEST
from autodevops.runbooks.storage import BundleRef, Bundles
from autodevops.stores.ledger import Ledger

_ORDINARY = {"schedule", "once", "manual"}  # any other trigger is something that happened: an alert, an event


@dataclass(frozen=True)
class Retention:
    """Days count from a run's end."""

    keep_days: float
    keep_failed_days: float
    keep_incident_days: float
    keep_last: int  # of each runbook, however old


@dataclass(frozen=True)
class Judged:
    ref: BundleRef
    run: Run
    keep: bool
    why: str


def judge(runs: Iterable[tuple[BundleRef, Run]], policy: Retention, now: datetime) -> Iterator[Judged]:
    """One judgement for each run, in the order given, which is newest first."""
    seen: Counter[str] = Counter()
    for ref, run in runs:
        if run.status == "running":
            yield Judged(ref, run, True, "it is running")
            continue
        seen[run.runbook] += 1
        if seen[run.runbook] <= policy.keep_last:
            yield Judged(ref, run, True, f"one of the last {policy.keep_last} of {run.runbook}")
            continue
        days, what = _kept_for(run, policy)
        age = now - (run.ended_at or run.started_at)
        if age <= timedelta(days=days):
            yield Judged(ref, run, True, f"{what} is kept for {days:g} days")
        else:
            yield Judged(ref, run, False, f"{what} of {age.days} days ago; kept for {days:g}")


def remove(bundles: Bundles, judged: Judged, *, ledger: Ledger | None, actor: str, clock: Clock) -> None:
    """Enter it in the ledger, then remove it: what the ledger says is gone may lie there still, never the reverse."""
    if ledger is not None:
        ledger.append(
            NewEvent(
                at=clock(),
                kind="run",
                what="deleted",
                actor=actor,
                subject=judged.run.id,
                data={
                    "runbook": judged.run.runbook,
                    "status": judged.run.status,
                    "folder": str(judged.ref),
                    "manifest": bytes_digest(bundles.read(judged.ref, MANIFEST)),
                    "why": judged.why,
                },
            )
        )
    bundles.delete(judged.ref)


def _kept_for(run: Run, policy: Retention) -> tuple[float, str]:
    """The longest that applies, and what the run is in that respect."""
    reasons = [(policy.keep_days, f"a run that {_ended(run)}")]
    if run.status not in GOOD:
        reasons.append((policy.keep_failed_days, f"a run that {_ended(run)}"))
    if run.trigger not in _ORDINARY:
        reasons.append((policy.keep_incident_days, f"a run for {run.trigger}"))
    return max(reasons, key=lambda reason: reason[0])


def _ended(run: Run) -> str:
    words = {"timed_out": "timed out", "stopped_early": "stopped early"}
    passive = {"cancelled", "interrupted", "denied"}
    return f"was {run.status}" if run.status in passive else words.get(run.status, run.status)
