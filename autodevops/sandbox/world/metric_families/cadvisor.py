"""cAdvisor in the kubelet of each node: processor, memory and network of its containers."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from autodevops.sandbox.basics import hashing
from autodevops.sandbox.world.metric_families.exporter import (
    Family,
    Floats,
    Mask,
    Rows,
    Scrape,
    Scraped,
    node_address,
    one,
    quantity,
)
from autodevops.sandbox.world.workloads import Pod
from autodevops.sandbox.world.world import World

_PERIODS_PER_SECOND = 10.0  # the kernel's quota period is 100 ms
_THROTTLED_AT_LIMIT = 0.3  # share of periods that are throttled when a container uses all of its limit
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
            if pod.node != scrape.target.subject:
                continue
            exists = scrape.readings.exists(pod)
            if exists.any():
                yield from _container(scrape, pod, exists)


def _container(scrape: Scrape, pod: Pod, exists: Mask) -> Iterator[Rows]:
    wanted = scrape.wanted
    container = pod.template["spec"]["containers"][0]
    limits = container.get("resources", {}).get("limits", {})
    identity = hashing.digest("container", pod.uid, size=32)
    own = {
        "namespace": pod.namespace,
        "pod": pod.name,
        "container": pod.service,
        "image": str(container.get("image", "")),
        "id": f"/kubepods.slice/kubepods-pod{pod.uid.replace('-', '_')}.slice/cri-containerd-{identity}.scope",
        "name": identity,
    }
    if wanted("container_cpu_usage_seconds_total"):
        yield one("container_cpu_usage_seconds_total", scrape.readings.cpu_seconds(pod), exists, **own, cpu="total")
    if limit := quantity(str(limits.get("cpu", ""))):
        periods = np.floor(_PERIODS_PER_SECOND * np.maximum(scrape.times - pod.created_at, 0.0))
        if wanted("container_cpu_cfs_periods_total"):
            yield one("container_cpu_cfs_periods_total", periods, exists, **own)
        if wanted("container_cpu_cfs_throttled_periods_total"):
            used = scrape.readings.cpu_seconds(pod) / limit
            throttled = np.floor(_PERIODS_PER_SECOND * _THROTTLED_AT_LIMIT * used)
            yield one("container_cpu_cfs_throttled_periods_total", throttled, exists, **own)
        if wanted("container_spec_cpu_quota"):
            yield one("container_spec_cpu_quota", scrape.constant(limit * 100_000), exists, **own)
        if wanted("container_spec_cpu_period"):
            yield one("container_spec_cpu_period", scrape.constant(100_000), exists, **own)
    memory_names = ("container_memory_working_set_bytes", "container_memory_usage_bytes", "container_memory_rss")
    if any(wanted(name) for name in memory_names):
        memory = scrape.readings.memory_bytes(pod)
        for name, share in zip(memory_names, (1.0, 1.18, 0.91), strict=True):
            if wanted(name):
                yield one(name, np.floor(memory * share / 4096) * 4096, exists, **own)
    if wanted("container_spec_memory_limit_bytes"):
        limit = quantity(str(limits.get("memory", "")))
        yield one("container_spec_memory_limit_bytes", scrape.constant(limit), exists, **own)
    if wanted("container_oom_events_total"):
        yield one("container_oom_events_total", scrape.constant(0.0), exists, **own)
    if wanted("container_start_time_seconds"):
        yield one("container_start_time_seconds", scrape.constant(np.floor(pod.created_at + 1)), exists, **own)
    received, sent = "container_network_receive_bytes_total", "container_network_transmit_bytes_total"
    if wanted(received) or wanted(sent):
        requests = handled(scrape, pod)
        idle = _IDLE_BYTES * np.maximum(scrape.times - pod.created_at, 0.0)
        network = {"namespace": pod.namespace, "pod": pod.name, "interface": "eth0", "id": own["id"].rpartition("/")[0]}
        for name, size in ((received, _BYTES_IN), (sent, _BYTES_OUT)):
            if wanted(name):
                yield one(name, np.floor(idle + size * requests), exists, **network)


def handled(scrape: Scrape, pod: Pod) -> Floats:
    """Requests a pod has handled (counter), whatever its protocol: the processor time it spent above idling."""
    service = scrape.world.topology.by_name[pod.service]
    up = np.clip(scrape.times, pod.created_at, pod.deleted_at) - pod.created_at
    if not service.routes or not service.cpu_ms:
        return np.zeros(len(scrape.times))
    busy = scrape.readings.cpu_seconds(pod) - service.cpu_idle * up
    requests: Floats = np.floor(np.maximum(busy, 0.0) / (service.cpu_ms / 1000.0) + 1e-6)
    return requests
