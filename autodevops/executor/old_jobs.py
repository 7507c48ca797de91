"""Which CronJob's ended Jobs fill a namespace's quota of Jobs, and may go. Only reads."""

from __future__ import annotations

from collections import Counter

from autodevops.domain.action import Action, CleanJobs
from autodevops.domain.hypothesis import Hypothesis
from autodevops.domain.quantity import quantity
from autodevops.executor.actions.clean_jobs import ended_at
from autodevops.executor.reading import Object, controller_of, read_list
from autodevops.toolbox.protocol import Tools

COUNT = "count/jobs.batch"
KEPT = 3  # of each CronJob, as many as Kubernetes keeps by default (successfulJobsHistoryLimit)
ENDED_MINUTES = 15  # and what ended since: somebody may be reading its logs


async def clean_jobs(tools: Tools, hypothesis: Hypothesis) -> Action | None:
    """Those of the CronJob with most of them; None where it is no quota of Jobs that is full, or Jobs run that many."""
    namespace = hypothesis.subject.place
    if not any(_is_full(one) for one in await read_list(tools, "ResourceQuota", namespace)):
        return None
    ended: Counter[str] = Counter(
        str(owner["name"])
        for job in await read_list(tools, "Job", namespace)
        if (owner := controller_of(job)) and owner.get("kind") == "CronJob" and ended_at(job) is not None
    )
    if not ended or max(ended.values()) <= KEPT:
        return None
    name = max(sorted(ended), key=lambda one: ended[one])
    return CleanJobs(namespace=namespace, cron_job=name, keep_newest=KEPT, ended_before_minutes=ENDED_MINUTES)


def _is_full(quota: Object) -> bool:
    status = quota.get("status") or {}
    hard, used = ((status.get(what) or {}).get(COUNT) for what in ("hard", "used"))
    return hard is not None and used is not None and quantity(str(used)) >= quantity(str(hard))
