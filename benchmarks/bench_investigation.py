"""How much of our own time and memory an investigation takes, from a small namespace to a very large one.

Usage: python benchmarks/bench_investigation.py

A made-up cluster (`large_cluster.py`) answers on loopback from a process of its own; what is measured is this side:
MCP servers, toolbox and engine, as `autodevops investigate` runs them. Beside it, on the same objects, a check of the
pods' status alone, as analyzers without causes do it. Each size runs in a new process, so that its memory is its own.
The first run is told with what the process imports for it, which other uses of the process may have imported before.
A run that is not shown comes first: modules have their bytecode then, as those of an installed package have it.
Prints figures, judges nothing.
"""

from __future__ import annotations

import asyncio
import importlib
import multiprocessing
import multiprocessing.context
import resource
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import uvicorn
import yaml
from large_cluster import CULPRIT, NAMESPACE, NOW, create_app

from autodevops.kernel.startup import collect_rarely
from autodevops.settings import (
    InvestigationSettings,
    KubernetesSettings,
    PrometheusSettings,
    Settings,
)
from autodevops.workbench import Workbench

SIZES = ((20, 3), (100, 5), (500, 10))  # services, replicas of each
_RUNS = 3
_IMPORTED = ("autodevops.investigation", "autodevops.servers.kubernetes.credentials")  # the engine; kubeconfigs
_PATIENCE_SECONDS = 300.0


@dataclass(frozen=True)
class Figures:
    imports_ms: float  # of what a process imports when it first investigates
    first_ms: float  # the first run, without these
    later_ms: float  # the median of the further runs
    peak_mib: float
    idle_mib: float  # before the first, everything imported
    verdict: str
    named: str
    rank_right: bool


def serve(services: int, replicas: int, port: int) -> None:
    uvicorn.run(create_app(services, replicas), host="127.0.0.1", port=port, log_level="error")


def investigate(address: str) -> Figures:
    """Processor time of this process, which holds everything of ours and nothing of the cluster."""
    collect_rarely()
    return asyncio.run(_investigate(address))


async def _investigate(address: str) -> Figures:
    with tempfile.TemporaryDirectory() as folder:
        settings = settings_for(address, Path(folder) / "kubeconfig")
        async with Workbench(settings, clock=lambda: NOW) as workbench:
            idle = _resident_peak()
            begun = time.process_time()
            for name in _IMPORTED:
                importlib.import_module(name)
            imports = (time.process_time() - begun) * 1000
            took = []
            for _ in range(_RUNS):
                begun = time.process_time()
                found = await workbench.investigate(namespace=NAMESPACE)
                took.append((time.process_time() - begun) * 1000)
            top = found.hypotheses[0] if found.hypotheses else None
            later = sorted(took[1:])
            return Figures(
                imports, took[0], later[len(later) // 2] if later else took[0], _resident_peak(), idle, found.verdict,
                f"{top.reason} of {top.subject.name}" if top else "nobody",
                top is not None and top.subject.name == CULPRIT,
            )  # fmt: skip


def check_status(address: str) -> tuple[float, int, float]:
    """Milliseconds, pods named and peak MiB of a check that reads all pods and reports those that are not well."""
    collect_rarely()
    begun = time.process_time()
    named, token = 0, ""
    with httpx.Client(base_url=address, trust_env=False, timeout=60.0) as client:
        while True:
            answer = client.get(
                f"/api/v1/namespaces/{NAMESPACE}/pods", params={"limit": 500, **({"continue": token} if token else {})}
            ).json()
            named += sum(_is_unwell(pod) for pod in answer["items"])
            token = answer["metadata"].get("continue", "")
            if not token:
                return (time.process_time() - begun) * 1000, named, _resident_peak()


def _is_unwell(pod: dict[str, Any]) -> bool:
    statuses = pod["status"].get("containerStatuses", [])
    return pod["status"]["phase"] != "Running" or any("waiting" in status["state"] for status in statuses)


def settings_for(address: str, kubeconfig: Path) -> Settings:
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u", "namespace": NAMESPACE}}],
        "clusters": [{"name": "c", "cluster": {"server": address}}],
        "users": [{"name": "u", "user": {}}],
    }
    kubeconfig.write_text(yaml.safe_dump(document))
    return Settings.model_construct(
        kubernetes=KubernetesSettings(kubeconfig=kubeconfig, timeout_seconds=_PATIENCE_SECONDS),
        prometheus=PrometheusSettings(url=f"{address}/prometheus", timeout_seconds=_PATIENCE_SECONDS),
        investigation=InvestigationSettings(tool_timeout_seconds=_PATIENCE_SECONDS),
    )


def _resident_peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


@contextmanager
def cluster(services: int, replicas: int) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(services, replicas, port), daemon=True)
    process.start()
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(600):
            try:
                httpx.get(f"{address}/version", trust_env=False)
                break
            except httpx.TransportError:
                time.sleep(0.1)
        yield address
    finally:
        process.terminate()
        process.join()


def main() -> int:
    apart = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as bytecode:
        with cluster(*SIZES[0]) as address, apart.Pool(1, keep_bytecode, (bytecode,)) as pool:
            pool.apply(investigate, (address,))
        _show(apart, bytecode)
    return 0


def keep_bytecode(folder: str) -> None:
    sys.dont_write_bytecode, sys.pycache_prefix = False, folder


def _show(apart: multiprocessing.context.SpawnContext, bytecode: str) -> None:
    head = f"{'pods':>6} {'services':>9} {'first':>9} {'(imports)':>9} {'without':>9} {'later':>9} {'memory':>9}"
    print(f"{head} {'(idle)':>9}   answer")
    for services, replicas in SIZES:
        with cluster(services, replicas) as address:
            with apart.Pool(1, keep_bytecode, (bytecode,)) as pool:
                found = pool.apply(investigate, (address,))
            with apart.Pool(1) as pool:
                status_ms, named, peak = pool.apply(check_status, (address,))
        pods = services * replicas
        print(
            f"{pods:6} {services:9} {found.imports_ms + found.first_ms:6.0f} ms {found.imports_ms:6.0f} ms"
            f" {found.first_ms:6.0f} ms {found.later_ms:6.0f} ms {found.peak_mib:5.0f} MiB"
            f" {found.idle_mib:5.0f} MiB   {found.verdict}: {found.named}{'' if found.rank_right else ' (WRONG)'}"
        )
        print(
            f"{'':16} {status_ms:6.0f} ms {'':29} {peak:5.0f} MiB {'':9}   status alone: {named} pods named, no cause"
        )


if __name__ == "__main__":
    raise SystemExit(main())
