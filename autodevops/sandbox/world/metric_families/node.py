"""node_exporter on each node: processors, memory, file system."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from autodevops.sandbox.basics import hashing
from autodevops.sandbox.world.metric_families.exporter import Family, Floats, Rows, Scrape, Scraped, node_address, one
from autodevops.sandbox.world.topology import Node
from autodevops.sandbox.world.world import World

_GIB = 2.0**30
_UPTIME_DAYS = 95  # the nodes booted before the oldest pod
_SYSTEM_SHARE = 0.22  # of busy processor time
_IOWAIT = 0.004  # per processor
_OS_CORES = 0.12  # what the operating system itself uses
_OS_MEMORY = 1.6 * _GIB
_DISK = 100.0 * _GIB

_HELP = (
    ("node_cpu_seconds_total", "counter", "Seconds the CPUs spent in each mode."),
    ("node_memory_MemTotal_bytes", "gauge", "Memory information field MemTotal_bytes."),
    ("node_memory_MemAvailable_bytes", "gauge", "Memory information field MemAvailable_bytes."),
    ("node_memory_MemFree_bytes", "gauge", "Memory information field MemFree_bytes."),
    ("node_memory_Cached_bytes", "gauge", "Memory information field Cached_bytes."),
    ("node_memory_Buffers_bytes", "gauge", "Memory information field Buffers_bytes."),
    ("node_filesystem_size_bytes", "gauge", "Filesystem size in bytes."),
    ("node_filesystem_avail_bytes", "gauge", "Filesystem space available to non-root users in bytes."),
    ("node_boot_time_seconds", "gauge", "Node boot time, in unixtime."),
    ("node_uname_info", "gauge", "Labeled system information as provided by the uname system call."),
)


class NodeExporter:
    families = tuple(Family(name, kind, text) for name, kind, text in _HELP)  # type: ignore[arg-type]

    def targets(self, world: World) -> Iterator[Scraped]:
        for node in world.nodes:
            instance = f"{node_address(world, node.name)}:9100"
            labels = {"node": node.name, "service": "node-exporter"}
            yield Scraped("node-exporter", instance, f"http://{instance}/metrics", labels, node.name)

    def collect(self, scrape: Scrape) -> Iterator[Rows]:
        node = next(node for node in scrape.world.nodes if node.name == scrape.target.subject)
        boot = np.floor(scrape.world.origin_at - _UPTIME_DAYS * 86_400)
        yield from (row for row in _memory(scrape, node) if scrape.wanted(row.name))
        if scrape.wanted("node_cpu_seconds_total"):
            yield _processors(scrape, node, boot)
        mount = {"device": "/dev/sda1", "fstype": "ext4", "mountpoint": "/"}
        if scrape.wanted("node_filesystem_size_bytes"):
            yield one("node_filesystem_size_bytes", scrape.constant(_DISK), **mount)
        if scrape.wanted("node_filesystem_avail_bytes"):
            used = 0.25 + 0.2 * hashing.uniform(scrape.world.seed, "disk", node.name)
            growth = 900.0 * (scrape.times - scrape.world.origin_at)
            yield one("node_filesystem_avail_bytes", np.floor(_DISK * (1 - used) - growth), **mount)
        if scrape.wanted("node_boot_time_seconds"):
            yield one("node_boot_time_seconds", scrape.constant(boot))
        if scrape.wanted("node_uname_info"):
            uname = {"nodename": node.name, "sysname": "Linux", "machine": "x86_64", "release": "6.1.0-40-amd64"}
            yield one("node_uname_info", scrape.constant(1.0), **uname)


def _processors(scrape: Scrape, node: Node, boot: float) -> Rows:
    busy = _OS_CORES * (scrape.times - boot)
    for pod in scrape.world.all_pods():
        if pod.node == node.name:
            busy = busy + scrape.readings.cpu_seconds(pod)
    each = busy / node.cpu
    waiting = _IOWAIT * (scrape.times - boot)
    modes: dict[str, Floats] = {
        "user": each * (1 - _SYSTEM_SHARE),
        "system": each * _SYSTEM_SHARE,
        "iowait": waiting,
        "idle": scrape.times - boot - each - waiting,
        "nice": scrape.constant(0.0),
        "irq": scrape.constant(0.0),
        "softirq": 0.001 * (scrape.times - boot),
        "steal": scrape.constant(0.0),
    }
    labels = [{"cpu": str(cpu), "mode": mode} for cpu in range(node.cpu) for mode in modes]
    values = np.round(np.array([*modes.values()] * node.cpu), 2)
    return Rows("node_cpu_seconds_total", labels, values)


def _memory(scrape: Scrape, node: Node) -> Iterator[Rows]:
    if not any(scrape.wanted(name) for name, _, _ in _HELP if name.startswith("node_memory")):
        return
    total = node.memory_gib * _GIB
    used = scrape.constant(_OS_MEMORY)
    for pod in scrape.world.all_pods():
        if pod.node == node.name and (there := scrape.readings.exists(pod)).any():
            used = used + np.where(there, scrape.readings.memory_bytes(pod), 0.0)
    cached, buffers = 0.31 * total, 0.012 * total
    yield one("node_memory_MemTotal_bytes", scrape.constant(total))
    yield one("node_memory_MemAvailable_bytes", total - used)
    yield one("node_memory_MemFree_bytes", np.maximum(total - used - cached - buffers, 0.02 * total))
    yield one("node_memory_Cached_bytes", scrape.constant(np.floor(cached)))
    yield one("node_memory_Buffers_bytes", scrape.constant(np.floor(buffers)))
