"""What can stand for health where no metric counts requests: every workload's own state, events, logs, jobs, readings.

Batch namespaces, operators and much that is not instrumented have no request metrics. They are well, as far as can be
seen, when all that should run is ready and has not restarted, Kubernetes warns of nothing that is still there, the logs
could be read and hold no new error, and no alert fires. Where a metric speaks of requests under a name that is not
known here, requests are served and their fate is not seen: then nobody can say so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Final

from autodevops.domain.evidence import Evidence
from autodevops.investigation.inventory import Object, Workload, has_condition, items, metadata, name_of, section
from autodevops.investigation.picture import Picture
from autodevops.investigation.rollouts import parse_time
from autodevops.investigation.rules.pods import containers, events, is_recent

_INFRASTRUCTURE: Final = re.compile(
    r"(?:kube|kubelet|container|node|machine|cadvisor|apiserver|etcd|coredns|scrape|up$|ALERTS|process|go|python|jvm|"
    r"nodejs|dotnet|process_runtime|prometheus|promhttp|probe|pg|mysql|redis|memcached|mongodb|rabbitmq|kafka|aws|"
    r"traces_service_graph|target|otelcol|net_conntrack|rest_client|workqueue|controller_runtime|certwatcher|leader)_?"
)
_DELAY: Final = timedelta(minutes=15)  # of metrics that come by way of a cloud
_REQUESTS: Final = re.compile(r"request|response|http|rpc|calls?_|latency|duration|handler|endpoint|route", re.I)


def unknown_request_metrics(evidence: tuple[Evidence, ...]) -> tuple[str, ...]:
    """Names among the namespace's metrics that speak of requests by a convention that is not known here."""
    names: set[str] = set()
    for item in evidence:
        data = item.data if item.tool == "prometheus.list_metrics" and item.ok else None
        found = data.get("names") if isinstance(data, Mapping) else None
        names.update(str(name) for name in (found if isinstance(found, list | tuple) else ()))
    return tuple(sorted(n for n in names if _REQUESTS.search(n) and not _INFRASTRUCTURE.match(n)))


def unsteady(picture: Picture) -> str:
    """What in Kubernetes' own words is not as it should be; empty where all stands as it was meant to."""
    return next(_signs(picture), "")


def _signs(picture: Picture) -> Iterator[str]:
    inventory = picture.inventory
    for workload in inventory.workloads:
        wanted, ready = _wanted(workload), _ready(workload)
        if ready < wanted:
            yield f"{workload.subject.name} has {ready} of {wanted} pods ready"
    for state in containers(picture):
        ended = parse_time(state.terminated.get("finishedAt"))
        began = parse_time(section(state.pod, "status").get("startTime"))
        when = ended or began  # of a restart nobody dated: it is no older than the pod
        if state.restarts and when is not None and picture.span.shows(when):
            yield f"{state.name} of {state.pod_name} has restarted"
    leaving = {name_of(pod) for pod in inventory.pods if metadata(pod).get("deletionTimestamp")}
    present = {name_of(pod) for pod in inventory.pods} - leaving
    for event in events(picture):
        gone = event.kind == "Pod" and event.name not in present
        if event.warning and not gone and is_recent(event.last, picture):
            yield f"Kubernetes warns: {event.reason} of {event.kind} {event.name}"
    for job in inventory.of_kind("CronJob"):
        last = parse_time(section(job, "status").get("lastScheduleTime"))
        good = parse_time(section(job, "status").get("lastSuccessfulTime"))
        running = items(job, "status", "active")
        if last is not None and not running and (good is None or good < last):
            yield f"the last run of CronJob {name_of(job)} has not succeeded"


def anything_runs(picture: Picture) -> bool:
    """Whether the state of anything says something: pods that should run, a job that ran, a store that is read."""
    workloads = any(_wanted(workload) > 0 for workload in picture.inventory.workloads)
    late = (picture.span.window.end - _DELAY).timestamp()
    read = any(len(reading.times) and reading.times[-1] >= late for reading in picture.readings)
    return workloads or jobs_done(picture) or read


def jobs_done(picture: Picture) -> bool:
    """Whether a job's own word says that it did its work."""
    return any(
        parse_time(section(job, "status").get("lastSuccessfulTime")) is not None
        for job in picture.inventory.of_kind("CronJob")
    ) or any(
        condition.get("type") == "Complete" and condition.get("status") == "True"
        for job in picture.inventory.of_kind("Job")
        for condition in items(job, "status", "conditions")
    )


def logs_read(evidence: tuple[Evidence, ...]) -> bool:
    """Whether the namespace's lines were asked for and answered, none being an answer."""
    asked = [item for item in evidence if item.tool == "loki.query_logs"]
    return bool(asked) and all(item.ok for item in asked)


def _wanted(workload: Workload) -> int:
    if workload.subject.kind == "Pod":
        return 0 if section(workload.object, "status").get("phase") == "Succeeded" else 1
    if workload.subject.kind == "DaemonSet":
        return _number(section(workload.object, "status"), "desiredNumberScheduled", 0)
    return _number(section(workload.object, "spec"), "replicas", 1)


def _ready(workload: Workload) -> int:
    status: Object = section(workload.object, "status")
    if workload.subject.kind == "Pod":
        return int(has_condition(workload.object, "Ready"))
    if workload.subject.kind == "DaemonSet":
        return _number(status, "numberReady", 0)
    return _number(status, "availableReplicas" if workload.subject.kind == "Deployment" else "readyReplicas", 0)


def _number(found: Object, key: str, default: int) -> int:
    value = found.get(key)
    return value if isinstance(value, int) else default
