"""Jobs: pods that shall end, retried when they fail, until enough succeeded or too many failed.

What is not here: successPolicy, backoffLimitPerIndex, and the finalizer by which the real loop keeps pods from going
uncounted; pods counted once are remembered in this loop instead.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from autodevops.sandbox.basics.moments import parse_rfc3339, rfc3339
from autodevops.sandbox.cluster.admission import Denied
from autodevops.sandbox.cluster.controllers import job_parts as parts
from autodevops.sandbox.cluster.controllers.pods import (
    PodControl,
    claim,
    from_template,
    is_active,
    is_terminating,
    phase,
    ready_since,
    soonest,
)
from autodevops.sandbox.cluster.controllers.writes import Backoff, concerned, counted, owned, replace
from autodevops.sandbox.cluster.meta import set_condition
from autodevops.sandbox.cluster.recorder import Recorder
from autodevops.sandbox.cluster.store import Change, Json, Key, Store, key_of

_FIRST_RETRY, _LAST_RETRY = 10.0, 600.0  # seconds after a pod failed


class Jobs:
    """The loop over Jobs."""

    name = "job"
    kinds = ("Job", "Pod")

    def __init__(self, store: Store) -> None:
        self._store = store
        self._events = Recorder(store, "job-controller")
        self._pods = PodControl(store, "job-controller")
        self._backoff = Backoff()
        self._tallies: dict[str, parts.Tally] = {}

    def concerns(self, change: Change) -> Iterable[tuple[Key, float]]:
        return concerned(change, "Job", "Pod")

    def reconcile(self, key: Key) -> float | None:
        item = self._store.get(*key)
        if item is None:
            self._backoff.succeeded(key)
            return None
        if parts.finished(item) is not None:
            return self._expire(key, item)
        if is_terminating(item):
            return None
        selector = item["spec"].get("selector")
        pods = claim(self._store, item, selector) if selector else owned(self._store, "Pod", item)
        tally = self._tallies.setdefault(item["metadata"]["uid"], parts.Tally())
        tally.count(item, pods)
        outcome = parts.outcome(item, pods, tally, self._store.now)
        failure, again = None, None
        if outcome is not None or item["spec"].get("suspend"):
            for pod in [one for one in pods if is_active(one)]:
                self._pods.delete(item, pod)
        else:
            try:
                again = self._manage(item, pods, tally)
            except Denied as error:
                failure = error
        self._write_status(item, pods, tally, outcome)
        if failure is not None:
            return self._store.now + self._backoff.failed(key)
        self._backoff.succeeded(key)
        return soonest(again, self._deadline(item))

    def _expire(self, key: Key, item: Json) -> float | None:
        """ttlSecondsAfterFinished: the Job goes by itself, its pods after it."""
        self._tallies.pop(item["metadata"]["uid"], None)
        seconds, ended = item["spec"].get("ttlSecondsAfterFinished"), parts.finished(item)
        if seconds is None or ended is None or is_terminating(item):
            return None
        moment = parse_rfc3339(ended["lastTransitionTime"]) + float(seconds)
        if moment > self._store.now:
            return moment
        self._store.delete(key)
        return None

    def _deadline(self, item: Json) -> float | None:
        seconds = item["spec"].get("activeDeadlineSeconds")
        fresh = self._store.get(*key_of(item))
        started = (fresh or {}).get("status", {}).get("startTime")
        if seconds is None or started is None or item["spec"].get("suspend") or parts.finished(fresh or {}):
            return None
        return max(parse_rfc3339(started) + float(seconds), self._store.now + 1.0)

    def _manage(self, item: Json, pods: Sequence[Json], tally: parts.Tally) -> float | None:
        """Start pods that are wanted and stop those that are not. Raises Denied."""
        active = [pod for pod in pods if is_active(pod)]
        terminating = sum(is_terminating(pod) and phase(pod) not in ("Succeeded", "Failed") for pod in pods)
        wanted = parts.wanted_active(item, len(active), tally)
        if len(active) > wanted:
            for pod in sorted(active, key=lambda one: ready_since(one) is not None)[: len(active) - wanted]:
                tally.ignored.add(pod["metadata"]["uid"])
                self._pods.delete(item, pod)
            return None
        missing = wanted - len(active)
        if parts.replaces_only_failed(item):
            missing = min(missing, item["spec"].get("parallelism", 1) - len(active) - terminating)
        if missing <= 0:
            return None
        if tally.failures_in_a_row:
            wait: float = min(_FIRST_RETRY * 2 ** min(tally.failures_in_a_row - 1, 10), _LAST_RETRY)
            if tally.last_failure + wait > self._store.now:
                return tally.last_failure + wait
        indexes = parts.free_indexes(item, active, tally)[:missing] if parts.is_indexed(item) else [None] * missing
        self._pods.create_many(item, [lambda index=index: _pod(item, index) for index in indexes])  # type: ignore[misc]
        return None

    def _write_status(
        self, item: Json, pods: Sequence[Json], tally: parts.Tally, outcome: parts.Outcome | None
    ) -> None:
        now, before = self._store.now, item.get("status", {})
        left = [one for one in (self._store.get(*key_of(pod)) for pod in pods) if one is not None]
        active = [pod for pod in left if is_active(pod)]
        going = [pod for pod in left if is_terminating(pod) and phase(pod) not in ("Succeeded", "Failed")]
        conditions: list[Json] = [dict(one) for one in before.get("conditions", ())]
        started = before.get("startTime")
        suspended = bool(item["spec"].get("suspend"))
        if suspended and outcome is None:
            started = None
            if not any(one["type"] == "Suspended" and one["status"] == "True" for one in conditions):
                _say(conditions, "Suspended", "True", now, "JobSuspended", "Job suspended")
                self._events.normal(item, "Suspended", "Job suspended")
        else:
            if any(one["type"] == "Suspended" and one["status"] == "True" for one in conditions):
                _say(conditions, "Suspended", "False", now, "JobResumed", "Job resumed")
                self._events.normal(item, "Resumed", "Job resumed")
            started = started or rfc3339(now)
        status = {
            **counted(active=len(active), succeeded=len(tally.succeeded), failed=len(tally.failed)),
            "ready": sum(ready_since(pod) is not None for pod in active),
            "terminating": len(going),
            "uncountedTerminatedPods": {},
        }
        if started:
            status["startTime"] = started
        if parts.is_indexed(item) and tally.indexes:
            status["completedIndexes"] = parts.ranges(tally.indexes)
        if outcome is not None:
            _say(conditions, outcome.target, "True", now, outcome.reason, outcome.message)
            if not active and not going:
                _say(conditions, outcome.kind, "True", now, outcome.reason, outcome.message)
                if outcome.kind == "Complete":
                    status["completionTime"] = rfc3339(now)
                    self._events.normal(item, "Completed", "Job completed")
                else:
                    self._events.warning(item, outcome.reason, outcome.message)
        if conditions:
            status["conditions"] = conditions
        if status != before:
            replace(self._store, item, status=status)


def _say(conditions: list[Json], kind: str, status: str, at: float, reason: str, message: str) -> None:
    known = next((one for one in conditions if one["type"] == kind and one["status"] == status), None)
    probed = known["lastProbeTime"] if known is not None else rfc3339(at)
    set_condition(conditions, kind, status, at, reason, message, lastProbeTime=probed)


def _pod(item: Json, index: int | None) -> Json:
    pod = from_template(item["spec"]["template"], item)
    if index is None:
        return pod
    meta, name = pod["metadata"], item["metadata"]["name"]
    meta["generateName"] = f"{name}-{index}-"
    meta["annotations"] = {**meta.get("annotations", {}), parts.INDEX: str(index)}
    meta["labels"] = {**meta.get("labels", {}), parts.INDEX: str(index)}
    pod["spec"]["hostname"] = f"{name}-{index}"
    field = {"fieldRef": {"apiVersion": "v1", "fieldPath": f"metadata.labels['{parts.INDEX}']"}}
    for container in [*pod["spec"]["containers"], *pod["spec"].get("initContainers", ())]:
        variables = container.setdefault("env", [])
        if not any(one["name"] == "JOB_COMPLETION_INDEX" for one in variables):
            variables.append({"name": "JOB_COMPLETION_INDEX", "valueFrom": field})
    return pod
