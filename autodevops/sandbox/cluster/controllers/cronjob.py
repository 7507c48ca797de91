"""CronJobs: a Job at each moment of a schedule. Nothing is made up for the time before a CronJob was in the store."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from autodevops.sandbox.basics.moments import parse_rfc3339, rfc3339
from autodevops.sandbox.cluster.admission import Denied
from autodevops.sandbox.cluster.controllers.job_parts import finished
from autodevops.sandbox.cluster.controllers.pods import is_terminating
from autodevops.sandbox.cluster.controllers.schedules import Schedule, parse_schedule
from autodevops.sandbox.cluster.controllers.writes import Backoff, concerned, create, owned, replace
from autodevops.sandbox.cluster.meta import controlled_by, owner_reference
from autodevops.sandbox.cluster.recorder import Recorder
from autodevops.sandbox.cluster.store import Change, Json, Key, Store, copied, key_of

_LATE = 0.1  # seconds after the moment due at which the loop looks
_TOO_MANY = 100  # missed starts
_SCHEDULED = "batch.kubernetes.io/cronjob-scheduled-timestamp"


class CronJobs:
    """The loop over CronJobs."""

    name = "cronjob"
    kinds = ("CronJob", "Job")

    def __init__(self, store: Store) -> None:
        self._store = store
        self._events = Recorder(store, "cronjob-controller")
        self._backoff = Backoff()

    def concerns(self, change: Change) -> Iterable[tuple[Key, float]]:
        return concerned(change, "CronJob", "Job")

    def reconcile(self, key: Key) -> float | None:
        item = self._store.get(*key)
        if item is None:
            self._backoff.succeeded(key)
            return None
        status = copied(item.get("status", {}))
        jobs = owned(self._store, "Job", item)
        self._follow(item, status, jobs)
        try:
            again = None if is_terminating(item) else self._start(item, status)
            self._backoff.succeeded(key)
        except Denied:
            again = self._store.now + self._backoff.failed(key)
        self._clean_up(item, status, jobs)
        if not status.get("active"):
            status.pop("active", None)
        if status != item.get("status", {}):
            replace(self._store, item, status=status)
        return again

    def _follow(self, item: Json, status: Json, jobs: Sequence[Json]) -> None:
        """See which Jobs ended, appeared, or vanished."""
        for job in jobs:
            known, ended = _is_active(status, job), finished(job)
            name = job["metadata"]["name"]
            if ended is None and not known:
                said = f"Saw a job that the controller did not create or forgot: {name}"
                self._events.warning(item, "UnexpectedJob", said)
            if ended is not None and known:
                _drop(status, job["metadata"]["uid"])
                said = f"Saw completed job: {name}, condition: {ended['type']}"
                self._events.normal(item, "SawCompletedJob", said)
            done = job.get("status", {}).get("completionTime")
            if ended is not None and ended["type"] == "Complete" and done:
                status["lastSuccessfulTime"] = max(done, status.get("lastSuccessfulTime", done))
        here = {job["metadata"]["uid"] for job in jobs}
        for one in [one for one in status.get("active", ()) if one["uid"] not in here]:
            self._events.normal(item, "MissingJob", f"Active job went missing: {one['name']}")
            _drop(status, one["uid"])

    def _start(self, item: Json, status: Json) -> float | None:
        """Start the Job that is due, if one is; returns when to look again. Raises Denied."""
        spec, now = item["spec"], self._store.now
        zone, text = str(spec.get("timeZone") or ""), str(spec["schedule"])
        try:
            ZoneInfo(zone or "UTC")
        except (ZoneInfoNotFoundError, ValueError):
            said = f'invalid timeZone: "{zone}": unknown time zone {zone}'
            self._events.warning(item, "UnknownTimeZone", said)
            return None
        if spec.get("suspend"):
            return None
        try:
            schedule = parse_schedule(text, zone)
        except ValueError as error:
            self._events.warning(item, "UnparseableSchedule", f'unparseable schedule: "{text}" : {error}')
            return None
        since = max(self._born(item), parse_rfc3339(status["lastScheduleTime"]) if "lastScheduleTime" in status else 0)
        again = schedule.following(max(since, now) if not schedule.every else since) + _LATE
        due = self._due(item, schedule, since)
        if due is None:
            return again if again < float("inf") else None
        again = schedule.following(due if schedule.every else now) + _LATE
        if self._is_too_late(item, due):
            moment = datetime.fromtimestamp(due, UTC).strftime("%a, %d %b %Y %H:%M:%S UTC")
            self._events.warning(item, "MissSchedule", f"Missed scheduled time to start a job: {moment}")
            return again
        name = f"{item['metadata']['name']}-{int(due) // 60}"
        if any(one["name"] == name for one in status.get("active", ())):
            return again
        if spec.get("concurrencyPolicy") == "Forbid" and status.get("active"):
            said = "Not starting job because prior execution is running and concurrency policy is Forbid"
            self._events.normal(item, "JobAlreadyActive", said)
            return again
        if spec.get("concurrencyPolicy") == "Replace":
            for one in [*status.get("active", ())]:
                self._delete(item, status, Key("Job", one["namespace"], one["name"]))
        self._make(item, status, name, due, schedule)
        return again

    def _born(self, item: Json) -> float:
        """Since when (epoch s) the object is in the store, whatever its creationTimestamp says."""
        versions = self._store.history(key_of(item))
        born = versions[-1].at
        for version in reversed(versions):
            if version.object is None:
                break
            born = version.at
        return max(born, parse_rfc3339(item["metadata"]["creationTimestamp"]))

    def _due(self, item: Json, schedule: Schedule, since: float) -> float | None:
        now, seconds = self._store.now, item["spec"].get("startingDeadlineSeconds")
        earliest = since if seconds is None else max(since, now - seconds)
        due = schedule.latest(since if schedule.every else earliest, now)
        if due is not None and schedule.missed(earliest, now, _TOO_MANY + 1) > _TOO_MANY:
            said = "too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew"
            self._events.warning(item, "TooManyMissedTimes", said)
        return schedule.latest(since, now) if due is None and seconds is not None else due

    def _is_too_late(self, item: Json, due: float) -> bool:
        seconds = item["spec"].get("startingDeadlineSeconds")
        return seconds is not None and due + seconds < self._store.now

    def _make(self, item: Json, status: Json, name: str, due: float, schedule: Schedule) -> None:
        template, namespace = item["spec"]["jobTemplate"], item["metadata"]["namespace"]
        meta = copied(template.get("metadata") or {})
        moment = datetime.fromtimestamp(due, schedule.zone).isoformat(timespec="seconds").replace("+00:00", "Z")
        meta["annotations"] = {**meta.get("annotations", {}), _SCHEDULED: moment}
        meta |= {"name": name, "namespace": namespace, "ownerReferences": [owner_reference(item)]}
        meta.pop("creationTimestamp", None)
        job: Json | None = {"apiVersion": "batch/v1", "kind": "Job", "metadata": meta}
        try:
            job = create(self._store, {**(job or {}), "spec": copied(template["spec"])})
        except FileExistsError:
            job = self._store.get("Job", namespace, name)
            if job is None or not controlled_by(job, item) or status.get("lastScheduleTime") == rfc3339(due):
                return
        except Denied as error:
            self._events.warning(item, "FailedCreate", f"Error creating job: {error}")
            raise
        else:
            self._events.normal(item, "SuccessfulCreate", f"Created job {name}")
        meta = job["metadata"]
        reference = {"kind": "Job", "namespace": namespace, "name": name, "uid": meta["uid"], "apiVersion": "batch/v1"}
        active = [*status.get("active", ()), {**reference, "resourceVersion": meta["resourceVersion"]}]
        status |= {"active": active, "lastScheduleTime": rfc3339(due)}

    def _clean_up(self, item: Json, status: Json, jobs: Sequence[Json]) -> None:
        """Delete the oldest finished Jobs beyond the limits of history."""
        limits = {"Complete": "successfulJobsHistoryLimit", "Failed": "failedJobsHistoryLimit"}
        defaults = {"Complete": 3, "Failed": 1}
        for kind, field in limits.items():
            ended = [job for job in jobs if (finished(job) or {}).get("type") == kind]
            ended.sort(key=lambda job: (job.get("status", {}).get("startTime", ""), job["metadata"]["name"]))
            for job in ended[: max(len(ended) - item["spec"].get(field, defaults[kind]), 0)]:
                self._delete(item, status, key_of(job))

    def _delete(self, item: Json, status: Json, key: Key) -> None:
        job = self._store.get(*key)
        if job is None or is_terminating(job):
            return
        self._store.delete(key)
        _drop(status, job["metadata"]["uid"])
        self._events.normal(item, "SuccessfulDelete", f"Deleted job {key.name}")


def _is_active(status: Json, job: Json) -> bool:
    return any(one["uid"] == job["metadata"]["uid"] for one in status.get("active", ()))


def _drop(status: Json, uid: str) -> None:
    status["active"] = [one for one in status.get("active", ()) if one["uid"] != uid]
