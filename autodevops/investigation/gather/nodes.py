"""What Prometheus says about the machines under the pods, and about the cluster's own parts.

Node exporter's view of the network, clocks, disks and system services, blackbox probes of kube-proxy, how long scrapes
of a node take, what cluster DNS answers, and which control loops have no leader. One question finds out which of these
exist; only they are asked for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from autodevops.domain.evidence import Evidence
from autodevops.investigation.gather.collect import Collector
from autodevops.investigation.gather.promql import arrays, over_span, series_of
from autodevops.investigation.inventory import Inventory, Object, items, name_of, section
from autodevops.investigation.picture import NodeKind, NodeSeries
from autodevops.investigation.request import Span
from autodevops.investigation.request_families import NAMESPACE_LABELS
from autodevops.kernel.clock import rfc3339

_REAL_DEVICE: Final = 'device!~"lo|veth.*|cali.*|cni.*|docker.*|br-.*|flannel.*|cilium.*|lxc.*|tunl.*|kube-ipvs.*"'
_REAL_DISK: Final = 'fstype!~"tmpfs|overlay|squashfs|ramfs|iso9660|devtmpfs|nsfs|fuse.*"'
_UNITS: Final = "kubelet.service|containerd.service|crio.service|docker.service|cri-docker.service|kube-proxy.service"


@dataclass(frozen=True)
class _Question:
    kind: NodeKind
    needs: str  # the metric without which it is not asked
    query: str  # `$window` is the rate window
    detail: str = ""  # the label that is told with it


_QUESTIONS: Final = (
    _Question(
        "retransmitted",
        "node_netstat_Tcp_RetransSegs",
        "rate(node_netstat_Tcp_RetransSegs[$window]) / (rate(node_netstat_Tcp_OutSegs[$window]) > 0)",
    ),
    _Question(
        "dropped",
        "node_network_receive_packets_total",
        f"sum without (device) (rate(node_network_receive_drop_total{{{_REAL_DEVICE}}}[$window])"
        f" + rate(node_network_receive_errs_total{{{_REAL_DEVICE}}}[$window]))"
        f" / (sum without (device) (rate(node_network_receive_packets_total{{{_REAL_DEVICE}}}[$window])) > 0)",
    ),
    _Question("clock_offset", "node_timex_offset_seconds", "node_timex_offset_seconds"),
    _Question("clock_synced", "node_timex_sync_status", "node_timex_sync_status"),
    _Question(
        "unit_active",
        "node_systemd_unit_state",
        f'max without (type) (node_systemd_unit_state{{name=~"{_UNITS}",state="active"}})',
        "name",
    ),
    _Question(
        "disk_free",
        "node_filesystem_avail_bytes",
        f"min without (device, fstype) (node_filesystem_avail_bytes{{{_REAL_DISK}}}"
        f" / (node_filesystem_size_bytes{{{_REAL_DISK}}} > 0))",
        "mountpoint",
    ),
    _Question("booted", "node_boot_time_seconds", "node_boot_time_seconds"),
    _Question("proxy_answers", "probe_success", 'probe_success{instance=~".*:10256.*"}'),
    _Question("proxy_up", "up", 'max without (job) (up{job=~".*kube-proxy.*"})'),
    _Question("exporter_up", "up", 'max without (job) (up{job=~".*node-exporter.*|node"})'),
    _Question(
        "scrape_seconds",
        "scrape_duration_seconds",
        'min without (job) (scrape_duration_seconds{job=~".*node-exporter.*|node"})',
    ),
)
_OF_MACHINES: Final = {"disk_free"}  # what matters whether or not pods run there
_DNS: Final = _Question(
    "dns_failing",
    "coredns_dns_responses_total",
    'sum(rate(coredns_dns_responses_total{rcode=~"SERVFAIL|REFUSED|NOTIMP"}[$window]))'
    " / (sum(rate(coredns_dns_responses_total[$window])) > 0)",
)
_LEADERS: Final = _Question(
    "leads", "leader_election_master_status", "max by (name) (leader_election_master_status)", "name"
)


async def gather_nodes(collector: Collector, inventory: Inventory, span: Span) -> tuple[NodeSeries, ...]:
    """The series of every node, in order; empty where Prometheus knows nothing about nodes."""
    every = (*_QUESTIONS, _DNS, _LEADERS)
    names = "|".join(sorted({question.needs for question in every}))
    found = await collector.ask(
        "prometheus.query_instant",
        query=f'count by (__name__) ({{__name__=~"{names}"}})',
        time=rfc3339(span.window.end),
    )
    there = {series.labels.get("__name__", "") for series in series_of(collector, found)}
    asked = [question for question in every if question.needs in there]
    queries = (question.query.replace("$window", f"{span.rate_window_seconds}s") for question in asked)
    answers = await asyncio.gather(*(over_span(collector, span, query) for query in queries))
    nodes = _names(inventory.nodes)
    series = [
        one
        for question, answer in zip(asked, answers, strict=True)
        for one in _read(collector, question, answer, nodes, inventory)
    ]
    return tuple(sorted(series, key=lambda one: (one.kind, one.node, one.detail)))


def _read(
    collector: Collector, question: _Question, evidence: Evidence, nodes: Mapping[str, str], inventory: Inventory
) -> Iterator[NodeSeries]:
    for series in series_of(collector, evidence):
        node = "" if question in (_DNS, _LEADERS) else _node(series.labels, nodes)
        if not node and not inventory.namespace and question.kind in _OF_MACHINES:
            node = _machine(series.labels, inventory)
        if (not node and question not in (_DNS, _LEADERS)) or not series.samples:
            continue
        times, values = arrays(series)
        yield NodeSeries(
            node=node,
            kind=question.kind,
            times=times,
            values=values,
            detail=series.labels.get(question.detail, "") if question.detail else "",
            evidence=evidence.id,
        )


def _names(nodes: tuple[Object, ...]) -> dict[str, str]:
    """Names and addresses of nodes, each with the node's name."""
    found = {name_of(node): name_of(node) for node in nodes}
    for node in nodes:
        for address in items(node, "status", "addresses"):
            found.setdefault(str(address.get("address", "")), name_of(node))
        host = section(node, "metadata", "labels").get("kubernetes.io/hostname")
        found.setdefault(str(host or ""), name_of(node))
    return {name: node for name, node in found.items() if name}


def _machine(labels: Mapping[str, str], inventory: Inventory) -> str:
    """Beside Kubernetes: the host of the scraped exporter."""
    subject = inventory.scraped(labels) if not any(labels.get(label) for label in NAMESPACE_LABELS) else None
    return subject.name if subject is not None else ""


def _node(labels: Mapping[str, str], nodes: Mapping[str, str]) -> str:
    """The node a series speaks of: by a label with its name, else by the host of the scraped address."""
    for key in ("node", "kubernetes_node", "nodename", "kubernetes_io_hostname", "exported_node", "instance"):
        value = labels.get(key, "")
        host = value.split("://", 1)[-1].split("/", 1)[0].rsplit(":", 1)[0]
        for name in (value, host):
            if name in nodes:
                return nodes[name]
    return ""
