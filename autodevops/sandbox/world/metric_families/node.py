"""node_exporter on each node: processors, memory, file system, system services, what the network lost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

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
_SEGMENTS = 900.0  # TCP segments per second
_SENT_AGAIN = 0.0006  # share of them that is lost when all is well
_SERVICE_SHARE = 0.125

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
    ("node_systemd_unit_state", "gauge", "Systemd unit"),
    ("node_netstat_Tcp_OutSegs", "counter", "Statistic TcpOutSegs."),
    ("node_netstat_Tcp_RetransSegs", "counter", "Statistic TcpRetransSegs."),
    ("node_load1", "gauge", "1m load average."),
    ("node_uname_info", "gauge", "Labeled system information as provided by the uname system call."),
)


class NodeExporter:
    families = tuple(Family(name, kind, text) for name, kind, text in _HELP)  # type: ignore[arg-type]

    def targets(self, world: World) -> Iterator[Scraped]:
        for node in world.nodes:
            instance = f"{node_address(world, node.name)}:9100"
            labels = {"node": node.name, "service": "node-exporter"}
            cut = [(o.start, o.end) for o in world.outages if o.what == "network" and o.target in ("", node.name)]
            yield Scraped(
                "node-exporter", instance, f"http://{instance}/metrics", labels, node.name, answers=without(cut)
            )  # fmt: skip

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
            left = np.floor(_DISK * (1 - used) - growth)
            full = held(scrape, "disk", node)
            yield one("node_filesystem_avail_bytes", np.where(full > 0, np.floor(0.06 * _DISK), left), **mount)
        if scrape.wanted("node_systemd_unit_state"):
            yield _units(scrape, node)
        if scrape.wanted("node_netstat_Tcp_OutSegs") or scrape.wanted("node_netstat_Tcp_RetransSegs"):
            yield from _segments(scrape, node, boot)
        if scrape.wanted("node_load1"):
            yield one("node_load1", np.round(_OS_CORES + node.cpu * (0.12 + 0.9 * held(scrape, "cpu", node)), 2))
        if scrape.wanted("node_boot_time_seconds"):
            yield one("node_boot_time_seconds", scrape.constant(boot))
        if scrape.wanted("node_uname_info"):
            uname = {"nodename": node.name, "sysname": "Linux", "machine": "x86_64", "release": "6.1.0-40-amd64"}
            yield one("node_uname_info", scrape.constant(1.0), **uname)


def held(scrape: Scrape, what: str, node: Node) -> Floats:
    """How much of an outage of a node is in force at each time (its amount, or 0)."""
    total = scrape.constant(0.0)
    for outage in scrape.world.outages:
        if outage.what == what and outage.target in ("", node.name):
            total += outage.amount * ((scrape.times >= outage.start) & (scrape.times < outage.end))
    return total


def without(gaps: Sequence[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    """All of time but the gaps."""
    spans, start = [], -np.inf
    for begin, end in sorted(gaps):
        spans.append((start, begin))
        start = end
    return (*spans, (start, np.inf))


def _units(scrape: Scrape, node: Node) -> Rows:
    """State of the services that keep a node going."""
    labels, values = [], []
    for unit, what in (("kubelet.service", "kubelet"), ("containerd.service", "runtime")):
        failed = held(scrape, what, node) > 0
        for state in ("active", "failed", "inactive"):
            labels.append({"name": unit, "state": state, "type": "simple" if what == "kubelet" else "notify"})
            values.append((failed if state == "failed" else ~failed if state == "active" else failed & False) * 1.0)
    return Rows("node_systemd_unit_state", labels, np.array(values))


def _segments(scrape: Scrape, node: Node, boot: float) -> Iterator[Rows]:
    """TCP segments sent, and sent again: the share of lost packets of links that touch the node."""
    sent = _SEGMENTS * (scrape.times - boot)
    again = _SENT_AGAIN * sent
    for outage in scrape.world.outages:
        if outage.what not in ("link", "network") or not outage.amount:
            continue
        share = 1.0 if outage.target in ("", node.name) else _pods_share(scrape, node, outage.target)
        passed = np.clip(scrape.times, outage.start, outage.end) - outage.start
        again = again + _SEGMENTS * share * min(outage.amount, 0.6) * passed
    yield one("node_netstat_Tcp_OutSegs", np.floor(sent))
    yield one("node_netstat_Tcp_RetransSegs", np.floor(again))


def _pods_share(scrape: Scrape, node: Node, service: str) -> float:
    """How much of a node's traffic is with a service that has pods on it: an eighth, as far as segments go."""
    there = any(pod.node == node.name and pod.service == service for pod in scrape.world.all_pods())
    return _SERVICE_SHARE if there else 0.0


def _processors(scrape: Scrape, node: Node, boot: float) -> Rows:
    busy = _OS_CORES * (scrape.times - boot)
    for pod in scrape.world.all_pods():
        if pod.node == node.name:
            busy = busy + scrape.readings.cpu_seconds(pod, since_run=False)
    for outage in scrape.world.outages:
        if outage.what == "cpu" and outage.target in ("", node.name):
            passed = np.clip(scrape.times, outage.start, outage.end) - outage.start
            busy = busy + 0.92 * outage.amount * node.cpu * passed
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
    used = np.where(held(scrape, "memory", node) > 0, 0.95 * total, _OS_MEMORY)
    for pod in scrape.world.all_pods():
        if pod.node == node.name and (there := scrape.readings.exists(pod)).any():
            used = used + np.where(there, scrape.readings.memory_bytes(pod), 0.0)
    cached, buffers = 0.31 * total, 0.012 * total
    yield one("node_memory_MemTotal_bytes", scrape.constant(total))
    yield one("node_memory_MemAvailable_bytes", np.maximum(total - used, 0.01 * total))
    yield one("node_memory_MemFree_bytes", np.maximum(total - used - cached - buffers, 0.02 * total))
    yield one("node_memory_Cached_bytes", scrape.constant(np.floor(cached)))
    yield one("node_memory_Buffers_bytes", scrape.constant(np.floor(buffers)))
