"""How quick the ledger is, beside plain SQLite without a chain and beside lines appended to a file.

    python benchmarks/bench_ledger.py [EVENTS]

All in one run, on the disk that holds the temporary folder: durable appends by one process and by eight, with the
longest wait of one append; compare-and-set; the record of actions that a decision reads; an append beside processes
that compute or read all the time; then EVENTS events (1,000,000) in batches, compaction, queries, verification. Prints
figures and judges nothing.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import sqlite3
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from autodevops.domain.ledger import NewEvent
from autodevops.executor.record import keep_record, read_record
from autodevops.stores.ledger_query import sql
from autodevops.stores.segments import compact
from autodevops.stores.sqlite_ledger import SqliteLedger
from autodevops.stores.verify import verify

START = datetime(2026, 11, 1, tzinfo=UTC)
ACTIONS = 20_000  # that ended
EACH = 1000  # durable appends of one process
QUERIES = (
    "SELECT kind, what, count(*) AS n FROM events GROUP BY ALL ORDER BY n DESC",
    "SELECT date_trunc('day', time) AS day, actor, count(*) FROM events GROUP BY ALL ORDER BY ALL",
    "SELECT data->>'$.status' AS s, avg(CAST(data->>'$.seconds' AS DOUBLE)) FROM events WHERE kind = 'run' GROUP BY 1",
    "SELECT * FROM events WHERE subject = 'run-4711' ORDER BY seq",
)


def event(number: int) -> NewEvent:
    return NewEvent(
        at=START + timedelta(seconds=number),
        kind=("tool_call", "tool_call", "tool_call", "run")[number % 4],  # type: ignore[arg-type]
        what=("succeeded", "succeeded", "failed")[number % 3],
        actor=("scarlet", "ada", "jamie")[number % 3],
        subject=f"run-{number // 10}",
        data={"status": "succeeded", "seconds": number % 100 / 7, "tool": "prometheus.query_range", "window": "1h"},
    )


def to_ledger(folder: Path) -> Callable[[NewEvent], object]:
    return SqliteLedger(folder).append


def to_sqlite(folder: Path) -> Callable[[NewEvent], object]:
    """The same columns without a chain, each insert a transaction, SQLite's own waiting."""
    connection = sqlite3.connect(folder / "plain.sqlite", timeout=60, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute(
        "CREATE TABLE IF NOT EXISTS events (seq INTEGER PRIMARY KEY, at, kind, what, actor, subject, data)"
    )

    def append(one: NewEvent) -> None:
        row = (one.at.isoformat(), one.kind, one.what, one.actor, one.subject, json.dumps(one.data))
        connection.execute("INSERT INTO events (at, kind, what, actor, subject, data) VALUES (?, ?, ?, ?, ?, ?)", row)

    return append


def to_lines(folder: Path) -> Callable[[NewEvent], object]:
    """One write and one fsync for each line, without a lock."""
    descriptor = os.open(folder / "events.jsonl", os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def append(one: NewEvent) -> None:
        os.write(descriptor, one.model_dump_json().encode() + b"\n")
        os.fsync(descriptor)

    return append


KEPT = {"ledger": to_ledger, "SQLite, no chain": to_sqlite, "JSON lines, fsync": to_lines}


def write(name: str, folder: Path, go: object, waits: object) -> None:
    append = KEPT[name](folder)
    go.wait()  # type: ignore[attr-defined]
    times = sorted(timed(lambda number=number: append(event(number))) for number in range(EACH))
    waits.put((times[EACH // 2], times[EACH * 99 // 100], times[-1]))  # type: ignore[attr-defined]


def durable_appends(root: Path, processes: int) -> None:
    spawn = multiprocessing.get_context("spawn")
    for name in KEPT:
        folder = Path(tempfile.mkdtemp(dir=root))
        go, waits = spawn.Barrier(processes + 1), spawn.Queue()
        writers = [spawn.Process(target=write, args=(name, folder, go, waits)) for _ in range(processes)]
        for writer in writers:
            writer.start()
        go.wait()
        begun = time.perf_counter()
        told = [waits.get() for _ in writers]
        seconds = time.perf_counter() - begun
        for writer in writers:
            writer.join()
        middle, late, longest = (max(column) * 1000 for column in zip(*told, strict=True))
        rate = f"{processes * EACH / seconds:>9,.0f}/s"
        print(f"{name:<20} {processes} x {EACH:,} {rate}   p50 {middle:.2f}  p99 {late:.1f}  worst {longest:.0f} ms")


def beside_others(root: Path) -> None:
    """What a reader costs a writer, beside what any busy process costs it; in memory, where no disk is waited for."""
    with SqliteLedger(root / "beside") as ledger:
        for batch in range(20):
            ledger.append(*map(event, range(batch * 5000, batch * 5000 + 5000)))
        spawn = multiprocessing.get_context("spawn")
        for name, work in (
            ("nobody", None),
            ("2 that compute", compute),
            ("2 that read 100,000 events over and over", read),
        ):
            stop, begun = spawn.Event(), spawn.Barrier(3)
            others = [spawn.Process(target=work, args=(root / "beside", begun, stop)) for _ in range(2)] if work else []
            for other in others:
                other.start()
            if others:
                begun.wait()
            times = sorted(timed(lambda number=number: ledger.append(event(number))) for number in range(EACH))
            stop.set()
            for other in others:
                other.join()
            middle, late, longest = (times[place] * 1000 for place in (EACH // 2, EACH * 99 // 100, -1))
            print(f"append beside {name}: p50 {middle:.2f}  p99 {late:.1f}  worst {longest:.0f} ms")


def timed(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def read(folder: Path, begun: threading.Barrier, stop: threading.Event) -> None:
    with SqliteLedger(folder, read_only=True) as ledger:
        begun.wait()
        while not stop.is_set():
            for one in ledger.events():
                if one.seq % 1000 == 0 and stop.is_set():
                    return


def compute(_: Path, begun: threading.Barrier, stop: threading.Event) -> None:
    begun.wait()
    while not stop.is_set():
        sum(range(100_000))


def compare_and_set(root: Path) -> None:
    with SqliteLedger(root / "state") as ledger:
        begun = time.perf_counter()
        for version in range(EACH):
            ledger.change("lease", "leader", {"n": version}, expected=version, event=event(version))
        print(f"compare-and-set       {EACH / (time.perf_counter() - begun):>9,.0f}/s")


def large(root: Path, count: int) -> None:
    with SqliteLedger(root / "large") as ledger:
        begun = time.perf_counter()
        for start in range(0, count, 10_000):
            ledger.append(*map(event, range(start, min(start + 10_000, count))))
        print(f"{count:,} events in batches of 10,000: {count / (time.perf_counter() - begun):,.0f}/s")
        print(f"database {ledger.path.stat().st_size / 1e6:,.0f} MB")
        begun = time.perf_counter()
        segments = len(compact(ledger, keep=10_000))
        seconds = time.perf_counter() - begun
        size = sum(path.stat().st_size for path in ledger.segments_folder.iterdir())
        print(f"compaction            {seconds:>9.1f} s, {segments} segments, {size / 1e6:,.0f} MB")
        for query in QUERIES:
            rows = len(sql(ledger, query))
            best = min(timed(lambda query=query: sql(ledger, query)) for _ in range(3))
            print(f"query                 {best:>9.3f} s, {rows} rows: {query}")
        begun = time.perf_counter()
        found = verify(ledger)
        seconds = time.perf_counter() - begun
        print(f"verify                {found.events / seconds:>9,.0f} events/s, {seconds:.1f} s, holds: {found.holds}")


def record(root: Path) -> None:
    """What a decision pays for the record of earlier actions: folded from the beginning, and from what was kept."""
    with SqliteLedger(root / "record") as ledger:
        for first in range(0, ACTIONS, 1000):
            ledger.append(*(closed(number) for number in range(first, first + 1000)))
        anew = timed(lambda: read_record(ledger))
        keep_record(ledger, read_record(ledger), now=START, actor="bench")
        kept = timed(lambda: read_record(ledger))
        print(f"record of {ACTIONS} actions: {anew * 1e3:.0f} ms anew, {kept * 1e3:.1f} ms from what was kept")


def closed(number: int) -> NewEvent:
    data = {
        "action": "restart_workload",
        "signature": f"restart_workload for Reason{number % 40}",
        "result": "verified",
    }
    return NewEvent(at=START, kind="action", what="closed", actor="scarlet", subject=f"op-{number}", data=data)


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    print(f"SQLite {sqlite3.sqlite_version}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        for processes in (1, 8):
            durable_appends(root, processes)
        compare_and_set(root)
        record(root)
        with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else name) as memory:
            beside_others(Path(memory))
        large(root, count)


if __name__ == "__main__":
    main()
