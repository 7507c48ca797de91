"""A process that works on a ledger: what the tests start, and kill.

    ledger_writer.py append FOLDER NAME COUNT      enter COUNT events, saying each number once it is entered
    ledger_writer.py count FOLDER COUNT            add one to an entry COUNT times, by compare-and-set
    ledger_writer.py compact FOLDER KEEP SIZE      close all but KEEP events, SIZE in each segment
    ledger_writer.py crash FOLDER                  compact FOLDER/1, FOLDER/2, ..., copies of FOLDER/whole, in processes
                                                   that die at their first, second, ... call to the system, until one
                                                   lives; says how each ended

`append` begins when a line comes in on stdin.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import sys
from pathlib import Path
from typing import Any, NoReturn

from stores.ledger_samples import event

from autodevops.kernel.errors import LedgerConflict
from autodevops.stores.segments import compact
from autodevops.stores.sqlite_ledger import SqliteLedger


def append(folder: Path, name: str, count: int) -> None:
    with SqliteLedger(folder) as ledger:
        print("ready", flush=True)
        sys.stdin.readline()
        for number in range(count):
            entered = ledger.append(event(number, subject=name))
            print(entered[0].seq, flush=True)


def add(folder: Path, times: int) -> None:
    with SqliteLedger(folder) as ledger:
        done = 0
        while done < times:
            present = ledger.entry("run", "counter")
            version = present.version if present else 0
            try:
                ledger.change("run", "counter", {"n": version + 1}, expected=version, event=event(version))
                done += 1
            except LedgerConflict:
                continue


def crash(folder: Path) -> None:
    import pyarrow.compute
    import pyarrow.parquet  # noqa: F401  # their own imports are not the calls we mean

    status, step = 9, 0
    while status == 9:
        step += 1
        copy = Path(shutil.copytree(folder / "whole", folder / str(step)))
        child = os.fork()
        if child == 0:
            compact_until(copy, step)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        print(status, flush=True)


def compact_until(folder: Path, step: int) -> NoReturn:
    seen = 0

    def count(name: str, arguments: tuple[Any, ...]) -> None:
        nonlocal seen
        ours = name in {"open", "os.rename", "os.remove"} and str(folder) in str(arguments[0])
        taken = name == "fcntl.flock" and arguments[1] != fcntl.LOCK_UN
        if ours or taken:
            seen += 1
            if seen == step:
                os._exit(9)

    try:
        with SqliteLedger(folder) as ledger:
            sys.addaudithook(count)
            compact(ledger, keep=100, segment_events=2200)
        os._exit(0)
    finally:
        os._exit(1)


def main(what: str, folder: str, *rest: str) -> None:
    if what == "append":
        append(Path(folder), rest[0], int(rest[1]))
    elif what == "count":
        add(Path(folder), int(rest[0]))
    elif what == "crash":
        crash(Path(folder))
    else:
        with SqliteLedger(Path(folder)) as ledger:
            compact(ledger, keep=int(rest[0]), segment_events=int(rest[1]))


if __name__ == "__main__":
    main(*sys.argv[1:])
