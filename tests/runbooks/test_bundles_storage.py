"""One conformance suite for every storage, and what happens when a distant one does not answer."""

from __future__ import annotations

import shutil
import threading
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from runbooks.kept_runs import evidence, found, open_bundle
from s3_server import s3_server

from autodevops.kernel.clock import utc_now
from autodevops.kernel.errors import StorageFailed, UsageError
from autodevops.kernel.ids import bytes_digest
from autodevops.runbooks.bundle import LEASE, Lease, RunRecord, read_manifest
from autodevops.runbooks.keeper import FolderKeeper
from autodevops.runbooks.storage import BundleRef, Bundles, FolderBundles, deliver
from autodevops.runbooks.storage_audit import AuditedBundles
from autodevops.runbooks.storage_remote import (
    FsspecBundles,
    Undelivered,
    deliver_finished,
    manifests,
    open_bundles,
)

Make = Callable[[], Bundles]


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with s3_server(tmp_path_factory.mktemp("s3")) as address:
        yield address


@pytest.fixture(params=["folder", "file url", "memory", "local", "s3"])
def make(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    """Opens the same empty place again and again, as another process would."""
    place = uuid.uuid4().hex
    match request.param:
        case "folder":
            return lambda: FolderBundles(tmp_path / "there")
        case "file url":
            return lambda: open_bundles((tmp_path / "there").as_uri(), tmp_path / "unused")
        case "memory":
            return lambda: FsspecBundles(f"memory://{place}/runs")
        case "local":
            return lambda: FsspecBundles(f"local://{tmp_path}/there")
    address = request.getfixturevalue("s3")
    _make_bucket(address, place, monkeypatch)
    return lambda: FsspecBundles(f"s3://{place}/some/runs")


def _make_bucket(address: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from pyarrow.fs import S3FileSystem

    monkeypatch.setenv("AWS_ENDPOINT_URL", address)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "tests")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "tests")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    fs = S3FileSystem(endpoint_override=address, scheme="http", region="us-east-1", allow_bucket_creation=True)
    fs.create_dir(name)


def _finished(artifacts: Path, run_id: str = "20261124T040000000Z-abcdef") -> RunRecord:
    bundle, run = open_bundle(artifacts)
    keeper = FolderKeeper(bundle.staging)
    for item in evidence(30):
        keeper.evidence(item)
    keeper.investigation(found(30))
    final = run.model_copy(update={"status": "succeeded", "finished_at": utc_now(), "id": run_id})
    record = bundle.finish(bundle.with_evidence(final), None, b"<p>page</p>")
    folder = record.folder.with_name(run_id)
    record.folder.rename(folder)
    return RunRecord(record.run, folder)


def _ref(record: RunRecord) -> BundleRef:
    return BundleRef(record.runbook, record.run.id)


def test_what_was_put_is_read_by_another_process_bit_for_bit(make: Make, tmp_path: Path) -> None:
    record = _finished(tmp_path / "local")
    make().put(_ref(record), record.folder)
    there = make()
    assert there.refs() == (_ref(record),)
    assert there.manifest(_ref(record)) == record.run
    assert len(record.run.files) == 6
    assert there.names(_ref(record)) == {"manifest.json", *record.run.files}
    for name, wanted in record.run.files.items():
        assert bytes_digest(there.read(_ref(record), name)) == wanted
    assert bytes_digest(there.read(_ref(record), "manifest.json")) == bytes_digest(
        (record.folder / "manifest.json").read_bytes()
    )
    assert _ref(record).run_id in there.where(_ref(record), "report.html")


def test_empty_place_has_no_bundles_and_names_what_is_missing(make: Make) -> None:
    there, ref = make(), BundleRef("probe", "20200101T000000000Z-aaaaaa")
    assert there.refs() == ()
    assert there.manifest(ref) is None
    with pytest.raises(UsageError, match=r"has no file report\.html"):
        there.read(ref, "report.html")
    assert there.names(ref) == frozenset()
    there.delete(ref)


def test_an_audit_reads_every_file_wherever_it_lies(make: Make, tmp_path: Path) -> None:
    record, there = _finished(tmp_path / "local"), make()
    manifest = (record.folder / "manifest.json").read_bytes()
    there.put(_ref(record), record.folder)
    files = AuditedBundles(there)
    assert list(files.bundles()) == [str(_ref(record))]
    assert {bytes_digest(files.read(str(_ref(record)), name)) for name in files.names(str(_ref(record)))} == {
        bytes_digest(manifest),
        *record.run.files.values(),
    }


def test_newest_come_first_and_deleted_ones_are_gone(make: Make, tmp_path: Path) -> None:
    records = [_finished(tmp_path / "local", f"2026112{day}T000000000Z-aaaaaa") for day in (3, 1, 2)]
    there = make()
    for record in records:
        there.put(_ref(record), record.folder)
        there.put(_ref(record), record.folder)
    assert [ref.run_id[:8] for ref in make().refs()] == ["20261123", "20261122", "20261121"]
    assert [run.id[:8] for _, run in manifests(make(), make().refs())] == ["20261123", "20261122", "20261121"]
    there.delete(_ref(records[0]))
    assert [ref.run_id[:8] for ref in make().refs()] == ["20261122", "20261121"]
    assert make().manifest(_ref(records[0])) is None


def test_names_that_lead_out_of_a_bundle_are_refused(make: Make, tmp_path: Path) -> None:
    record = _finished(tmp_path / "local")
    there = make()
    there.put(_ref(record), record.folder)
    for name in ("../x", "/etc/passwd", "evidence/../../x", "", "a//b", ".lease"):
        with pytest.raises(UsageError, match="not the name of a file"):
            there.read(_ref(record), name)


def test_whoever_sees_a_manifest_sees_everything(make: Make, tmp_path: Path) -> None:
    record = _finished(tmp_path / "local")
    writer, reader, over = make(), make(), threading.Event()
    torn: list[str] = []
    seen = 0

    def look() -> None:
        nonlocal seen
        while True:
            last = over.is_set()
            run = reader.manifest(_ref(record))
            if run is not None:
                seen += 1
                torn.extend(
                    name
                    for name, wanted in run.files.items()
                    if bytes_digest(reader.read(_ref(record), name)) != wanted
                )
            if last:
                return

    thread = threading.Thread(target=look)
    thread.start()
    try:
        writer.put(_ref(record), record.folder)
    finally:
        over.set()
        thread.join(60)
    assert torn == []
    assert seen


def test_finished_bundles_are_delivered_and_running_ones_stay(tmp_path: Path) -> None:
    staging = FolderBundles(tmp_path / "staging")
    target = FsspecBundles(f"memory://{uuid.uuid4().hex}")
    record = _finished(tmp_path / "staging")
    bundle, _ = open_bundle(tmp_path / "other")
    shutil.move(bundle.folder, tmp_path / "staging" / "probe" / "20261125T000000000Z-bbbbbb")
    both = Undelivered(staging, target)
    assert deliver(staging, target) == ()
    assert deliver(staging, target) == ()
    assert target.refs() == (_ref(record),)
    assert [ref.run_id[:8] for ref in staging.refs()] == ["20261125"]
    assert [ref.run_id[:8] for ref in both.refs()] == ["20261125", "20261124"]
    assert both.manifest(_ref(record)) == record.run
    assert both.where(_ref(record)).startswith("memory://")
    assert [path.name for path in (tmp_path / "staging/probe").iterdir()] == ["20261125T000000000Z-bbbbbb"]
    both.delete(_ref(record))
    assert [ref.run_id[:8] for ref in both.refs()] == ["20261125"]


def test_bundle_that_somebody_holds_is_not_delivered_meanwhile(tmp_path: Path) -> None:
    record = _finished(tmp_path)
    target = FolderBundles(tmp_path / "target")
    for held in (record.folder / LEASE, record.folder.with_name(f".{record.run.id}.delivery")):
        lease = Lease.take(held)
        assert lease is not None
        assert deliver(FolderBundles(tmp_path), target) == ()
        assert target.refs() == ()
        lease.end()
    deliver(FolderBundles(tmp_path), target)
    assert target.refs() == (_ref(record),)


def test_failed_delivery_keeps_the_bundle_says_so_and_the_next_start_sends_it(
    tmp_path: Path, s3: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = uuid.uuid4().hex
    _make_bucket(s3, name, monkeypatch)
    record = _finished(tmp_path / "staging")
    url = f"s3://{name}/runs"
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    (problem,) = deliver_finished(url, tmp_path / "staging")
    assert str(_ref(record)) in problem
    assert url in problem
    assert "next start tries again" in problem
    assert read_manifest(record.folder) == record.run
    assert sorted(path.name for path in record.folder.iterdir()) == ["evidence", "manifest.json", "report.html"]
    with pytest.raises(StorageFailed, match="cannot be read"):
        open_bundles(url, tmp_path / "staging").refs()
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3)
    assert deliver_finished(url, tmp_path / "staging") == ()
    assert not record.folder.exists()
    assert open_bundles(url, tmp_path / "staging").manifest(_ref(record)) == record.run


def test_bucket_that_does_not_exist_is_named(tmp_path: Path, s3: str, monkeypatch: pytest.MonkeyPatch) -> None:
    _make_bucket(s3, uuid.uuid4().hex, monkeypatch)
    record = _finished(tmp_path)
    (problem,) = deliver_finished("s3://no-such-bucket/runs", tmp_path)
    assert "s3://no-such-bucket/runs cannot be written" in problem
    assert record.folder.exists()


@pytest.mark.parametrize("url", ["nonsense://x/y", "abfs://container/x"])
def test_address_that_cannot_be_had_is_usage_with_the_next_step(url: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        open_bundles(url, tmp_path)
    assert url in str(caught.value)
    assert caught.value.next_step


def test_manifest_that_cannot_be_read_hides_no_other(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    record = _finished(tmp_path)
    broken = tmp_path / "probe" / "20261126T000000000Z-cccccc"
    broken.mkdir()
    (broken / "manifest.json").write_text('{"version": 9}')
    there = FolderBundles(tmp_path)
    assert [run for _, run in manifests(there, there.refs())] == [record.run]
    assert "20261126T000000000Z-cccccc cannot be read" in caplog.text
