"""cAdvisor in the kubelet of each node: processor, memory and network of its containers."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

import numpy as np

from autodevops.sandbox.basics import hashing
from autodevops.sandbox.basics.quantities import parse_quantity
from autodevops.sandbox.cluster.store import Json
from autodevops.sandbox.world.metric_families.exporter import (
    Family,
    Floats,
    Mask,
    Rows,
    Scrape,
    Scraped,
    node_address,
    one,
)
from autodevops.sandbox.world.pods import Pod, Run
from autodevops.sandbox.world.world import World

_PERIODS_PER_SECOND = 10.0  # the kernel's quota period is 100 ms
_UNTHROTTLED = 0.55  # of its limit that a container may use on average and still hardly ever be held back
_MOST_THROTTLED = 0.95
_MEMORY = (
    ("container_memory_working_set_bytes", 1.0),
    ("container_memory_usage_bytes", 1.18),
    ("container_memory_rss", 0.91),
)
_BYTES_IN, _BYTES_OUT = 1_400.0, 6_200.0  # per request
_IDLE_BYTES = 220.0  # per second: probes and scrapes

_HELP = (
    ("container_cpu_usage_seconds_total", "counter", "Cumulative cpu time consumed in seconds."),
    ("container_cpu_cfs_periods_total", "counter", "Number of elapsed enforcement period intervals."),
    ("container_cpu_cfs_throttled_periods_total", "counter", "Number of throttled period intervals."),
    ("container_memory_working_set_bytes", "gauge", "Current working set in bytes."),
    ("container_memory_usage_bytes", "gauge", "Current memory usage in bytes, including all memory."),
    ("container_memory_rss", "gauge", "Size of RSS in bytes."),
    ("container_oom_events_total", "counter", "Count of out of memory events observed for the container"),
    ("container_spec_memory_limit_bytes", "gauge", "Memory limit for the container."),
    ("container_spec_cpu_quota", "gauge", "CPU quota of the container."),
    ("container_spec_cpu_period", "gauge", "CPU period of the container."),
    ("container_start_time_seconds", "gauge", "Start time of the container since unix epoch in seconds."),
    ("container_network_receive_bytes_total", "counter", "Cumulative count of bytes received"),
    ("container_network_transmit_bytes_total", "counter", "Cumulative count of bytes transmitted"),
)


class Cadvisor:
    families = tuple(Family(name, kind, text) for name, kind, text in _HELP)  # type: ignore[arg-type]

    def targets(self, world: World) -> Iterator[Scraped]:
        for node in world.nodes:
            instance = f"{node_address(world, node.name)}:10250"
            labels = {"node": node.name, "metrics_path": "/metrics/cadvisor", "service": "kubelet"}
            yield Scraped("kubelet", instance, f"https://{instance}/metrics/cadvisor", labels, node.name)

    def collect(self, scrape: Scrape) -> Iterator[Rows]:
        for pod in scrape.world.all_pods():
            if pod.node == scrape.target.subject and pod.runs:
                yield from _container(scrape, pod)


def _container(scrape: Scrape, pod: Pod) -> Iterator[Rows]:
    """One row of series for each run that is seen: a container started again is another one to cAdvisor."""
    limits = pod.main.get("resources", {}).get("limits") or {}
    measured = _Measured(scrape, pod)
    for run in pod.runs:
        present = (scrape.times >= run.started) & (scrape.times < run.ended)
        if present.any():
            yield from _run(measured, run, limits, present)
    names = ("container_network_receive_bytes_total", "container_network_transmit_bytes_total")
    if any(scrape.wanted(name) for name in names):
        exists = (scrape.times >= pod.runs[0].started) & (scrape.times < _torn_down(pod))
        if not exists.any():
            return
        requests = scrape.readings.handled(pod)
        idle = _IDLE_BYTES * np.maximum(scrape.times - pod.created_at, 0.0)
        network = {"namespace": pod.namespace, "pod": pod.name, "interface": "eth0", "id": _slice(pod)}
        for name, size in zip(names, (_BYTES_IN, _BYTES_OUT), strict=True):
            if scrape.wanted(name):
                yield one(name, np.floor(idle + size * requests), exists, **network)


class _Measured:
    """What several metrics of one pod are made from, worked out once and only when asked for."""

    def __init__(self, scrape: Scrape, pod: Pod) -> None:
        self.scrape, self.pod = scrape, pod

    @cached_property
    def cpu(self) -> Floats:
        return self.scrape.readings.cpu_seconds(self.pod)

    @cached_property
    def memory(self) -> Floats:
        return self.scrape.readings.memory_bytes(self.pod)


def _run(measured: _Measured, run: Run, limits: Json, present: Mask) -> Iterator[Rows]:
    scrape, pod = measured.scrape, measured.pod
    wanted = scrape.wanted
    identity = hashing.digest("container", pod.uid, run.container, run.attempt, size=32)
    own = {
        "namespace": pod.namespace,
        "pod": pod.name,
        "container": pod.container,
        "image": str(pod.main["image"]),
        "id": f"{_slice(pod)}/cri-containerd-{identity}.scope",
        "name": identity,
    }
    if wanted("container_cpu_usage_seconds_total"):
        yield one("container_cpu_usage_seconds_total", measured.cpu, present, **own, cpu="total")
    age = np.maximum(scrape.times - run.started, 0.0)
    if limit := _quantity(limits.get("cpu")):
        if wanted("container_cpu_cfs_periods_total"):
            yield one("container_cpu_cfs_periods_total", np.floor(_PERIODS_PER_SECOND * age), present, **own)
        if wanted("container_cpu_cfs_throttled_periods_total"):
            held = scrape.readings.throttled_seconds(pod, run.started, _UNTHROTTLED, _MOST_THROTTLED)
            throttled = np.floor(_PERIODS_PER_SECOND * held)
            yield one("container_cpu_cfs_throttled_periods_total", throttled, present, **own)
        if wanted("container_spec_cpu_quota"):
            yield one("container_spec_cpu_quota", scrape.constant(limit * 100_000), present, **own)
        if wanted("container_spec_cpu_period"):
            yield one("container_spec_cpu_period", scrape.constant(100_000), present, **own)
    for name, share in _MEMORY:
        if wanted(name):
            size = np.minimum(measured.memory * share, _quantity(limits.get("memory")) or np.inf)
            yield one(name, np.floor(size / 4096) * 4096, present, **own)
    if wanted("container_spec_memory_limit_bytes"):
        yield one("container_spec_memory_limit_bytes", scrape.constant(_quantity(limits.get("memory"))), present, **own)
    if wanted("container_oom_events_total"):
        killed = [other for other in pod.runs if other.reason == "OOMKilled" and other.ended <= run.started]
        yield one("container_oom_events_total", scrape.constant(float(len(killed))), present, **own)
    if wanted("container_start_time_seconds"):
        yield one("container_start_time_seconds", scrape.constant(np.floor(run.started)), present, **own)


def _torn_down(pod: Pod) -> float:
    """When the pod's network ends: with the pod, or when its last container has ended for good."""
    finished = pod.item.get("status", {}).get("phase") in ("Succeeded", "Failed")
    return max(run.ended for run in pod.all_runs) if finished else pod.deleted_at


def _slice(pod: Pod) -> str:
    return f"/kubepods.slice/kubepods-pod{pod.uid.replace('-', '_')}.slice"


def _quantity(text: object) -> float:
    return float(parse_quantity(str(text))) if text is not None else 0.0
