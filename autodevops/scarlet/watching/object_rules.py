"""Which states of objects are signs of trouble. A small table: what causes them is found by the engine's rules.

Nothing is trouble that is on its way: a rollout within its deadline, a pod that starts as long as its siblings did, a
job that tries again, what was scaled down.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from statistics import median_high
from typing import Any, Final

from autodevops.domain.signal import IncidentSeverity
from autodevops.domain.subject import Subject
from autodevops.investigation.inventory import Object, controller_of, has_condition, items, metadata, name_of, section
from autodevops.investigation.rollouts import parse_time
from autodevops.investigation.rules.node_out_of_memory import confuses_limits
from autodevops.investigation.rules.pods import last_of
from autodevops.scarlet.watching.places import Places, known_as, subject_of
from autodevops.scarlet.watching.sight import Seen

Objects = Mapping[str, Sequence[Object]]

RECENT: Final = timedelta(minutes=10)
"""What ended within this time counts as happening: the kubelet's longest back-off is five minutes."""
SETTLED: Final = timedelta(minutes=1)
"""What schedulers, provisioners and probes put right by themselves is over by then."""
STARTING: Final = timedelta(minutes=2)
"""A start is given this time at least, and three times what its siblings took."""
DEADLINE: Final = timedelta(minutes=10)
"""Where there is no sibling: a Deployment's own default."""
A_DAY: Final = timedelta(days=1)
_LONGEST: Final = 300  # characters of what is said: runtimes repeat themselves at every layer

_WAITING: Final = {
    "CrashLoopBackOff": "CrashLoopBackOff",
    **dict.fromkeys(("ImagePullBackOff", "ErrImagePull", "ErrImageNeverPull", "InvalidImageName"), "ImagePullBackOff"),
    **dict.fromkeys(("CreateContainerConfigError", "CreateContainerError", "RunContainerError"), "ContainerNotCreated"),
}
# What pods and workloads do not say themselves: reason of the event, and how often it must have come.
_EVENTS: Final[Mapping[str, tuple[IncidentSeverity, int]]] = {
    "FailedMount": ("major", 3),
    "FailedAttachVolume": ("major", 2),
    "FailedCreatePodSandBox": ("major", 3),
    "NetworkNotReady": ("major", 3),
    "ProvisioningFailed": ("major", 1),
    "FailedCreate": ("major", 2),
    "SystemOOM": ("major", 1),
    "EvictionThresholdMet": ("major", 1),
    "FreeDiskSpaceFailed": ("major", 2),
    "ImageGCFailed": ("minor", 2),
    "ContainerGCFailed": ("minor", 2),
}


def signs(objects: Objects, places: Places, now: datetime) -> Iterator[Seen]:
    pods = objects.get("Pod", ())
    siblings = _Siblings(pods, places)
    nodes = objects.get("Node", ())
    lost = {name_of(node) for node in nodes if not has_condition(node, "Ready")}
    for pod in pods:
        if section(pod, "spec").get("nodeName") not in lost:  # what its node's kubelet says of it is old
            yield from _pod(pod, siblings, now)
    for deployment in objects.get("Deployment", ()):
        yield from _deployment(deployment, siblings, now)
    for node in nodes:
        yield from _node(node, now)
    yield from _jobs(objects.get("Job", ()), now)
    yield from _claims(objects, now)
    for autoscaler in objects.get("HorizontalPodAutoscaler", ()):
        yield from _autoscaler(autoscaler, now)
    yield from _events(objects.get("Event", ()), {name_of(one) for one in nodes if confuses_limits(one)}, now)


def _seen(
    item: Object, name: str, severity: IncidentSeverity, words: str, since: datetime, *, about: Subject | None = None
) -> Seen:
    subject = about or subject_of(item, str(item.get("kind", "")))
    said = " ".join(words.split())
    said = said if len(said) <= _LONGEST else f"{said[:_LONGEST]}..."
    return Seen(
        origin=f"object/{item.get('kind')}",
        name=name,
        subject=subject,
        namespace=subject.namespace,
        severity=severity,
        words=said if said.endswith((".", "...")) else f"{said}.",
        since=since,
    )


def _condition(item: Object, kind: str) -> Mapping[str, Any]:
    return next((one for one in items(item, "status", "conditions") if one.get("type") == kind), {})


def _time(value: object, otherwise: datetime) -> datetime:
    return parse_time(value) or otherwise


def _changed(condition: Mapping[str, Any], otherwise: datetime) -> datetime:
    return _time(condition.get("lastTransitionTime"), otherwise)


def _created(item: Object, now: datetime) -> datetime:
    return _time(metadata(item).get("creationTimestamp"), now)


class _Siblings:
    """How long pods of one workload take until they are ready, as those do that are."""

    def __init__(self, pods: Iterable[Object], places: Places) -> None:
        self._places = places
        self._pods: dict[Subject, list[Object]] = {}
        for pod in pods:
            self._pods.setdefault(places.owner(subject_of(pod, "Pod")), []).append(pod)
        self._took: dict[Subject, timedelta | None] = {}

    def of(self, workload: Subject) -> list[Object]:
        return self._pods.get(workload, [])

    def patience(self, pod: Object) -> timedelta:
        workload = self._places.owner(subject_of(pod, "Pod"))
        if workload not in self._took:
            took = [
                _changed(ready, started) - started
                for one in self._pods.get(workload, ())
                if (ready := _condition(one, "Ready")).get("status") == "True"
                and (started := _started(one)) is not None
            ]
            self._took[workload] = max(median_high(took), timedelta(0)) if took else None
        usual = self._took[workload]
        return DEADLINE if usual is None else min(max(STARTING, 3 * usual), DEADLINE)


def _started(pod: Object) -> datetime | None:
    """When the last of its containers began; None while one does not run."""
    began = [
        parse_time(section(one, "state", "running").get("startedAt"))
        for one in items(pod, "status", "containerStatuses")
    ]
    return max(known) if (known := [at for at in began if at is not None]) and len(known) == len(began) else None


def _pod(pod: Object, siblings: _Siblings, now: datetime) -> Iterator[Seen]:
    name, phase, created = name_of(pod), section(pod, "status").get("phase"), _created(pod, now)
    leaving = parse_time(metadata(pod).get("deletionTimestamp"))
    owner = controller_of(pod)
    of_job = owner is not None and owner[0] == "Job"
    if leaving is not None:
        if now - leaving > DEADLINE:
            yield _seen(
                pod, "StuckTerminating", "minor", f"Pod {name} should have been gone since {leaving:%H:%M}", leaving
            )
        return
    if phase == "Failed" and not of_job:
        reason = str(section(pod, "status").get("reason") or "")
        ended = max((_changed(one, created) for one in items(pod, "status", "conditions")), default=created)
        if reason and now - ended <= RECENT:
            said = section(pod, "status").get("message") or ""
            yield _seen(pod, reason, "major", f"Pod {name} was ended ({reason}): {said}", ended)
    if phase not in ("Pending", "Running", "Unknown"):
        return
    stuck = list(_waiting(pod, created, of_job=of_job, now=now))
    yield from stuck
    yield from _ended(pod, of_job=of_job, now=now)
    if phase == "Pending" and not stuck:
        yield from _pending(pod, created, now)
    if phase == "Running" and not stuck and not of_job:
        yield from _unready(pod, siblings, now)


def _containers(pod: Object) -> list[Mapping[str, Any]]:
    return [*items(pod, "status", "initContainerStatuses"), *items(pod, "status", "containerStatuses")]


def _waiting(pod: Object, created: datetime, *, of_job: bool, now: datetime) -> Iterator[Seen]:
    since = _changed(_condition(pod, "Ready"), created)
    for one in _containers(pod):
        waiting = section(one, "state", "waiting")
        name = _WAITING.get(str(waiting.get("reason", "")), "")
        if not name or (of_job and name == "CrashLoopBackOff"):
            continue
        said = str(waiting.get("message") or "").rstrip(".")
        words = f"Container {one.get('name')} of pod {name_of(pod)} waits in {waiting.get('reason')}: {said}"
        if name != "CrashLoopBackOff":
            yield _seen(pod, name, "major", words, min(since, now))
            continue
        ended = section(one, "lastState", "terminated")
        why = f" (exit code {ended.get('exitCode')}{', ' + str(ended.get('reason')) if ended.get('reason') else ''})"
        yield _seen(pod, name, "major", f"{words}{why if ended else ''}", min(since, now))


def _ended(pod: Object, *, of_job: bool, now: datetime) -> Iterator[Seen]:
    for one in _containers(pod):
        ended = section(one, "state", "terminated") or section(one, "lastState", "terminated")
        at, began = parse_time(ended.get("finishedAt")), parse_time(ended.get("startedAt"))
        if at is None or now - at > RECENT or ended.get("exitCode") in (0, None):
            continue
        restarts = one.get("restartCount")
        times = restarts if isinstance(restarts, int) else 0
        who = f"Container {one.get('name')} of pod {name_of(pod)}"
        if ended.get("reason") == "OOMKilled":
            yield _seen(
                pod, "OOMKilled", "major", f"{who} was killed for its memory at {at:%H:%M:%S}; {times} restarts", at
            )
        elif not of_job and times >= 2 and began is not None and at - began < RECENT:
            lasted = (at - began).total_seconds()
            words = f"{who} ended with exit code {ended.get('exitCode')} after {lasted:.0f} s; {times} restarts"
            yield _seen(pod, "ContainerRestarting", "major", words, at)


def _pending(pod: Object, created: datetime, now: datetime) -> Iterator[Seen]:
    scheduled = _condition(pod, "PodScheduled")
    if scheduled.get("status") != "True":
        since = _changed(scheduled, created)
        if scheduled.get("reason") == "SchedulingGated" or now - since <= SETTLED:
            return
        said = scheduled.get("message") or "no scheduler has looked at it"
        yield _seen(pod, "Unschedulable", "major", f"Pod {name_of(pod)} waits for a node: {said}", since)
        return
    since = _changed(scheduled, created)
    initializing = any(section(one, "state", "running") for one in items(pod, "status", "initContainerStatuses"))
    if now - since > (DEADLINE if initializing else STARTING):
        words = f"Pod {name_of(pod)} is being created since {since:%H:%M:%S} and none of its containers runs"
        yield _seen(pod, "PodNotStarting", "major", words, since)


def _unready(pod: Object, siblings: _Siblings, now: datetime) -> Iterator[Seen]:
    ready, started = _condition(pod, "Ready"), _started(pod)
    if not ready or ready.get("status") == "True" or started is None:
        return
    changed = _changed(ready, started)
    was_ready = changed > started
    since = max(changed, started)
    if now - since > (SETTLED if was_ready else siblings.patience(pod)):
        words = (
            f"Pod {name_of(pod)} is not ready any more since {since:%H:%M:%S}"
            if was_ready
            else f"Pod {name_of(pod)} runs since {since:%H:%M:%S} and is not ready"
        )
        said = ready.get("message") or ready.get("reason")
        yield _seen(pod, "PodNotReady", "major", f"{words}: {said}" if said else words, since)


def _deployment(item: Object, siblings: _Siblings, now: datetime) -> Iterator[Seen]:
    wanted = section(item, "spec").get("replicas", 1)
    if not wanted:
        return
    name, created = name_of(item), _created(item, now)
    progressing, failing = _condition(item, "Progressing"), _condition(item, "ReplicaFailure")
    available = _condition(item, "Available")
    if failing.get("status") == "True":
        said = f"Pods of {name} are not made: {failing.get('message') or failing.get('reason')}"
        yield _seen(item, "FailedCreate", "major", said, _changed(failing, created))
    if progressing.get("status") == "False":
        said = f"The rollout of {name} does not get on: {progressing.get('message') or progressing.get('reason')}"
        yield _seen(item, "RolloutStuck", "major", said, _changed(progressing, created))
    there = section(item, "status").get("availableReplicas") or 0
    since = _changed(available, created)
    if available.get("status") == "False" and now - since > SETTLED and not _starts(item, wanted, siblings, now):
        severity: IncidentSeverity = "major" if there else "critical"
        yield _seen(item, "ReplicasUnavailable", severity, f"{there} of {wanted} pods of {name} are available", since)


def _starts(item: Object, wanted: int, siblings: _Siblings, now: datetime) -> bool:
    """Whether all that is missing is on its way: pods within the time that a start may take."""
    pods = [pod for pod in siblings.of(subject_of(item, "Deployment")) if not metadata(pod).get("deletionTimestamp")]
    late = [
        pod
        for pod in pods
        if not has_condition(pod, "Ready") and now - (_started(pod) or _created(pod, now)) > siblings.patience(pod)
    ]
    broken = any(list(_waiting(pod, now, of_job=False, now=now)) for pod in pods)
    return len(pods) >= wanted and not late and not broken


def _node(node: Object, now: datetime) -> Iterator[Seen]:
    created = _created(node, now)
    if now - created < DEADLINE / 2:
        return
    for one in items(node, "status", "conditions"):
        kind, status = str(one.get("type", "")), one.get("status")
        since, said = _changed(one, created), str(one.get("message") or one.get("reason") or "")
        if kind == "Ready" and status != "True":
            yield _seen(node, "NodeNotReady", "critical", f"Node {name_of(node)} is not ready: {said}", since)
        elif kind in ("MemoryPressure", "DiskPressure", "PIDPressure", "NetworkUnavailable") and status == "True":
            yield _seen(node, f"Node{kind}", "major", f"Node {name_of(node)} has {kind}: {said}", since)


def _jobs(jobs: Sequence[Object], now: datetime) -> Iterator[Seen]:
    """Failed ones that were not followed by one of the same CronJob that succeeded."""
    done: dict[Subject, datetime] = {}
    for job in jobs:
        if (complete := _condition(job, "Complete")).get("status") == "True":
            about, at = _of_cron_job(job), _changed(complete, _created(job, now))
            done[about] = max(done.get(about, at), at)
    for job in jobs:
        failed = _condition(job, "Failed")
        at, about = _changed(failed, _created(job, now)), _of_cron_job(job)
        if failed.get("status") != "True" or now - at > A_DAY or (about in done and done[about] > at):
            continue
        said = f"Job {name_of(job)} failed: {failed.get('message') or failed.get('reason')}"
        yield _seen(job, "JobFailed", "minor", said, at, about=about)


def _of_cron_job(job: Object) -> Subject:
    owner = controller_of(job)
    if owner is None or owner[0] != "CronJob":
        return subject_of(job, "Job")
    return known_as("CronJob", owner[1], str(metadata(job).get("namespace") or ""))


def _claims(objects: Objects, now: datetime) -> Iterator[Seen]:
    later = {
        name_of(one)
        for one in objects.get("StorageClass", ())
        if one.get("volumeBindingMode") == "WaitForFirstConsumer"
    }
    used: set[tuple[str, str]] = set()
    for pod in objects.get("Pod", ()):
        names = section(pod, "spec", "volumes", "persistentVolumeClaim").get("claimName") or []
        used |= {(str(metadata(pod).get("namespace")), str(name)) for name in names if name}
    for claim in objects.get("PersistentVolumeClaim", ()):
        phase, created, name = section(claim, "status").get("phase"), _created(claim, now), name_of(claim)
        if phase == "Lost":
            yield _seen(claim, "VolumeLost", "critical", f"The volume of claim {name} is lost", created)
        waits = section(claim, "spec").get("storageClassName") in later
        mounted = (str(metadata(claim).get("namespace")), name) in used
        if phase == "Pending" and now - created > SETTLED and (mounted or not waits):
            yield _seen(claim, "ClaimPending", "major", f"Claim {name} has no volume since {created:%H:%M:%S}", created)


def _autoscaler(item: Object, now: datetime) -> Iterator[Seen]:
    for kind in ("ScalingActive", "AbleToScale"):
        one = _condition(item, kind)
        since = _changed(one, _created(item, now))
        if one.get("status") == "False" and one.get("reason") != "ScalingDisabled" and now - since > STARTING:
            said = f"Autoscaler {name_of(item)} cannot scale ({one.get('reason')}): {one.get('message') or ''}"
            yield _seen(item, "AutoscalerBlind", "minor", said, since)
            return


def _events(events: Iterable[Object], confused: Container[str], now: datetime) -> Iterator[Seen]:
    for event in events:
        reason = str(event.get("reason", ""))
        about = section(event, "involvedObject") or section(event, "regarding")
        last = last_of(event) or now
        count = event.get("count") or section(event, "series").get("count") or 1
        severity, least = _EVENTS.get(reason, ("minor", 0))
        if not least or now - last > RECENT / 2 or not isinstance(count, int) or count < least:
            continue
        kind, name = str(about.get("kind", "")), str(about.get("name", ""))
        if kind == "ReplicaSet" or (reason == "SystemOOM" and name in confused):
            continue  # its Deployment says it, and for as long as it is so; a container's limit is told by its pod
        namespace = "" if kind == "Node" else str(about.get("namespace") or metadata(event).get("namespace") or "")
        subject = known_as(kind, name, namespace)
        first = min(_time(event.get("firstTimestamp"), last), last)
        said = f"{kind} {name}, {count} times {reason}: {event.get('message') or event.get('note') or ''}"
        yield _seen({"kind": "Event"}, reason, severity, said, first, about=subject)
