"""The ledger's folder as strangers meet it: missing, foreign, newer, damaged, full, not to be written; and its SQL."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from stores.ledger_samples import START, event, filled

from autodevops.kernel.errors import AutoDevOpsError, LedgerDamaged, LedgerUnavailable, UsageError
from autodevops.settings import LedgerSettings
from autodevops.stores.export import Filter, chosen
from autodevops.stores.ledger_file import FileLock
from autodevops.stores.ledger_query import sql
from autodevops.stores.segments import compact
from autodevops.stores.sqlite_ledger import SqliteLedger, open_ledger
from autodevops.stores.verify import verify


def newer(folder: Path) -> None:
    filled(folder, 1).close()
    with closing(sqlite3.connect(folder / "ledger.sqlite")) as connection:
        connection.execute("PRAGMA user_version = 7")


def foreign(folder: Path) -> None:
    folder.mkdir()
    with closing(sqlite3.connect(folder / "ledger.sqlite")) as connection:
        connection.execute("CREATE TABLE bookmarks (url)")


def no_database(folder: Path) -> None:
    folder.mkdir()
    (folder / "ledger.sqlite").write_text("Dear diary, " * 100)


def a_file(folder: Path) -> None:
    folder.write_text("")


@pytest.mark.parametrize(
    ("prepare", "says"),
    [
        (newer, "made by a newer autodevops (schema 7; this one knows 1). Upgrade"),
        (foreign, "is a SQLite file, but not a ledger. Move it away"),
        (no_database, "is damaged: file is not a database. Keep a copy"),
        (a_file, "cannot be opened or written"),
    ],
)
@pytest.mark.parametrize("read_only", [False, True])
def test_a_place_that_holds_no_ledger_of_ours_is_named_and_left_alone(
    prepare: Callable[[Path], None], says: str, read_only: bool, tmp_path: Path
) -> None:
    folder = tmp_path / "ledger"
    prepare(folder)
    content = {path: path.read_bytes() for path in tmp_path.rglob("ledger.sqlite")}
    with pytest.raises(LedgerUnavailable) as caught:
        SqliteLedger(folder, read_only=read_only)
    assert says in str(caught.value) or (read_only and prepare is a_file and "There is no ledger" in str(caught.value))
    assert str(folder) in str(caught.value)
    assert {path: path.read_bytes() for path in tmp_path.rglob("ledger.sqlite")} == content


def test_looking_for_a_ledger_does_not_make_one(tmp_path: Path) -> None:
    with pytest.raises(LedgerUnavailable, match="There is no ledger in"):
        open_ledger(LedgerSettings(folder=tmp_path / "no"), read_only=True)
    assert list(tmp_path.iterdir()) == []


def test_who_only_reads_cannot_write(tmp_path: Path) -> None:
    filled(tmp_path, 1).close()
    with SqliteLedger(tmp_path, read_only=True) as ledger, pytest.raises(LedgerUnavailable, match="for reading only"):
        ledger.append(event())


def test_a_full_disk_enters_nothing_and_says_so(tmp_path: Path) -> None:
    with filled(tmp_path, 5) as ledger:
        with ledger.writing() as connection:
            pages = connection.execute("PRAGMA page_count").fetchone()[0]
        with ledger._write_lock:
            assert ledger._writer is not None
            ledger._writer.execute(f"PRAGMA max_page_count = {pages}")  # SQLite then answers as on a full disk
        with pytest.raises(LedgerUnavailable, match=r"no room .* nothing was entered"):
            ledger.append(event(6, subject="x" * 100_000))
        assert ledger.head()[0] == 5
        assert verify(ledger).holds
        ledger.append(event(6))


LIMITED = """
import resource, signal, sys
from pathlib import Path
from autodevops.kernel.errors import LedgerUnavailable
from autodevops.stores.sqlite_ledger import SqliteLedger
from stores.ledger_samples import event
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
ledger = SqliteLedger(Path(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
try:
    while True:
        print(ledger.append(event(1, subject="y" * 500))[0].seq, flush=True)
except LedgerUnavailable as error:
    print(error, file=sys.stderr)
"""


def test_a_write_that_the_system_refuses_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, tmp_path], env=environment, capture_output=True, text=True, timeout=180
    )
    assert "ledger.sqlite" in done.stderr, done.stderr
    assert "Traceback" not in done.stderr
    with SqliteLedger(tmp_path) as ledger:
        assert ledger.head()[0] == int(done.stdout.splitlines()[-1])
        assert verify(ledger).holds


def test_a_writer_that_hangs_is_waited_for_only_so_long(tmp_path: Path) -> None:
    held, lock = FileLock(tmp_path / "ledger.lock"), FileLock(tmp_path / "ledger.lock")
    held.take(1)
    with pytest.raises(LedgerUnavailable, match=r"busy for 0.05 s; nothing was entered. See who holds it"):
        lock.take(0.05)
    held.close()
    lock.take(0)
    lock.close()


def test_a_damaged_page_is_told_by_every_command_that_meets_it(tmp_path: Path) -> None:
    filled(tmp_path, 3000).close()
    path = tmp_path / "ledger.sqlite"
    content = bytearray(path.read_bytes())
    middle = len(content) // 8192 * 4096
    content[middle : middle + 4096] = b"\xff" * 4096
    path.write_bytes(content)
    with SqliteLedger(tmp_path, read_only=True) as ledger:
        found = verify(ledger)
        assert not found.holds
        assert "damaged" in found.divergences[0].what
        with pytest.raises(LedgerDamaged, match="audit verify"):
            list(ledger.events())


def test_a_segment_that_is_gone_is_told_by_readers(tmp_path: Path) -> None:
    with filled(tmp_path, 30) as ledger:
        compact(ledger, keep=10)
        next(ledger.segments_folder.iterdir()).unlink()
        with pytest.raises(LedgerDamaged, match=r"1-20\.parquet"):
            list(ledger.events())
        with pytest.raises(LedgerDamaged, match="audit verify"):
            ledger.sql("SELECT count(*) FROM events")
        assert [one.seq for one in ledger.events(after=20)] == list(range(21, 31))


def test_readers_see_segments_and_tail_as_one_also_when_it_is_compacted_meanwhile(tmp_path: Path) -> None:
    with filled(tmp_path, 2500) as ledger:
        compact(ledger, keep=2000, segment_events=200)
        reader = ledger.events()
        seen = [next(reader) for _ in range(700)]  # in the middle of a page of the tail
        compact(ledger, keep=10, segment_events=900)
        seen += reader
        assert [one.seq for one in seen] == list(range(1, 2501))
        assert all(one.holds() for one in seen)
        assert compact(ledger, keep=10) == ()
        assert compact(ledger, keep=10_000) == ()
        assert [one.data["n"] for one in ledger.append(event(7))] == [7]
        assert verify(ledger).holds


@pytest.mark.parametrize(
    ("choice", "numbers"),
    [
        ({}, range(1, 41)),
        ({"last": 3}, [38, 39, 40]),
        ({"subject": "a", "last": 2}, [30, 40]),
        ({"kind": "slot"}, []),
        ({"since": START + timedelta(seconds=20), "until": START + timedelta(seconds=23)}, [20, 21, 22]),
        ({"since": START + timedelta(seconds=20), "last": 1, "actor": "scarlet"}, [40]),
    ],
)
def test_events_are_chosen_across_segments_and_tail(
    choice: dict[str, object], numbers: list[int], tmp_path: Path
) -> None:
    with SqliteLedger(tmp_path) as ledger:
        ledger.append(*(event(number, subject="" if number % 10 else "a") for number in range(1, 41)))
        compact(ledger, keep=15, segment_events=10)
        assert [row[0] for row in chosen(ledger, Filter.model_validate(choice))] == list(numbers)


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqliteLedger]:
    folder = tmp_path_factory.mktemp("it's asked")
    with filled(folder, 50) as ledger:
        ledger.change("slot", "s", {"n": 1}, expected=0, event=event(51, kind="slot"))
        compact(ledger, keep=20, segment_events=20)
    with SqliteLedger(folder, read_only=True) as reader:
        yield reader


@pytest.mark.parametrize(
    ("query", "answer"),
    [
        ("SELECT kind, count(*) AS n FROM events GROUP BY kind ORDER BY n DESC", [("run", 50), ("slot", 1)]),
        ("SELECT sum(CAST(data->>'$.n' AS INT)) FROM events WHERE seq <= 50", [(1275,)]),
        ("SELECT seq FROM events WHERE time >= TIMESTAMP '2026-11-28 03:00:49' ORDER BY 1", [(49,), (50,), (51,)]),
        ("SELECT key, value->>'$.n', entry->>'$.key' FROM state JOIN events USING (seq)", [("s", "1", "s")]),
        ("FROM events SELECT max(seq) -- a comment", [(51,)]),
        ("SELECT sum(seq), sum(seq)::HUGEINT * 1000000000000000000, 12.5 FROM events", [(1326, 1.326e21, 12.5)]),
    ],
)
def test_sql_answers_over_segments_tail_and_state(
    query: str, answer: list[tuple[object, ...]], asked: SqliteLedger
) -> None:
    assert list(asked.sql(query).itertuples(index=False, name=None)) == answer


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("SELECT nothing FROM events", "nothing"),
        ("SELEC 1", "syntax error"),
        ("", "one SELECT"),
        ("SELECT 1; SELECT 2", "one SELECT"),
        ("DELETE FROM events", "one SELECT"),
        ("SET threads = 8", "one SELECT"),
        ("COPY (SELECT 1) TO 'x.csv'", "one SELECT"),
        ("INSTALL httpfs", "one SELECT"),
        ("SELECT * FROM read_text('/etc/hostname')", "disabled by configuration"),
        ("SELECT * FROM 'ledger.sqlite'", "ledger.sqlite"),
        ("SELECT * FROM ledger", "does not exist"),
        ("FROM range(200000)", "more than 100,000 rows"),
    ],
)
def test_sql_that_is_wrong_or_reaches_outside_is_refused(query: str, says: str, asked: SqliteLedger) -> None:
    with pytest.raises(UsageError) as caught:
        asked.sql(query)
    assert says in caught.value.message
    assert caught.value.next_step


def test_a_query_that_does_not_end_is_ended(asked: SqliteLedger) -> None:
    with pytest.raises(UsageError, match=r"longer than 0\.2 s"):
        sql(asked, "SELECT count(*) FROM range(10000000000) a, range(1000) b WHERE a.range % 7 = b.range", seconds=0.2)


def test_a_copy_of_the_folder_is_a_ledger(tmp_path: Path) -> None:
    with filled(tmp_path / "here", 30) as ledger:
        compact(ledger, keep=5)
    shutil.copytree(tmp_path / "here", tmp_path / "there")
    with SqliteLedger(tmp_path / "there", read_only=True) as copy:
        assert verify(copy).holds
        assert copy.sql("SELECT count(*) AS n FROM events")["n"][0] == 30


def test_every_error_of_a_ledger_has_a_next_step(tmp_path: Path) -> None:
    (tmp_path / "ledger.sqlite").mkdir()
    with pytest.raises(AutoDevOpsError) as caught:
        SqliteLedger(tmp_path)
    assert caught.value.next_step
