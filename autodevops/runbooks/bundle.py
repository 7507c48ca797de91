"""What a run leaves behind: `<artifacts>/<runbook>/<run id>/` with notebook, page, evidence and manifest.

The folder appears by one rename, with a manifest in it that says `running`. The manifest is written last when the run
ends, so a bundle never claims more than is in it. While a run lives its runner holds a lock on the file `.lease`; the
kernel of the machine lets go of it when the runner dies, however it dies, and `reconcile` sees that.
"""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from autodevops.domain.run import Run, RunStatus
from autodevops.kernel.errors import RunFailed
from autodevops.kernel.files import sync
from autodevops.kernel.ids import bytes_digest
from autodevops.runbooks.evidence import FOLDER as EVIDENCE
from autodevops.runbooks.evidence import STAGING, Kept, collect
from autodevops.runbooks.files import add_stills, notebook_bytes, write_quickly, write_together
from autodevops.runbooks.keeper import Mask, same

log = logging.getLogger(__name__)

MANIFEST = "manifest.json"
NOTEBOOK = "notebook.ipynb"
REPORT = "report.html"
SOURCE = "runbook.ipynb"  # as it was when it ran, for running it again
LEASE = ".lease"


@dataclass(frozen=True)
class RunRecord:
    """A run and where its bundle lies."""

    run: Run
    folder: Path

    @property
    def status(self) -> RunStatus:
        return self.run.status

    @property
    def runbook(self) -> str:
        return self.run.runbook

    @property
    def where(self) -> str:
        """For a person: the folder, or the id once the bundle has been sent elsewhere."""
        return str(self.folder) if self.folder.exists() else f"run {self.run.id}"


class Lease:
    """A lock that ends with its holder's process."""

    def __init__(self, descriptor: int, path: Path) -> None:
        self._descriptor = descriptor
        self._path = path

    @classmethod
    def take(cls, path: Path) -> Self | None:
        """None when somebody alive holds it. Raises FileNotFoundError when it is gone with its folder."""
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        return cls(descriptor, path)

    def is_current(self) -> bool:
        """Whether the file that is locked still has its name; a former holder may have removed it."""
        try:
            return os.path.samestat(os.fstat(self._descriptor), os.stat(self._path))
        except FileNotFoundError:
            return False

    def moved_to(self, path: Path) -> None:
        self._path = path

    def end(self) -> None:
        """The run is over and its bundle whole."""
        self._path.unlink(missing_ok=True)
        os.close(self._descriptor)

    def abandon(self) -> None:
        """The bundle could not be finished: leave it to be reconciled."""
        os.close(self._descriptor)


class Bundle:
    """A bundle that is being written."""

    def __init__(self, folder: Path, lease: Lease) -> None:
        self.folder = folder
        self._lease = lease

    @classmethod
    def create(cls, artifacts: Path, run: Run, source: bytes = b"") -> Self:
        """`source` is the runbook's file. Not synced yet: the run's journal does that.

        Raises RunFailed when the artifacts folder cannot be written.
        """
        folder = artifacts.absolute() / run.runbook / run.id
        staging = folder.with_name(f".{run.id}.new")
        try:
            staging.mkdir(parents=True)
            lease = Lease.take(staging / LEASE)
            if lease is None:
                raise BlockingIOError(errno.EWOULDBLOCK, "another process took it while it was being made")
            if source:
                write_quickly(staging / SOURCE, source)
            write_quickly(staging / MANIFEST, manifest_bytes(run))
            staging.rename(folder)
        except OSError as error:
            raise unwritable(artifacts, error) from error
        lease.moved_to(folder / LEASE)
        return cls(folder, lease)

    @property
    def notebook(self) -> Path:
        return self.folder / NOTEBOOK

    def discard(self) -> None:
        """Nothing has happened in this run, and nothing will."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self._lease.end()

    @property
    def staging(self) -> Path:
        """Where the kernel leaves its evidence."""
        return self.folder / STAGING

    def with_evidence(self, run: Run, mask: Mask = same) -> Run:
        """`run` with what its kernel left behind, which is now in the bundle."""
        try:
            kept = collect(self.folder, mask)
        except OSError as error:
            kept = Kept(left_out=f"the evidence could not be written: {error.strerror}")
        return run.model_copy(
            update={"evidence": kept.evidence, "investigations": kept.investigations, "left_out": kept.left_out}
        )

    def finish(
        self, run: Run, notebook: Any | None, report: bytes, enter: Callable[[Run, bytes], None] | None = None
    ) -> RunRecord:
        """Write everything, the manifest last, `enter` run and manifest in the ledger, and let go of the lease.

        When `enter` fails the bundle stays whole with its lease, unheld: `reconcile` enters the run later. Raises
        RunFailed when it cannot be written; the bundle then goes on saying `running` until it is reconciled.
        """
        try:
            final = self._write(run, notebook, report)
        except OSError as error:
            self._lease.abandon()
            raise RunFailed(
                f"The bundle {self.folder} cannot be written: {error.strerror}.",
                "Make room or correct its rights; the next start of Scarlet records this run as interrupted.",
            ) from error
        if enter is not None:
            try:
                enter(final, manifest_bytes(final))
            except Exception:
                log.exception("Run %s is not in the ledger; the next start of Scarlet enters it", run.id)
                self._lease.abandon()
                return RunRecord(final, self.folder)
        self._lease.end()
        return RunRecord(final, self.folder)

    def _write(self, run: Run, notebook: Any | None, report: bytes) -> Run:
        written = {}
        if notebook is not None:
            add_stills(notebook)
            written[NOTEBOOK] = notebook_bytes(notebook)
        written[REPORT] = report
        for leftover in self.folder.glob(".*.????????"):  # of a write that a crash cut short
            leftover.unlink()
        contents = {**self._lying(), **written}
        final = run.model_copy(
            update={
                "version": 2,
                "files": {name: bytes_digest(contents[name]) for name in sorted(contents)},
                "sizes": {name: len(contents[name]) for name in sorted(contents)},
            }
        )
        write_together(self.folder, {**written, MANIFEST: manifest_bytes(final)})
        for folder in (self.folder.parent, self.folder.parent.parent):
            sync(folder)
        shutil.rmtree(self.staging, ignore_errors=True)
        return final

    def _lying(self) -> dict[str, bytes]:
        """What is there already and stays: the source, and the evidence, which is synced."""
        source = self.folder / SOURCE
        if source.is_file():
            sync(source)
        return {
            path.relative_to(self.folder).as_posix(): path.read_bytes()
            for path in (source, *self.folder.glob(f"{EVIDENCE}/*"))
            if path.is_file()
        }


def unwritable(folder: Path, error: OSError) -> RunFailed:
    return RunFailed(
        f"The artifacts folder {folder} cannot be written: {error.strerror}.",
        "Make room or correct its rights, or set AUTODEVOPS_SCARLET__ARTIFACTS to another folder.",
    )


def manifest_bytes(run: Run) -> bytes:
    return run.model_dump_json(indent=2).encode() + b"\n"


def read_manifest(folder: Path) -> Run:
    return Run.model_validate_json((folder / MANIFEST).read_bytes())
