"""Prints how soon a small runbook is run and kept, beside Papermill, and what waiting in the queue costs.

`make bench-runs`. Four ways to run a notebook of two cells, in turn, in one process tree: the `papermill` command,
Papermill's API with a kernel of its own, our runner with a kernel of its own, and our runner on a kernel that waited.
Ours leave the whole record behind: bundle with notebook, page and manifest, all synced, and two entries of the ledger.

Then so many queued runs, each computing for a known time of the processor. Their own work is what those cells used,
as measured inside the kernels; all else that was spent until the last kernel was gone is overhead, in two parts: what
this process spent on the queue and the records, and what the kernels spent on being started, a fresh one for each run.
`--work` says how many seconds each run computes.

It judges nothing: figures depend on the machine and on what else it does.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import nbformat
import psutil

from autodevops.kernel.clock import utc_now
from autodevops.kernel.startup import skip_unused_imports
from autodevops.runbooks import KernelPool, Means, RunQueue, RunRecord, RunRequest, load_runbook, perform
from autodevops.runbooks.kernels import ColdKernels, Kernels
from autodevops.stores.sqlite_ledger import SqliteLedger

SMALL = ("answer = 6 * 7\nprint(answer)", "answer + 1")
WORK = """
import time
began = time.process_time()
while time.process_time() - began < {seconds}:
    sum(range(1000))
print(time.process_time() - began)
"""


def write_runbook(folder: Path, name: str, cells: tuple[str, ...]) -> Path:
    matter = {
        "title": name,
        "purpose": "Measure.",
        "owner": "benchmarks",
        "risk": "read-only",
        "time_limit_seconds": 3600,
    }
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(cell) for cell in cells],
        metadata={"autodevops": matter, "kernelspec": {"name": "python3", "display_name": "Python 3"}},
    )
    path = folder / f"{name}.ipynb"
    path.write_text(json.dumps(notebook))
    return path


async def timed(work: Callable[[], Awaitable[Any]], times: int) -> list[float]:
    """Milliseconds of each."""
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        await work()
        taken.append((time.perf_counter() - began) * 1000)
    return taken


async def compare(folder: Path, rounds: int) -> None:
    import papermill

    path = write_runbook(folder, "small", SMALL)
    runbook = load_runbook(path)
    output = str(folder / "papermill.ipynb")
    command = [str(Path(sys.executable).with_name("papermill")), str(path), output, "--no-progress-bar"]
    ledger = SqliteLedger(folder / "ledger")
    cold = Means(folder / "artifacts", utc_now, ledger=ledger)

    async def by_command() -> None:
        process = await asyncio.create_subprocess_exec(*command, stderr=subprocess.DEVNULL)
        assert await process.wait() == 0

    async def by_api() -> None:
        await asyncio.to_thread(papermill.execute_notebook, str(path), output, progress_bar=False)

    async def by_us(means: Means) -> None:
        assert (await perform(RunRequest(runbook), means)).status == "succeeded"

    print(f"A runbook of two cells, median of {rounds} (best, worst), in milliseconds:")
    taken: dict[str, list[float]] = {}
    async with KernelPool(1) as pool:
        warm = Means(folder / "artifacts", utc_now, ledger=ledger, kernels=pool)
        await pool.filled()
        await by_us(cold)  # what is imported once
        ways: dict[str, Callable[[], Awaitable[None]]] = {
            "the papermill command": by_command,
            "papermill.execute_notebook": by_api,
            "ours, a kernel of its own": lambda: by_us(cold),
            "ours, a kernel that waited": lambda: by_us(warm),
        }
        for _ in range(rounds):
            for name, way in ways.items():
                await pool.filled()
                taken.setdefault(name, []).extend(await timed(way, 1))
        await pool.filled()
        waiting = psutil.Process(pool.idle[0].process_id)
        memory, parent = waiting.memory_full_info(), waiting.parent()
        shared = parent.memory_full_info().rss if parent is not None and parent.pid != os.getpid() else 0
    ours = statistics.median(taken["ours, a kernel that waited"])
    for name, each in taken.items():
        median = statistics.median(each)
        times = "" if median == ours else f"   {median / ours:6.1f} times as long"
        print(f"  {name:28} {median:8.1f}  ({min(each):.1f}, {max(each):.1f}){times}")
    print(
        f"A kernel that waits, pandas and plotly imported: {memory.rss / 1e6:.0f} MB, {memory.uss / 1e6:.0f} MB of it"
        f" its own; the process that such kernels are forked from: {shared / 1e6:.0f} MB."
    )
    ledger.close()


async def many(folder: Path, count: int, seconds: float, at_once: int) -> None:
    runbook = load_runbook(write_runbook(folder, "work", (WORK.format(seconds=seconds),)))
    ledger = SqliteLedger(folder / "ledger")
    ways: dict[str, tuple[int, Kernels]] = {
        "kernels that waited": (count, KernelPool(at_once)),
        "kernels started for them": (max(1, count // 10), ColdKernels()),
    }
    for number, (label, (runs, kernels)) in enumerate(ways.items()):
        means = Means(folder / f"many-{number}", utc_now, ledger=ledger, kernels=kernels)
        ours, theirs = processor_seconds()
        async with RunQueue(means, at_once=at_once) as queue:
            began = time.perf_counter()
            handles = [queue.submit(RunRequest(runbook)) for _ in range(runs)]
            records = [await handle.result() for handle in handles]
            wall = time.perf_counter() - began
        ours, theirs = (after - before for after, before in zip(processor_seconds(), (ours, theirs), strict=True))
        own = sum(own_seconds(record) for record in records)
        kept = len(list(means.artifacts.glob("work/*/manifest.json")))
        good = sum(record.status == "succeeded" for record in records)
        print(f"{runs} queued runs of {seconds:g} s, {at_once} at a time, {label}: {good} succeeded, {kept} bundles;")
        print(
            f"  own work {own:.1f} s of processor; queue and records {ours:.1f} s (+{ours / own * 100:.1f} %),"
            f" starting kernels {theirs - own:.1f} s (+{(theirs / own - 1) * 100:.1f} %); {wall:.1f} s by the clock"
        )
    ledger.close()


def own_seconds(record: RunRecord) -> float:
    notebook = json.loads((record.folder / "notebook.ipynb").read_text())
    return float(notebook["cells"][0]["outputs"][0]["text"][0])


def processor_seconds() -> tuple[float, float]:
    """Of this process, and of all its children that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    mine, children = (each.ru_utime + each.ru_stime for each in used)
    return mine, children


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--rounds", type=int, default=7)
    arguments.add_argument("--runs", type=int, default=200)
    arguments.add_argument("--work", type=float, default=1.0, help="seconds of processor that each queued run computes")
    arguments.add_argument("--at-once", type=int, default=2)
    given = arguments.parse_args()
    skip_unused_imports()
    with tempfile.TemporaryDirectory(prefix="bench-runs-", dir=Path.cwd()) as name:
        asyncio.run(compare(Path(name), given.rounds))
        if given.runs:
            asyncio.run(many(Path(name), given.runs, given.work, given.at_once))


if __name__ == "__main__":
    main()
