"""How quick the sandbox is, beside a real Prometheus that holds the same samples. Prints figures, judges nothing.

Usage: python benchmarks/bench_sandbox.py [--without-prometheus]

All but the commands of the whole product runs on one core, where the system allows it. The real Prometheus is the one
on PATH (Debian: `prometheus`); without it its column stays empty.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx
import numpy as np
import psutil
from starlette.applications import Starlette

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from real_prometheus import real_prometheus
from sandbox_prometheus.prometheus_serving import served

from autodevops.kernel.clock import monotonic_ms
from autodevops.sandbox.prometheus.api import PrometheusApi
from autodevops.sandbox.prometheus.app import create_app
from autodevops.sandbox.prometheus.metrics import Metadata, Target
from autodevops.sandbox.prometheus.rules import Alerting
from autodevops.sandbox.promql.labels import NAME, Labels, Matcher, Selector, make_labels, selects, value_of
from autodevops.sandbox.promql.values import Floats, Millis, SampleBlock, is_stale
from autodevops.sandbox.world.metrics import WorldMetrics
from autodevops.sandbox.world.world import World

NOW = datetime(2026, 3, 9, 12, 0, tzinfo=UTC)
END = int(NOW.timestamp())
HOUR = 3600
DURATION = "http_server_request_duration_seconds"
# What somebody asks who looks into a namespace: the golden signals, resources, the state of workloads.
RANGES = (
    f'sum by (service) (rate({DURATION}_count{{namespace="shop"}}[2m]))',
    f'sum by (service) (rate({DURATION}_count{{namespace="shop",http_response_status_code=~"5.."}}[2m]))',
    f'histogram_quantile(0.95, sum by (service, le) (rate({DURATION}_bucket{{namespace="shop"}}[2m])))',
    f'sum by (service) (rate({DURATION}_sum{{namespace="shop"}}[2m])) '
    f'/ sum by (service) (rate({DURATION}_count{{namespace="shop"}}[2m]))',
    'sum by (pod) (rate(container_cpu_usage_seconds_total{namespace="shop"}[2m]))',
    'max by (pod) (container_memory_working_set_bytes{namespace="shop"})',
    'sum by (pod) (increase(container_cpu_cfs_throttled_periods_total{namespace="shop"}[2m])) '
    '/ sum by (pod) (increase(container_cpu_cfs_periods_total{namespace="shop"}[2m]))',
    'sum by (pod) (rate(container_network_transmit_bytes_total{namespace="shop"}[2m]))',
    '1 - avg by (node) (rate(node_cpu_seconds_total{mode="idle"}[2m]))',
    "node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes",
)
INSTANTS = (
    'kube_deployment_spec_replicas{namespace="shop"} != kube_deployment_status_replicas_available{namespace="shop"}',
    'sum by (pod) (increase(kube_pod_container_status_restarts_total{namespace="shop"}[30m]))',
    'kube_pod_status_phase{namespace="shop",phase!="Running"} == 1',
    'max by (pod) (container_memory_working_set_bytes{namespace="shop"}) '
    '/ max by (pod) (kube_pod_container_resource_limits{namespace="shop",resource="memory"})',
    'kube_node_status_condition{condition="Ready",status="true"} == 0',
    "up == 0",
    'pg_stat_activity_count{namespace="shop"}',
    'redis_memory_used_bytes{namespace="shop"} / redis_memory_max_bytes{namespace="shop"}',
)
OVER_A_THOUSAND = (
    "requests_total",
    "rate(requests_total[5m])",
    "sum by (zone) (rate(requests_total[5m]))",
    "max_over_time(requests_total[1h])",
)


class Stored:
    """`Metrics` over series held in memory."""

    def __init__(self, blocks: Iterable[SampleBlock]) -> None:
        self.blocks = list(blocks)

    def select(self, selector: Selector, start_ms: int, end_ms: int) -> Iterator[SampleBlock]:
        for block in self.blocks:
            rows = [row for row, labels in enumerate(block.labels) if selects(selector, labels)]
            if rows:
                columns = slice(*np.searchsorted(block.timestamps, [start_ms, end_ms + 1]).tolist())
                yield SampleBlock(
                    [block.labels[row] for row in rows], block.timestamps[columns], block.values[rows, columns]
                )

    def series(self, selector: Selector, start_ms: int, end_ms: int) -> set[Labels]:
        return {labels for block in self.blocks for labels in block.labels if selects(selector, labels)}

    def metadata(self) -> dict[str, Metadata]:
        return {}

    def targets(self, at_ms: int) -> list[Target]:
        return []


def thousand_counters() -> Stored:
    """1,000 counters over seven hours, a sample every 15 s."""
    times: Millis = np.arange((END - 7 * HOUR) * 1000, END * 1000 + 1, 15_000, dtype=np.int64)
    steps = np.random.default_rng(1).integers(0, 50, (1000, len(times)))
    names = [make_labels({NAME: "requests_total", "pod": f"pod-{i:04}", "zone": f"z{i % 4}"}) for i in range(1000)]
    values: Floats = np.cumsum(steps, axis=1).astype(np.float64)
    return Stored([SampleBlock(names, times, values)])


def openmetrics(blocks: Iterable[SampleBlock]) -> str:
    """The samples as text that promtool makes a store of. Stale markers stay out: the format has none."""
    by_name: dict[str, list[str]] = {}
    for block in blocks:
        stamps = [f" {stamp / 1000:.3f}" for stamp in block.timestamps.tolist()]
        stale = is_stale(block.values)
        for row, labels in enumerate(block.labels):
            name = value_of(labels, NAME)
            pairs = ",".join(f"{key}={json.dumps(value)}" for key, value in labels if key != NAME)
            lines = by_name.setdefault(name, [])
            values = block.values[row].tolist()
            lines += [
                f"{name}{{{pairs}}} {v!r}{t}" for v, t, s in zip(values, stamps, stale[row], strict=True) if not s
            ]
    return "\n".join(line for lines in by_name.values() for line in lines) + "\n# EOF\n"


def milliseconds(client: httpx.Client, path: str, params: Mapping[str, str]) -> float:
    begun = monotonic_ms()
    client.get(f"/api/v1/{path}", params=params, timeout=300.0).raise_for_status()
    return monotonic_ms() - begun


def batch(client: httpx.Client, at_once: int = 8) -> float:
    """Milliseconds for all of RANGES and INSTANTS, some at a time."""
    window = {"start": str(END - HOUR), "end": str(END), "step": "30"}
    asked = [("query_range", {"query": text, **window}) for text in RANGES]
    asked += [("query", {"query": text, "time": str(END)}) for text in INSTANTS]
    begun = monotonic_ms()
    with ThreadPoolExecutor(at_once) as pool:
        list(pool.map(lambda one: milliseconds(client, *one), asked))
    return monotonic_ms() - begun


def row(what: str, ours: float, theirs: float = math.nan, unit: str = "ms") -> None:
    print(f"{what:66} {ours:9.0f} {unit:3}" + ("" if math.isnan(theirs) else f"{theirs:9.0f} {unit}"), flush=True)


@contextmanager
def client_of(app: Starlette) -> Iterator[httpx.Client]:
    with served(app) as address, httpx.Client(base_url=address, trust_env=False) as client:
        yield client


@contextmanager
def real(blocks: Iterable[SampleBlock]) -> Iterator[httpx.Client]:
    with (
        tempfile.TemporaryDirectory() as folder,
        real_prometheus(Path(folder), openmetrics(blocks)) as address,
        httpx.Client(base_url=address, trust_env=False) as client,
    ):
        yield client


def whole_product() -> None:
    """The commands a person types: the sandbox in one process, the investigation in another."""
    command = [sys.executable, "-m", "autodevops"]
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        kubeconfig = Path(folder) / "kubeconfig"
        up = [*command, "sandbox", "up", "bad-deploy", "--kubeconfig", str(kubeconfig)]
        begun = monotonic_ms()
        server = stack.enter_context(subprocess.Popen(up, stdout=subprocess.PIPE, text=True, cwd=folder))
        stack.callback(server.terminate)
        assert server.stdout is not None
        first = server.stdout.readline()
        row("autodevops sandbox up: until it prints its addresses", started := monotonic_ms() - begun)
        lines = [first, *read_for(server, 0.5)]
        given = dict(line.strip().removeprefix("export ").split("=", 1) for line in lines if "=" in line)
        environment = {**os.environ, **given, "KUBECONFIG": str(kubeconfig)}
        environment["AUTODEVOPS_KUBERNETES__KUBECONFIG"] = str(kubeconfig)
        process = psutil.Process(server.pid)
        row("  resident, idle", process.memory_info().rss / 2**20, unit="MiB")
        for which in ("first", "second"):
            begun = monotonic_ms()
            subprocess.run(
                [*command, "investigate", "--namespace", "shop", "--json"],
                check=True, stdout=subprocess.DEVNULL, env=environment, cwd=folder,
            )  # fmt: skip
            took = monotonic_ms() - begun
            row(f"autodevops investigate --namespace shop: {which} time", took)
            if which == "first":
                row("  start of the sandbox to first answer", started + took)
        row("  resident, after both", process.memory_info().rss / 2**20, unit="MiB")


def read_for(server: subprocess.Popen[str], seconds: float) -> list[str]:
    """The lines a process prints within some seconds."""
    lines: list[str] = []
    assert server.stdout is not None
    reader = threading.Thread(
        target=lambda out: lines.extend(iter(out.readline, "")), args=(server.stdout,), daemon=True
    )
    reader.start()
    reader.join(seconds)
    return list(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--without-prometheus", action="store_true", help="leave the real Prometheus out")
    compare = not parser.parse_args().without_prometheus and bool(
        shutil.which("prometheus") and shutil.which("promtool")
    )
    print(f"{'':66} {'sandbox':>9}    {'Prometheus' if compare else '':>9}")
    whole_product()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})

    world = World("bad-deploy", 1, NOW, lambda: NOW)
    with client_of(create_app(world)) as ours, ExitStack() as stack:
        theirs = None
        if compare:
            everything = WorldMetrics(world).select(
                ((Matcher(NAME, "!=", ""),),), (END - HOUR - 600) * 1000, END * 1000
            )
            theirs = stack.enter_context(real(everything))
        for which in ("first", "second"):
            row(
                f"{len(RANGES) + len(INSTANTS)} queries over the last hour, 8 at a time: {which} time",
                batch(ours),
                batch(theirs) if theirs else math.nan,
            )
        row("alerts (every rule)", milliseconds(ours, "alerts", {}))
        row("label values of the namespace's metric names",
            milliseconds(ours, "label/__name__/values", {"match[]": '{namespace="shop"}'}),
            milliseconds(theirs, "label/__name__/values", {"match[]": '{namespace="shop"}'}) if theirs else math.nan,
        )  # fmt: skip

    store = thousand_counters()
    app = PrometheusApi(store, lambda: float(END), Alerting(store, ())).app()
    with client_of(app) as ours, ExitStack() as stack:
        theirs = stack.enter_context(real(store.blocks)) if compare else None
        window = {"start": str(END - 6 * HOUR), "end": str(END), "step": "30"}
        for text in OVER_A_THOUSAND:
            params = {"query": text, **window}
            row(
                f"6 h at 30 s over 1,000 series: {text}",
                milliseconds(ours, "query_range", params),
                milliseconds(theirs, "query_range", params) if theirs else math.nan,
            )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
