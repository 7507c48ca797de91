"""Memory on disk beside other processes: nothing acknowledged is lost, and what is forgotten is gone from disk."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from stores.memory_samples import ARTICLES, NOW, OOM, article, turn

from autodevops.kernel.errors import MemoryUnusable
from autodevops.stores.memory_hashing import HashingEmbedder
from autodevops.stores.memory_inbox import Inbox, absorb
from autodevops.stores.memory_lance import LanceMemory

WRITERS, EACH = 2, 20
SECRET = "zq7xvk29wpl"


def opened(folder: Path) -> LanceMemory:
    return LanceMemory(folder, [HashingEmbedder()], clock=lambda: NOW)


def write(folder: Path, writer: int) -> None:
    memory, inbox = opened(folder), Inbox(folder)
    for number in range(EACH):
        memory.put(turn(f"question {number}", f"answer of writer {writer}", f"talk-{writer}"))
        inbox.leave(turn(f"left {number}", f"note of writer {writer}", f"talk-{writer}"))


def clean(folder: Path) -> None:
    memory = opened(folder)
    for number in range(5):
        memory.put(turn(f"to forget {number}", "soon gone", "passing"))
        memory.forget(conversation="passing")
        memory.tidy(keep=timedelta(days=30), megabytes=500)
        absorb(folder, memory)


def test_several_processes_write_while_others_clean_and_nothing_is_lost(tmp_path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    jobs = [spawn.Process(target=write, args=(tmp_path, number)) for number in range(WRITERS)]
    jobs.append(spawn.Process(target=clean, args=(tmp_path,)))
    for job in jobs:
        job.start()
    for job in jobs:
        job.join(timeout=300)
    assert [job.exitcode for job in jobs] == [0] * len(jobs)
    memory = opened(tmp_path)
    absorb(tmp_path, memory)
    memory.catch_up()
    kept = {one.source: one.documents for one in memory.sources(["conversation"])}
    assert kept == {"": 2 * WRITERS * EACH}
    assert memory.embedded() == {HashingEmbedder.name: 2 * WRITERS * EACH}
    assert memory.search("answer of writer 1", limit=1)[0].text == "answer of writer 1"


KILLED = """
import sys
from pathlib import Path
from stores.memory_samples import turn
from stores.test_stores_memory_processes import opened
memory = opened(Path(sys.argv[1]))
for number in range(10_000):
    memory.put(turn(f"question {number}", "text"))
    print(number, flush=True)
"""


def test_what_a_killed_process_had_written_is_there(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(["tests", os.environ.get("PYTHONPATH", "")])}
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, tmp_path], stdout=subprocess.PIPE, text=True, env=environment,
        cwd=Path(__file__).parents[2],
    ) as writer:  # fmt: skip
        assert writer.stdout is not None
        acknowledged = 0
        for line in writer.stdout:
            acknowledged = int(line) + 1
            if acknowledged == 12:
                break
        writer.send_signal(signal.SIGKILL)
        acknowledged += sum(1 for _ in writer.stdout)
    memory = opened(tmp_path)
    assert sum(one.documents for one in memory.sources()) in {acknowledged, acknowledged + 1}
    memory.catch_up()
    assert memory.embedded()[HashingEmbedder.name] >= acknowledged
    memory.put(OOM)
    assert memory.search("OOMKilled")[0].id == OOM.id


def bytes_under(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def test_forgotten_words_are_gone_from_disk(tmp_path: Path) -> None:
    memory = opened(tmp_path)
    memory.put(*ARTICLES, turn("what is the code?", f"The code is {SECRET}."))
    memory.search(SECRET)
    assert SECRET.encode() in bytes_under(tmp_path)
    assert memory.forget(conversation="talk-1") == 1
    assert SECRET.encode() not in bytes_under(tmp_path)
    assert memory.search("OOMKilled")[0].id == OOM.id


def test_what_lies_in_the_inbox_is_forgotten_too(tmp_path: Path) -> None:
    memory = opened(tmp_path)
    Inbox(tmp_path).leave(turn("what is the code?", f"The code is {SECRET}."))
    assert SECRET.encode() in bytes_under(tmp_path)
    absorb(tmp_path, memory)
    assert memory.forget(conversation="talk-1") == 1
    assert SECRET.encode() not in bytes_under(tmp_path)


def test_a_broken_note_in_the_inbox_is_set_aside_and_the_rest_is_read(tmp_path: Path) -> None:
    memory = opened(tmp_path)
    inbox = Inbox(tmp_path)
    inbox.leave(turn("first", "one"))
    (tmp_path / "inbox" / "0.json").write_text('{"kind": "conver')
    assert absorb(tmp_path, memory) == 1
    assert absorb(tmp_path, memory) == 0
    assert [path.name for path in (tmp_path / "inbox").iterdir()] == ["0.json.broken"]


def test_another_process_sees_at_once_what_was_put_and_replaced(tmp_path: Path) -> None:
    one, other = opened(tmp_path), opened(tmp_path)
    one.put(*ARTICLES)
    assert other.search("OOMKilled")[0].id == OOM.id
    other.replace("shipped", [article("New edition", "Shorter.", "shipped")])
    assert [found.title for found in one.search("new edition", limit=1)] == ["New edition"]


def test_a_folder_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "memory").write_text("a file")
    with pytest.raises(MemoryUnusable, match=r"memory in .*/memory/below cannot be opened"):
        opened(tmp_path / "memory" / "below")
