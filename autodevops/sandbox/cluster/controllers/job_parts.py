"""How a Job stands: which pods succeeded and failed, whether it is over and why, how many pods it wants."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from autodevops.sandbox.basics.moments import parse_rfc3339
from autodevops.sandbox.cluster.controllers.pods import is_active, is_terminating, phase
from autodevops.sandbox.cluster.store import Json

INDEX = "batch.kubernetes.io/job-completion-index"


@dataclass
class Tally:
    """What ended so far, by uid, so that a pod that is deleted still counts."""

    succeeded: set[str] = field(default_factory=set)
    failed: set[str] = field(default_factory=set)
    ignored: set[str] = field(default_factory=set)
    indexes: set[int] = field(default_factory=set)
    failures_in_a_row: int = 0
    last_failure: float = 0.0
    _seen: dict[str, str] = field(default_factory=dict)

    def count(self, item: Json, pods: Sequence[Json]) -> None:
        """Take in pods that ended, in the order in which they did; active ones that vanished count as failed."""
        here = {pod["metadata"]["uid"] for pod in pods}
        ended = [pod for pod in pods if phase(pod) in ("Succeeded", "Failed")]
        for pod in sorted(ended, key=ended_at):
            uid = pod["metadata"]["uid"]
            if uid in self.succeeded or uid in self.failed or uid in self.ignored:
                continue
            if phase(pod) == "Succeeded":
                self._succeed(item, pod, uid)
            elif rule_for(item, pod) == "Ignore":
                self.ignored.add(uid)
            else:
                self.failed.add(uid)
                self.failures_in_a_row += 1
                self.last_failure = ended_at(pod)
        only_failed = replaces_only_failed(item)
        for pod in pods:
            uid = pod["metadata"]["uid"]
            if is_terminating(pod) and is_unfinished(pod) and not only_failed and uid not in self.ignored:
                self.failed.add(uid)
            elif is_active(pod):
                self._seen[uid] = pod["metadata"]["name"]
        for uid in [uid for uid in self._seen if uid not in here]:
            del self._seen[uid]
            if uid not in self.succeeded | self.ignored:
                self.failed.add(uid)

    def _succeed(self, item: Json, pod: Json, uid: str) -> None:
        if is_indexed(item):
            index = index_of(pod)
            if index is None or index in self.indexes or index >= (completions_of(item) or 0):
                return
            self.indexes.add(index)
        self.succeeded.add(uid)
        self.failures_in_a_row = 0


@dataclass(frozen=True)
class Outcome:
    """How a Job ends: `target` is the condition that is set while its last pods still go."""

    kind: str
    target: str
    reason: str
    message: str


def finished(item: Json) -> Json | None:
    """The condition that says the Job is over."""
    conditions = item.get("status", {}).get("conditions", ())
    return next((one for one in conditions if one["type"] in ("Complete", "Failed") and one["status"] == "True"), None)


def is_unfinished(pod: Json) -> bool:
    return phase(pod) not in ("Succeeded", "Failed")


def completions_of(item: Json) -> int | None:
    """How many pods shall succeed; None for a work queue, whose pods know themselves when all is done."""
    spec = item["spec"]
    if spec.get("completions") is None and spec.get("parallelism") is None:
        return 1
    found: int | None = spec.get("completions")
    return found


def is_indexed(item: Json) -> bool:
    return bool(item["spec"].get("completionMode") == "Indexed")


def index_of(pod: Json) -> int | None:
    text = str((pod["metadata"].get("annotations") or {}).get(INDEX, ""))
    return int(text) if text.isdigit() else None


def replaces_only_failed(item: Json) -> bool:
    """Whether a pod that is going away is replaced only when it is gone."""
    policy = item["spec"].get("podReplacementPolicy")
    return policy == "Failed" or (policy is None and bool(item["spec"].get("podFailurePolicy")))


def ended_at(pod: Json) -> float:
    """When the last container ended (epoch s)."""
    states = [
        one.get("state", {}).get("terminated") or {} for one in pod.get("status", {}).get("containerStatuses", ())
    ]
    moments = [parse_rfc3339(one["finishedAt"]) for one in states if one.get("finishedAt")]
    return max(moments, default=parse_rfc3339(pod["metadata"]["creationTimestamp"]))


def outcome(item: Json, pods: Sequence[Json], tally: Tally, now: float) -> Outcome | None:
    """Whether and how the Job is over; None while it goes on."""
    spec = item["spec"]
    decided = _decided(item)
    if decided is not None:
        return decided
    for pod in [one for one in pods if phase(one) == "Failed"]:
        if rule_for(item, pod) == "FailJob":
            return Outcome("Failed", "FailureTarget", "PodFailurePolicy", _policy_message(item, pod))
    started = item.get("status", {}).get("startTime")
    seconds = spec.get("activeDeadlineSeconds")
    limit = spec.get("backoffLimit", 6)
    if len(tally.failed) > limit or _restarts_beyond(item, pods, limit):
        return _failed("BackoffLimitExceeded", "Job has reached the specified backoff limit")
    if seconds is not None and started and not spec.get("suspend") and now >= parse_rfc3339(started) + seconds:
        return _failed("DeadlineExceeded", "Job was active longer than specified deadline")
    completions = completions_of(item)
    if completions is None:
        done = bool(tally.succeeded) and not any(is_active(pod) for pod in pods)
    else:
        done = len(tally.succeeded) >= completions
    if done:
        message = "Reached expected number of succeeded pods"
        return Outcome("Complete", "SuccessCriteriaMet", "CompletionsReached", message)
    return None


def _decided(item: Json) -> Outcome | None:
    for one in item.get("status", {}).get("conditions", ()):
        if one["type"] in ("SuccessCriteriaMet", "FailureTarget") and one["status"] == "True":
            kind = "Complete" if one["type"] == "SuccessCriteriaMet" else "Failed"
            return Outcome(kind, one["type"], one["reason"], one["message"])
    return None


def _failed(reason: str, message: str) -> Outcome:
    return Outcome("Failed", "FailureTarget", reason, message)


def _restarts_beyond(item: Json, pods: Sequence[Json], limit: int) -> bool:
    """With restartPolicy OnFailure the restarts of containers count, not the pods."""
    if item["spec"]["template"]["spec"].get("restartPolicy") != "OnFailure":
        return False
    restarts = 0
    for pod in [one for one in pods if phase(one) in ("Running", "Pending")]:
        status = pod.get("status", {})
        found = [*status.get("initContainerStatuses", ()), *status.get("containerStatuses", ())]
        restarts += sum(one.get("restartCount", 0) for one in found)
    return restarts > 0 if limit == 0 else restarts >= limit


def rule_for(item: Json, pod: Json) -> str:
    """The action of the first rule of podFailurePolicy that a failed pod meets."""
    match = _matching_rule(item, pod)
    return str(match[0]["action"]) if match is not None else "Count"


def _matching_rule(item: Json, pod: Json) -> tuple[Json, int, Json] | None:
    for number, rule in enumerate((item["spec"].get("podFailurePolicy") or {}).get("rules", ())):
        codes = rule.get("onExitCodes")
        for one in pod.get("status", {}).get("containerStatuses", ()) if codes else ():
            code = (one.get("state", {}).get("terminated") or {}).get("exitCode", 0)
            if code == 0 or codes.get("containerName") not in (None, one["name"]):
                continue
            if (code in codes["values"]) == (codes["operator"] == "In"):
                return rule, number, {**one, "exitCode": code}
        for pattern in rule.get("onPodConditions", ()):
            for one in pod.get("status", {}).get("conditions", ()):
                if one["type"] == pattern["type"] and one["status"] == pattern.get("status", "True"):
                    return rule, number, one
    return None


def _policy_message(item: Json, pod: Json) -> str:
    match = _matching_rule(item, pod)
    assert match is not None
    _, number, one = match
    name = f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"
    end = f"matching FailJob rule at index {number}"
    if "exitCode" in one:
        return f"Container {one['name']} for pod {name} failed with exit code {one['exitCode']} {end}"
    return f"Pod {name} has condition {one['type']} {end}"


def wanted_active(item: Json, active: int, tally: Tally) -> int:
    """How many pods should run now."""
    parallelism, completions = item["spec"].get("parallelism", 1), completions_of(item)
    if completions is None:
        return active if tally.succeeded else int(parallelism)
    return int(min(parallelism, max(completions - len(tally.succeeded), 0)))


def free_indexes(item: Json, active: Iterable[Json], tally: Tally) -> list[int | None]:
    taken = {index_of(pod) for pod in active} | tally.indexes
    return [index for index in range(completions_of(item) or 0) if index not in taken]


def ranges(indexes: Iterable[int]) -> str:
    """`1,3-5`: three or more in a row are joined by a hyphen."""
    found: list[list[int]] = []
    for index in sorted(indexes):
        if found and found[-1][-1] == index - 1:
            found[-1].append(index)
        else:
            found.append([index])
    return ",".join(f"{run[0]}-{run[-1]}" if len(run) > 2 else ",".join(map(str, run)) for run in found)
