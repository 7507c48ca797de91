"""What `verify` finds: each way to change a record, told with its place; and what it can only find with a head."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stores.ledger_samples import START, event, new_events

from autodevops.domain.ledger import LedgerEvent, NewEvent
from autodevops.kernel.errors import LedgerDamaged, LedgerUnavailable, UsageError
from autodevops.stores.chain import LISTED
from autodevops.stores.export import Filter, chosen, export
from autodevops.stores.ledger_rows import Row, from_row, right_digest, to_arrow, to_row
from autodevops.stores.segments import compact, file_digest
from autodevops.stores.signing import Head, make_keys, parse_head, signer, verifier
from autodevops.stores.sqlite_ledger import SqliteLedger
from autodevops.stores.verify import verify, verify_export
from autodevops.stores.verify_bundles import MANIFEST, BundleFiles, FolderFiles

RUN = "namespace-health/20261128T030000000Z-abc123"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two segments (1-20, 21-30), a tail (31-44), state, and a bundle with evidence in a folder."""
    root = tmp_path_factory.mktemp("whole")
    bundle = root / "artifacts" / RUN
    (bundle / "evidence").mkdir(parents=True)
    (bundle / "report.html").write_text("<p>well</p>")
    (bundle / "evidence" / "ev-1.json").write_text("{}")
    files = {name: file_digest(bundle / name) for name in ("report.html", "evidence/ev-1.json")}
    (bundle / MANIFEST).write_text(json.dumps({"status": "succeeded", "files": files}))
    final = {"folder": RUN, "manifest": file_digest(bundle / MANIFEST), "status": "succeeded"}
    with SqliteLedger(root / "ledger") as ledger:
        ledger.append(*map(event, range(1, 28)))
        ledger.change("approval", "plan", {"by": None}, expected=0, event=event(28, kind="approval"))
        ledger.append(*map(event, range(29, 40)))
        ledger.append(NewEvent(at=START, kind="run", what="succeeded", actor="scarlet", subject=RUN[-26:], data=final))
        ledger.change("approval", "plan", {"by": "ada"}, expected=1, event=event(41, kind="approval"))
        ledger.change("run", "r", {"n": 1}, expected=0, event=event(42))
        ledger.append(event(43), event(44))
        compact(ledger, keep=14, segment_events=20)
    return root


def database(root: Path, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(root / "ledger" / "ledger.sqlite")) as connection:
        assert connection.execute(statement, values).rowcount == 1
        connection.commit()


def in_database(statement: str, *values: object) -> Callable[[Path], None]:
    return lambda root: database(root, statement, *values)


def replaced(name: str, text: str) -> Callable[[Path], None]:
    def replace(root: Path) -> None:
        (root / name).write_text(text)

    return replace


def flipped(name: str, place: float) -> Callable[[Path], None]:
    def flip(root: Path) -> None:
        path = root / name
        content = bytearray(path.read_bytes())
        content[int(len(content) * place)] ^= 1
        path.write_bytes(content)

    return flip


def removed(name: str) -> Callable[[Path], None]:
    return lambda root: (root / name).unlink()


def forge_segment(root: Path) -> None:
    """One event of a segment told anew, in a Parquet file that is fine in itself."""
    import pyarrow.parquet as pq

    with SqliteLedger(root / "ledger", read_only=True) as ledger:
        rows = [row for row in ledger.rows() if 21 <= row[0] <= 30]
    rows[4] = (*rows[4][:4], "nobody", *rows[4][5:])
    pq.write_table(to_arrow(rows), root / "ledger" / "segments" / "21-30.parquet")


def remake_tail(root: Path) -> None:
    """What somebody does who can write the file and knows how: a new chain from event 40 on."""
    with SqliteLedger(root / "ledger") as ledger:
        rows = list(ledger.rows(after=39))
        previous = rows[0][-2]
        with ledger.writing() as connection:
            for row in rows:
                seq, actor = row[0], "nobody" if row[0] == 43 else row[4]
                row = (*row[:4], actor, *row[5:8], previous, "")
                previous = right_digest(row)
                connection.execute(
                    "UPDATE events SET actor = ?, previous = ?, digest = ? WHERE seq = ?",
                    (actor, row[-2], previous, seq),
                )


def cut_end(root: Path) -> None:
    for seq in (44, 43, 42, 41):
        database(root, "DELETE FROM events WHERE seq = ?", seq)


SEGMENT = "ledger/segments/21-30.parquet"
CHANGES: dict[str, tuple[Callable[[Path], None], list[str]]] = {
    "data of an event": (
        in_database("UPDATE events SET data = '{\"n\":0}' WHERE seq = 35"),
        ["event 35: its digest"],
    ),
    "actor of an event": (in_database("UPDATE events SET actor = 'ada' WHERE seq = 31"), ["event 31: its digest"]),
    "time of an event": (in_database("UPDATE events SET at = at + 1 WHERE seq = 44"), ["event 44: its digest"]),
    "digest of an event": (
        in_database("UPDATE events SET digest = 'sha256:0' WHERE seq = 33"),
        ["event 33: its digest", "event 34: it follows"],
    ),
    "an event is gone": (
        in_database("DELETE FROM events WHERE seq = 37"),
        ["event 38: event 37 is missing before it"],
    ),
    "an end that made state is cut": (
        cut_end,
        [
            "state: approval plan: it has version 2 of event 41, but the newest is version 1 of event 28",
            "state: run r: it claims event 42, but no event made it",
        ],
    ),
    "value of an entry": (
        in_database("UPDATE state SET value = '{\"by\":\"eve\"}' WHERE kind = 'approval'"),
        ["state: approval plan: its value"],
    ),
    "an entry is turned back": (
        in_database("UPDATE state SET value = '{\"by\":null}', version = 1, seq = 28 WHERE kind = 'approval'"),
        ["state: approval plan: it has version 1 of event 28, but the newest is version 2 of event 41"],
    ),
    "an entry is gone": (
        in_database("DELETE FROM state WHERE kind = 'run'"),
        ["state: run r: event 42 made its version 1, but it is missing"],
    ),
    "an entry is put in": (
        in_database("INSERT INTO state VALUES ('approval', 'mine', 1, 43, '{}')"),
        ["state: approval mine: it claims event 43, but no event made it"],
    ),
    "a byte of a segment": (flipped(SEGMENT, 0.3), ["21-30.parquet: "]),
    "a segment is cut": (replaced(SEGMENT, ""), ["21-30.parquet: its digest", "21-30.parquet cannot be read"]),
    "a segment is gone": (removed(SEGMENT), ["21-30.parquet: it cannot be read: No such file"]),
    "a segment is forged": (forge_segment, ["21-30.parquet: its digest", "event 25: its digest"]),
    "a segment's record": (
        in_database("UPDATE segments SET digest = 'sha256:0' WHERE first = 21"),
        ["21-30.parquet: it ends with event 30"],
    ),
    "a file of a bundle": (
        replaced(f"artifacts/{RUN}/report.html", "<p>all is well</p>"),
        ["report.html: its digest"],
    ),
    "a file of a bundle is gone": (
        removed(f"artifacts/{RUN}/evidence/ev-1.json"),
        ["ev-1.json: the manifest lists it, but it cannot be read"],
    ),
    "a file is added to a bundle": (
        replaced(f"artifacts/{RUN}/evidence/ev-2.json", "{}"),
        ["ev-2.json: the manifest does not list it"],
    ),
    "a manifest": (
        replaced(f"artifacts/{RUN}/{MANIFEST}", '{"files": {"report.html": "sha256:0", "../x": "sha256:0"}}'),
        [
            "manifest.json: its digest",
            "x: the manifest names a file outside its bundle",
            "report.html: its digest",
            "ev-1.json: the manifest does not list it",
        ],
    ),
    "a bundle is gone": (
        lambda root: shutil.rmtree(root / "artifacts" / RUN),
        ["manifest.json: the bundle is missing; event 40 entered it"],
    ),
}


def at(root: Path) -> Callable[[str], BundleFiles | None]:
    return lambda place: None if "://" in place else FolderFiles(Path(place or root / "artifacts"))


def divergences(root: Path, head: Head | None = None) -> list[str]:
    with SqliteLedger(root / "ledger", read_only=True) as ledger:
        found = verify(ledger, bundles_at=at(root), head=head)
    return [f"{one.where}: {one.what}" for one in found.divergences]


def copied(whole: Path, folder: Path) -> Path:
    return Path(shutil.copytree(whole, folder / "copy"))


def test_what_was_not_touched_holds(whole: Path) -> None:
    checkpoint = whole / "artifacts" / RUN / ".ipynb_checkpoints" / "report-checkpoint.html"
    checkpoint.parent.mkdir()
    checkpoint.write_text("JupyterLab's, whose user opened the report")
    with SqliteLedger(whole / "ledger", read_only=True) as ledger:
        found = verify(ledger, bundles_at=at(whole))
        assert found.holds
        assert (found.events, found.first, found.head, found.digest) == (44, 1, *ledger.head())
        assert (found.segments, found.entries, found.bundles, found.files, found.unentered) == (2, 2, 1, 3, ())


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_is_found_and_told_once_with_its_place(name: str, whole: Path, tmp_path: Path) -> None:
    change, told = CHANGES[name]
    root = copied(whole, tmp_path)
    change(root)
    said = divergences(root)
    assert len(said) >= len(told)
    for one, start in zip(said, told, strict=False):
        assert one.removeprefix(f"{root}/").split("/")[-1].startswith(start), said
    assert len(said) == len(told) or name in {"a byte of a segment"}


@pytest.mark.parametrize(
    "change", [in_database("DELETE FROM events WHERE seq = 44"), remake_tail], ids=["cut", "remade"]
)
def test_a_chain_that_was_cut_or_made_anew_holds_but_for_a_head_kept_elsewhere(
    change: Callable[[Path], None], whole: Path, tmp_path: Path
) -> None:
    root = copied(whole, tmp_path)
    with SqliteLedger(root / "ledger") as ledger:
        seq, digest = ledger.head()
        head = parse_head(f"{seq}:{digest}")
    assert divergences(root, head) == []
    change(root)
    assert divergences(root) == []
    assert [one.split(":")[0] for one in divergences(root, head)] == ["event 44"]


def test_a_bundle_that_retention_deleted_is_rightly_gone(whole: Path, tmp_path: Path) -> None:
    root = copied(whole, tmp_path)
    with SqliteLedger(root / "ledger") as ledger:
        ledger.append(event(1, subject=RUN[-26:], what="deleted"))
        found = verify(ledger, bundles_at=at(root))  # a crash came between the event and the deed
        assert (found.holds, found.bundles, found.unentered) == (True, 0, ())
    shutil.rmtree(root / "artifacts" / RUN)
    assert divergences(root) == []


def test_a_bundle_lies_where_its_event_says(whole: Path, tmp_path: Path) -> None:
    other = Path(shutil.copytree(whole / "artifacts", tmp_path / "other"))
    data = {"folder": RUN, "manifest": file_digest(other / RUN / MANIFEST)}
    with SqliteLedger(tmp_path / "ledger") as ledger:
        for subject, place in (("a", str(other)), ("b", "s3://bundles")):
            ledger.append(event(1, subject=subject).model_copy(update={"data": {**data, "artifacts": place}}))
        found = verify(ledger, bundles_at=at(tmp_path))
        assert (found.holds, found.bundles, found.elsewhere) == (True, 1, 1)
        (other / RUN / "report.html").write_text("")
        found = verify(ledger, bundles_at=at(tmp_path))
    assert [one.where for one in found.divergences] == [f"{other}/{RUN}/report.html"]


def test_a_reconciled_run_is_checked_against_its_newest_manifest(whole: Path, tmp_path: Path) -> None:
    root = copied(whole, tmp_path)
    manifest = root / "artifacts" / RUN / MANIFEST
    manifest.write_text(manifest.read_text() + " ")
    data = {"folder": RUN, "manifest": file_digest(manifest)}
    with SqliteLedger(root / "ledger") as ledger:
        ledger.append(event(1, subject=RUN[-26:], what="reconciled").model_copy(update={"data": data}))
    assert divergences(root) == []


def test_a_bundle_that_no_event_names_is_mentioned(whole: Path, tmp_path: Path) -> None:
    root = copied(whole, tmp_path)
    (root / "artifacts" / "other" / "run").mkdir(parents=True)
    (root / "artifacts" / "other" / "run" / MANIFEST).write_text("{}")
    with SqliteLedger(root / "ledger", read_only=True) as ledger:
        found = verify(ledger, bundles_at=at(root))
    assert (found.holds, found.unentered) == (True, ("other/run",))


def test_an_event_that_names_a_bundle_elsewhere_is_told_and_nothing_there_is_read(tmp_path: Path) -> None:
    with SqliteLedger(tmp_path / "ledger") as ledger:
        data = {"folder": "../../etc", "manifest": "sha256:0"}
        ledger.append(event(1).model_copy(update={"data": data}))
    assert divergences(tmp_path) == ["event 1: it names a bundle outside the artifacts folder: ../../etc"]


def test_many_divergences_are_counted_not_all_told(whole: Path, tmp_path: Path) -> None:
    with SqliteLedger(tmp_path / "ledger") as ledger:
        ledger.append(*map(event, range(200)))
        with ledger.writing() as connection:
            connection.execute("UPDATE events SET actor = 'eve'")
        found = verify(ledger)
    assert (len(found.divergences), found.more) == (LISTED, 200 - LISTED)


def test_a_chain_that_does_not_hold_is_not_compacted(whole: Path, tmp_path: Path) -> None:
    root = copied(whole, tmp_path)
    database(root, "UPDATE events SET actor = 'ada' WHERE seq = 35")
    with SqliteLedger(root / "ledger") as ledger:
        with pytest.raises(LedgerDamaged, match="event 35"):
            compact(ledger, keep=0)
        assert len(ledger.segments()) == 2
        assert [one.seq for one in ledger.events()] == list(range(1, 45))


@settings(max_examples=60, deadline=None)
@given(events=st.lists(new_events, min_size=1, max_size=3), data=st.data())
def test_any_other_value_in_any_column_is_found(events: list[NewEvent], data: st.DataObject) -> None:
    """The row's digest is the event's, and no column is left out of it."""
    previous = "sha256:" + 64 * "0"
    for number, one in enumerate(events, 1):
        placed = LedgerEvent.following(number, previous, one)
        row = to_row(placed)
        assert right_digest(row) == placed.digest
        assert from_row(row) == placed
        previous = placed.digest
        column = data.draw(st.integers(0, 8))
        present = row[column]
        same = {present} if present is not None else {None, "", "null"}  # of an event that made no entry
        other = data.draw(st.integers(0, 2**50) if column < 2 else st.text(st.characters(codec="utf-8")))
        changed = [*row[:column], other, *row[column + 1 :]]
        assert (right_digest(cast(Row, tuple(changed))) != placed.digest) == (other not in same)


def test_a_flipped_bit_that_empties_a_column_is_damage(whole: Path, tmp_path: Path) -> None:
    root = copied(whole, tmp_path)
    file = root / "ledger" / "segments" / "1-20.parquet"
    content = bytearray(file.read_bytes())
    content[159] ^= 1
    file.write_bytes(content)
    assert any("1-20.parquet" in told for told in divergences(root))


@settings(max_examples=80, deadline=None)
@given(data=st.data())
def test_a_flipped_bit_anywhere_is_found_or_holds_nothing(
    whole: Path, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Free space and counters of SQLite may change; an event, an entry or a record of a segment may not."""
    root = tmp_path_factory.mktemp("flipped")
    shutil.copytree(whole / "ledger", root / "ledger")
    name = data.draw(st.sampled_from(["ledger.sqlite", "segments/1-20.parquet", "segments/21-30.parquet"]))
    path = root / "ledger" / name
    content = bytearray(path.read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(content)
    try:
        told = divergences(root)
    except LedgerUnavailable:
        told = ["it cannot be opened"]
    if not told:
        assert everything(root) == everything(whole)
    shutil.rmtree(root)


def everything(root: Path) -> object:
    with SqliteLedger(root / "ledger", read_only=True) as ledger:
        return list(ledger.rows()), ledger.entries("approval"), ledger.entries("run"), ledger.segments()


def test_signed_segments_and_heads_are_asked_of_whoever_has_the_public_key(tmp_path: Path) -> None:
    private, public = make_keys(tmp_path / "keys")
    other = make_keys(tmp_path / "others")[1]
    with SqliteLedger(tmp_path / "ledger") as ledger:
        ledger.append(*map(event, range(30)))
        compact(ledger, keep=20)
        compact(ledger, keep=10, sign=signer(private))
        assert verify(ledger, is_signed=verifier(public)).signed_until == 20
        seq, digest = ledger.head()
        head = parse_head(str(Head(seq=seq, digest=digest, signature=signer(private)(seq, digest))))
        found = verify(ledger, is_signed=verifier(public), head=head)
        assert (found.holds, found.signed_until) == (True, 30)
        with pytest.raises(UsageError, match="no public key"):
            verify(ledger, head=head)
        wrong = verify(ledger, is_signed=verifier(other), head=head)
        assert [one.what.split(" not ")[1] for one in wrong.divergences] == ["by the given key"] * 2
        compact(ledger, keep=0)
        stripped = verify(ledger, is_signed=verifier(public))
        assert [one.what for one in stripped.divergences] == ["the newest segment, and it is not signed"]


@pytest.mark.parametrize("text", ["", "5", "5:sha256:xyz", "x:sha256:" + 64 * "0", "5:sha256:" + 64 * "0" + ":rsa:abc"])
def test_what_is_no_head_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is not a head"):
        parse_head(text)


def test_a_key_that_is_none_is_refused_with_the_way_to_one(tmp_path: Path) -> None:
    private, public = make_keys(tmp_path)
    assert private.stat().st_mode & 0o777 == 0o600
    with pytest.raises(UsageError, match="exists already"):
        make_keys(tmp_path)
    for read, path in ((signer, public), (signer, tmp_path / "none"), (verifier, private), (verifier, tmp_path)):
        with pytest.raises(UsageError, match=str(path)):
            read(path)


@pytest.mark.parametrize("name", ["all.jsonl", "all.parquet"])
def test_an_export_holds_by_itself_and_a_change_in_it_is_found(name: str, whole: Path, tmp_path: Path) -> None:
    path = tmp_path / name
    with SqliteLedger(whole / "ledger", read_only=True) as ledger:
        assert export(chosen(ledger, Filter()), path) == 44
        with pytest.raises(UsageError, match="exists already"):
            export(chosen(ledger, Filter(last=1)), path)
        found = verify_export(path)
        assert (found.holds, found.events, found.digest) == (True, 44, ledger.head()[1])
        export(chosen(ledger, Filter(last=3)), path, force=True)
        assert verify_export(path).first == 42
        assert verify_export(path).holds
        export(chosen(ledger, Filter(kind="approval")), path, force=True)
    assert [one.what for one in verify_export(path).divergences] == ["events 29 to 40 are missing before it"]
    assert verify_export(path, filtered=True).holds
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('"n":7', '"n":8', "its digest"),
        ('"seq":7', '"seq":9', "events 7 to 8 are missing"),
        ('"what"', '"what', "Line 7 is no event"),
        ('"what"', '"wat"', "Line 7 is no event: it has no 'what'"),
    ],
)
def test_a_changed_line_is_named(old: str, new: str, told: str, whole: Path, tmp_path: Path) -> None:
    path = tmp_path / "all.jsonl"
    with SqliteLedger(whole / "ledger", read_only=True) as ledger:
        export(chosen(ledger, Filter()), path)
    lines = path.read_text().splitlines(keepends=True)
    lines[6] = lines[6].replace(old, new, 1)
    path.write_text("".join(lines))
    first = verify_export(path).divergences[0]
    assert first.seq == 7
    assert told in first.what
