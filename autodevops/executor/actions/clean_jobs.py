"""Clean completed Jobs: those of one CronJob that ended long enough ago are deleted, with their pods and logs.

For Jobs that were never tidied up and fill a quota or the API server. Jobs that still run are never touched, nor the
newest ones, whose logs somebody may want. There is no undo: a deleted Job does not come back.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from autodevops.domain.action import CleanJobs
from autodevops.domain.base import Json
from autodevops.domain.decision import Refusal
from autodevops.domain.field_edit import FieldEdit
from autodevops.domain.outcome import EffectCheck
from autodevops.domain.plan import BlastRadius, DryRun, PreState
from autodevops.domain.risk import Risk
from autodevops.executor.fields import refusal
from autodevops.executor.kinds import Applied, Errand, Kind, Progress
from autodevops.executor.reading import Object, controller_of, read_list, read_object
from autodevops.kernel.errors import ToolNotFound, ToolRejected
from autodevops.toolbox.protocol import Tools

MOST = 50  # in one action; the next one takes the rest
_ENDS = ("Complete", "Failed")


class CleanJobsKind(Kind[CleanJobs]):
    noun = CleanJobs
    risk: Risk = "low"

    async def survey(self, tools: Tools, action: CleanJobs, now: datetime) -> PreState:
        owner = await read_object(tools, action.subject)
        uid = str(owner["metadata"].get("uid", ""))
        ended = [
            (at, str(job["metadata"]["name"]), str(job["metadata"]["uid"]))
            for job in await read_list(tools, "Job", action.namespace)
            if (controller_of(job) or {}).get("uid") == uid and (at := ended_at(job)) is not None
        ]
        newest_first = sorted(ended, reverse=True)[action.keep_newest :]
        before = now - timedelta(minutes=action.ended_before_minutes)
        old = sorted((at, name, uid) for at, name, uid in newest_first if at < before)[:MOST]
        jobs: dict[str, Json] = {name: uid for _, name, uid in old}
        return PreState(taken_at=now, bound={"uid": uid, "jobs": jobs}, saved={"ended": len(ended)})

    def blast(self, action: CleanJobs, pre: PreState) -> BlastRadius:
        """Their pods have ended: nothing that runs is touched."""
        return BlastRadius(namespaces=(action.namespace,))

    def preconditions(self, action: CleanJobs, pre: PreState) -> tuple[Refusal, ...]:
        if planned(pre):
            return ()
        words = (
            f"No Job of {action.subject} ended more than {action.ended_before_minutes} minutes ago, beyond the newest."
        )
        return (refusal(words, "Nothing is to be done."),)

    async def dry_run(self, tools: Tools, errand: Errand[CleanJobs]) -> DryRun:
        jobs = planned(errand.pre)
        for name, uid in jobs.items():
            await _delete(tools, errand, name, uid, dry_run=True)
        edits = tuple(FieldEdit(path=f"jobs[{name}]", before="ended") for name in jobs)
        return DryRun(summary=f"{len(jobs)} ended Jobs would be deleted: {', '.join(jobs)}.", edits=edits)

    async def apply(self, tools: Tools, errand: Errand[CleanJobs]) -> Applied:
        gone = 0
        for name, uid in planned(errand.pre).items():
            try:
                await _delete(tools, errand, name, uid, dry_run=False)
                gone += 1
            except ToolNotFound:
                continue  # it went before us
        return Applied(summary=f"{gone} ended Jobs of {errand.action.subject} are deleted.")

    async def look(self, tools: Tools, errand: Errand[CleanJobs]) -> Progress:
        wanted = planned(errand.pre)
        there = {str(job["metadata"]["uid"]) for job in await read_list(tools, "Job", errand.action.namespace)}
        left = sum(uid in there for uid in wanted.values())
        if left == len(wanted):
            return Progress(state="not_applied", words=f"All {left} are there.")
        words = f"{len(wanted) - left} of {len(wanted)} Jobs are gone."
        return Progress(state="applied" if left else "settled", words=words)

    async def verify(self, tools: Tools, errand: Errand[CleanJobs]) -> tuple[EffectCheck, ...]:
        progress = await self.look(tools, errand)
        checks = [
            EffectCheck(
                name="gone", judgement="good" if progress.state == "settled" else "unknown", words=progress.words
            )
        ]
        try:
            await read_object(tools, errand.action.subject)
        except ToolNotFound:
            checks.append(EffectCheck(name="exists", judgement="worse", words=f"{errand.action.subject} is gone."))
        return tuple(checks)


def planned(pre: PreState) -> Mapping[str, str]:
    """Names and uids of the Jobs to delete."""
    jobs = pre.bound.get("jobs")
    return {name: str(uid) for name, uid in jobs.items()} if isinstance(jobs, dict) else {}


async def _delete(tools: Tools, errand: Errand[CleanJobs], name: str, uid: str, *, dry_run: bool) -> None:
    arguments: dict[str, Json] = {
        "name": name,
        "namespace": errand.action.namespace,
        "uid": uid,
        "dry_run": dry_run,
    }
    try:
        await tools.call("kubernetes.delete_finished_job", arguments)
    except ToolNotFound as error:
        if dry_run:
            raise ToolRejected(error.message, "It went by itself: make a new plan.") from error
        raise


def ended_at(job: Object) -> datetime | None:
    """None while it runs."""
    conditions = (job.get("status") or {}).get("conditions") or []
    end = next((one for one in conditions if one.get("type") in _ENDS and one.get("status") == "True"), None)
    return datetime.fromisoformat(str(end["lastTransitionTime"])) if end else None
