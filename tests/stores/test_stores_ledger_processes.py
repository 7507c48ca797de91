"""Many processes at once, and processes that die: nothing acknowledged is lost, and there is one chain that holds."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stores.ledger_samples import event, filled

from autodevops.stores.segments import compact
from autodevops.stores.sqlite_ledger import SqliteLedger
from autodevops.stores.verify import verify

WRITER = Path(__file__).with_name("ledger_writer.py")
TESTS = WRITER.parents[1]


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """In memory where there is such a place: a process that is killed needs no disk, and 8,000 commits are quicker."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else tmp_path) as name:
        yield Path(name)


def start(*arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(WRITER), *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(TESTS)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(*processes: subprocess.Popen[str]) -> list[str]:
    said = [process.communicate(timeout=300) for process in processes]
    assert [process.returncode for process in processes] == [0] * len(processes), said
    return [out for out, _ in said]


def let_go(*writers: subprocess.Popen[str]) -> None:
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("go\n")
        writer.stdin.flush()


def test_eight_processes_lose_nothing_and_keep_one_chain_while_two_others_compact_it(folder: Path) -> None:
    writers = [start("append", folder, name, 1000) for name in "abcdefgh"]
    let_go(*writers)
    compactors = [start("compact", folder, 0, 500) for _ in range(2)]
    finish(*compactors)
    finish(*writers)
    with SqliteLedger(folder) as ledger:
        found = verify(ledger)
        assert (found.events, found.head, found.divergences) == (8000, 8000, ())
        for name in "abcdefgh":
            assert [one.data["n"] for one in ledger.events(subject=name)] == list(range(1000))


def test_compare_and_set_loses_no_update_between_processes(folder: Path) -> None:
    folder = folder / "made" / "by the first"
    finish(*[start("count", folder, 100) for _ in range(4)])
    with SqliteLedger(folder) as ledger:
        entry = ledger.entry("run", "counter")
        assert entry is not None
        assert (entry.version, entry.value) == (400, {"n": 400})
        assert verify(ledger).holds


def test_a_writer_killed_at_any_moment_leaves_a_chain_that_holds_and_all_it_acknowledged(folder: Path) -> None:
    acknowledged: list[int] = []
    for number in (1, 2, 7, 40, 151):
        writer = start("append", folder, "k", 100_000)
        let_go(writer)
        assert writer.stdout is not None
        said = [writer.stdout.readline() for _ in range(number)]
        writer.send_signal(signal.SIGKILL)
        said += writer.stdout.readlines()
        writer.wait(timeout=180)
        writer.communicate()
        acknowledged += [int(line) for line in said if line.endswith("\n")]
        with SqliteLedger(folder, read_only=True) as ledger:
            assert verify(ledger).holds
            there = {one.seq for one in ledger.events()}
        assert there >= set(acknowledged)
        assert len(there) <= len(acknowledged) + 5  # at most one a round was entered and not yet told


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of a ledger whose writer died with much in the write-ahead log."""
    folder = tmp_path_factory.mktemp("live")
    with filled(folder / "from", 300) as ledger:
        for number in range(40):
            ledger.append(event(number), event(number))
            ledger.change("run", f"r{number}", {"n": number}, expected=0, event=event(number))
        (folder / "copy").mkdir()
        for name in ("ledger.sqlite", "ledger.sqlite-wal"):
            shutil.copy(folder / "from" / name, folder / "copy" / name)
    return folder / "copy"


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_a_write_ahead_log_cut_at_any_byte_leaves_a_chain_that_holds(
    live: Path, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("cut")
    shutil.copytree(live, folder, dirs_exist_ok=True)
    log = folder / "ledger.sqlite-wal"
    cut = data.draw(st.integers(0, log.stat().st_size))
    os.truncate(log, cut)
    try:
        with SqliteLedger(folder) as ledger:
            found = verify(ledger)
            assert found.divergences == ()
            assert found.head <= 420
            ledger.append(event(1))
            assert verify(ledger).holds
    finally:
        shutil.rmtree(folder)


def test_a_compaction_that_dies_at_any_step_loses_nothing_and_the_next_cleans_up(folder: Path) -> None:
    with filled(folder / "whole", 2500) as ledger:
        head = ledger.head()
    ends = finish(start("crash", folder))[0].split()
    assert ends == ["9"] * (len(ends) - 1) + ["0"]
    assert len(ends) > 10
    for step in range(1, len(ends) + 1):
        with SqliteLedger(folder / str(step)) as ledger:
            found = verify(ledger)
            assert (found.events, found.head, found.digest, found.divergences) == (2500, *head, ())
            compact(ledger, keep=100, segment_events=2200)
            assert ledger.head() == head
            segments = {segment.file for segment in ledger.segments()}
            assert segments == {"1-2200.parquet", "2201-2400.parquet"}
            assert {path.name for path in ledger.segments_folder.iterdir()} == segments
            with ledger.reading() as connection:
                assert connection.execute("SELECT min(seq), count(*) FROM events").fetchone() == (2401, 100)


def test_a_forked_child_writes_on_without_harm_to_its_parent(tmp_path: Path) -> None:
    with filled(tmp_path, 3) as ledger:
        assert ledger.head()[0] == 3
        child = os.fork()
        if child == 0:
            try:
                ledger.append(event(4, subject="child"))
                status = 0 if ledger.head()[0] == 4 else 1
            finally:
                os._exit(status)
        assert os.waitpid(child, 0)[1] == 0
        ledger.append(event(5))
        assert [one.subject for one in ledger.events()] == ["", "", "", "child", ""]
        assert verify(ledger).holds
