"""DiskSaturated (DB023, state): a database's disk cannot do what is asked of it.

What: reads, writes or commits of a managed database take at least three times as long as before and ten milliseconds,
and requests queue at its disk (DiskQueueDepth at four times the usual and five or more), or its burst balance
(BurstBalance, EBSIOBalance%) is used up. Where nothing is known of the time before, twenty milliseconds and ten
requests in the queue all the time. Slow reads without a queue are another thing's, as of a machine that swaps.

Why it matters: every statement that touches the disk waits, sessions pile up, and processor and network look idle.

Example: `The disk of search-prod is saturated since 11:38 UTC: reads take 88 ms, 1.3 ms before, its burst balance is
used up`

What to do: stop or slow down what reads or writes most (see the heaviest statement, a batch, vacuum, a checkpoint
that writes all at once); then give the volume more operations (gp3, provisioned IOPS) or the class more throughput.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule, clock, percent
from autodevops.investigation.rules.statements import heaviest
from autodevops.investigation.rules.stores import hurt_callers, moment, now, since_beyond, stores
from autodevops.investigation.rules.strain import risen, slow_disk, standing

_QUEUE, _LONGER = 5.0, 4.0
_SPENT_PERCENT = 2.0
_LOAD = 0.4
_WHAT = {"read_seconds": "reads", "write_seconds": "writes", "commit_seconds": "commits"}


def _check(picture: Picture, earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    for store in stores(picture):
        slow = slow_disk(store, picture)
        waiting = store.of("disk_queue")
        queue = risen(waiting, picture, times=_LONGER, least=_QUEUE) or standing(waiting, picture, 2 * _QUEUE)
        left = now(store.of("burst_percent"), picture)
        spent = since_beyond(store.of("burst_percent"), _SPENT_PERCENT, below=True) if left is not None else None
        if slow is None or (queue is None and spent is None):
            continue
        why = "its burst balance is used up" if spent is not None else ""
        why = why or (f"{queue.level:.0f} operations wait" if queue is not None else "")
        statement = heaviest(store.subject, picture)
        told = statement is not None and statement.share >= _LOAD
        what = f"; {statement.name[:160]} has {percent(statement.share)} of its load" if statement and told else ""
        before = f", {_millis(slow.usual)} before" if slow.usual < slow.level else ""
        yield RULE.finding(
            store.subject,
            f"The disk of {store.subject.name} is saturated since {clock(moment(slow.since))}: {_WHAT[slow.measure]}"
            f" take {_millis(slow.level)}{before}, {why}{what}.",
            severity="error",
            confidence=0.9 if spent is not None or hurt_callers(store.subject, picture, earlier) else 0.8,
            evidence=store.evidence(slow.measure, "disk_queue", "burst_percent"),
            onset=moment(slow.since),
        )


def _millis(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms" if seconds < 0.0095 else f"{seconds * 1000:.0f} ms"


RULE = Rule(
    "DB023", "DiskSaturated", "state", _check, specificity=0.92, stage=2, names_cause=True, may_follow=True,
    shows_elsewhere=True, documentation=__doc__,
)  # fmt: skip
