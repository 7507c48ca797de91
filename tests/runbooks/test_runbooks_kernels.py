"""Warm kernels: fresh for each run, replaced when dead, gone with their owner."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest
from runbook_files import write_runbook
from runbooks.running import WAIT_SECONDS, assert_process_ends, check_bundle, read_notebook
from runbooks.test_runbooks_faults import FAULTS

from autodevops.kernel.clock import utc_now
from autodevops.runbooks import KernelPool, Means, RunQueue, RunRecord, RunRequest, load_runbook, perform
from autodevops.runbooks.kernels import ColdKernels, Kernels, sweep

TRACES = """
import json, linecache, os
lines = ["".join(entry[2]) for entry in linecache.cache.values() if len(entry) > 2]
print(json.dumps({
    "folder": os.getcwd(),
    "given": os.environ.get("PROBE_GIVEN"),
    "gone": "PROBE_GONE" in os.environ,
    "count": get_ipython().execution_count,
    "history": [entry for entry in In[:-1] if entry],
    "names": sorted(name for name in globals() if not name.startswith("_")),
    "sources": sum("PROBE_GIVEN" in text for text in lines),
}))
"""


async def _run(tmp_path: Path, pool: Kernels, *cells: str, **environment: str) -> RunRecord:
    path = write_runbook(tmp_path / "runbooks", cells)
    means = Means(tmp_path / "artifacts", utc_now, kernels=pool, environment=environment)
    return await perform(RunRequest(load_runbook(path)), means)


def _printed(record: RunRecord, cell: int = -1) -> Any:
    return json.loads(read_notebook(record.folder)["cells"][cell]["outputs"][0]["text"][0])


async def test_kernel_that_has_run_cells_is_never_given_to_another(tmp_path: Path) -> None:
    cell = "import os\nprint([os.getpid(), int('left_behind' in globals())])\nleft_behind = True"
    async with KernelPool(1, imports=()) as pool:
        await pool.filled()
        waiting = pool.idle[0].process_id
        first = await _run(tmp_path, pool, cell)
        second = await _run(tmp_path, pool, cell)
        await pool.filled()
        fresh = pool.idle[0].process_id
    assert first.run.kernel["warm"]
    assert second.run.kernel["warm"]
    assert _printed(first) == [waiting, False]
    number, left_behind = _printed(second)
    assert not left_behind
    assert len({waiting, number, fresh}) == 3
    for process in (waiting, number, fresh):
        assert_process_ends(process)


BUSY = """
import asyncio, concurrent.futures, json, random, subprocess, sys, threading
import duckdb, numpy, pandas, plotly.graph_objects
product = numpy.ones((400, 400)) @ numpy.ones((400, 400))
frame = pandas.DataFrame({"a": range(100_000), "b": ["x", "y"] * 50_000})
sums = frame.groupby("b")["a"].sum()
rows = duckdb.sql("select b, sum(a) from frame group by b order by b").fetchall()
with concurrent.futures.ThreadPoolExecutor(4) as pool:
    squares = list(pool.map(lambda n: n * n, range(4)))
said = subprocess.run(["echo", "child"], capture_output=True, text=True).stdout.strip()
plotly.graph_objects.Figure(data=[{"y": [1, 2]}]).to_json()
await asyncio.sleep(0)
print(json.dumps([product[0, 0], [int(n) for n in sums], [int(row[1]) for row in rows], squares, said]))
print(json.dumps([random.random(), float(numpy.random.rand())]))
"""


async def test_forked_kernels_work_like_others_and_draw_their_own_random_numbers(tmp_path: Path) -> None:
    async with KernelPool(2) as pool:
        records = [await _run(tmp_path, pool, BUSY) for _ in range(2)]
    drawn = []
    for record in records:
        assert record.status == "succeeded", record.run.error
        answer, numbers = read_notebook(record.folder)["cells"][0]["outputs"][0]["text"]
        sums = [2499950000, 2500000000]
        assert json.loads(answer) == [400.0, sums, sums, [0, 1, 4, 9], "child"]
        drawn += json.loads(numbers)
    assert len(set(drawn)) == 4


async def test_what_a_notebook_registered_for_its_exit_is_run(tmp_path: Path) -> None:
    marks = [tmp_path / name for name in ("exit", "thread")]
    cell = (
        "import atexit, concurrent.futures, pathlib, time\n"
        f"atexit.register(pathlib.Path({str(marks[0])!r}).touch)\n"
        "pool = concurrent.futures.ThreadPoolExecutor()\n"
        f"pool.submit(lambda: (time.sleep(0.2), pathlib.Path({str(marks[1])!r}).touch()))\n"
        "print('1')"
    )
    async with KernelPool(1, imports=()) as pool:
        assert (await _run(tmp_path, pool, cell)).status == "succeeded"
    assert all(mark.exists() for mark in marks)


async def test_pool_goes_on_when_the_process_it_forks_from_is_killed(tmp_path: Path) -> None:
    async with KernelPool(1, imports=()) as pool:
        await pool.filled()
        os.kill(psutil.Process(pool.idle[0].process_id).ppid(), signal.SIGKILL)
        assert_process_ends(pool.idle[0].process_id)
        record = await _run(tmp_path, pool, "print('1')")
    assert record.status == "succeeded"


async def test_kernel_found_dead_is_replaced_without_a_word(tmp_path: Path) -> None:
    async with KernelPool(1, imports=()) as pool:
        await pool.filled()
        os.kill(pool.idle[0].process_id, signal.SIGKILL)
        record = await _run(tmp_path, pool, "print('1')")
        assert record.status == "succeeded"
        assert record.run.kernel["warm"]


async def test_kernel_that_hangs_is_replaced_too(tmp_path: Path) -> None:
    async with KernelPool(1, imports=()) as pool:
        await pool.filled()
        stopped = pool.idle[0].process_id
        os.kill(stopped, signal.SIGSTOP)
        record = await _run(tmp_path, pool, "print('1')")
        assert record.status == "succeeded"
    assert_process_ends(stopped)


async def test_surroundings_of_a_run_are_set_without_a_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROBE_GONE", "1")
    async with KernelPool(1, imports=()) as pool:
        await pool.filled()
        monkeypatch.delenv("PROBE_GONE")
        (tmp_path / "elsewhere").mkdir()
        monkeypatch.chdir(tmp_path / "elsewhere")
        warm = _printed(await _run(tmp_path, pool, TRACES, PROBE_GIVEN="to it"))
    cold = _printed(await _run(tmp_path, ColdKernels(), TRACES, PROBE_GIVEN="to it"))
    assert warm == cold
    assert warm["folder"] == str(tmp_path / "elsewhere")
    assert (warm["given"], warm["gone"], warm["history"]) == ("to it", False, [])
    assert warm["sources"] == 1, "the request that brought it is known as a source"


async def test_statuses_are_true_on_warm_kernels_as_well(tmp_path: Path) -> None:
    means = Means(tmp_path / "artifacts", utc_now, kernels=KernelPool(2, imports=()))
    async with RunQueue(means, at_once=2) as queue:
        handles = {}
        for name, fault in FAULTS.items():
            if name == "kernel does not exist":
                continue
            path = write_runbook(tmp_path / "runbooks", fault.cells, name=name.replace(" ", "-"), **fault.front)
            handles[name] = queue.submit(RunRequest(load_runbook(path)))
        for name, handle in handles.items():
            fault = FAULTS[name]
            run = check_bundle((await handle.result()).folder)
            assert (name, run.status, tuple(cell.status for cell in run.cells)) == (
                name,
                fault.status,
                fault.cell_statuses,
            )
            assert (run.error.kind if run.error else None) == fault.kind
            assert run.kernel["warm"]


async def test_waiting_kernels_end_when_the_pool_is_closed() -> None:
    async with KernelPool(2, imports=()) as pool:
        await pool.filled()
        processes = [kernel.process_id for kernel in pool.idle]
        folders = [kernel.folder for kernel in pool.idle]
        assert len(processes) == 2
        assert all(folder.stat().st_mode & 0o077 == 0 for folder in folders)
    assert not any(psutil.pid_exists(process) for process in processes)
    assert not any(folder.exists() for folder in folders)


OWNER = """
import asyncio
from autodevops.runbooks import KernelPool

async def main():
    async with KernelPool(2, imports=()) as pool:
        await pool.filled()
        print(*(f"{kernel.process_id} {kernel.folder}" for kernel in pool.idle), flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_waiting_kernels_end_with_their_owner(number: signal.Signals) -> None:
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        assert owner.stdout is not None
        words = owner.stdout.readline().split()
        owner.send_signal(number)
        owner.communicate(timeout=WAIT_SECONDS)
    finally:
        owner.kill()
    processes, folders = [int(word) for word in words[::2]], [Path(word) for word in words[1::2]]
    assert len(processes) == 2
    for process in processes:
        assert_process_ends(process)
    sweep()
    assert not any(folder.exists() for folder in folders)
