"""Where bundles lie, seen as one thing: a folder, or anything fsspec can reach.

A bundle is always written as a folder of this machine (`bundle`); `deliver` moves finished ones to where they belong
when that is somewhere else. Files go first and the manifest last, and the manifest is taken away first: whoever reads a
manifest can read everything it names.

`Bundles` is the Protocol; `FolderBundles` here, `FsspecBundles` and `Undelivered` in `storage_remote` are it.
"""

from __future__ import annotations

import logging
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pydantic import ValidationError

from autodevops.domain.run import Run
from autodevops.kernel.errors import StorageFailed, UsageError
from autodevops.kernel.files import sync
from autodevops.runbooks.bundle import LEASE, MANIFEST, Lease

log = logging.getLogger(__name__)

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
GONE = ".gone"  # ends the name of a folder that is being removed


@dataclass(frozen=True)
class BundleRef:
    """The place of a bundle in its storage."""

    runbook: str
    run_id: str

    def __str__(self) -> str:
        return f"{self.runbook}/{self.run_id}"


class Bundles(Protocol):
    """Bundles in one place. Any method raises StorageFailed when the place does not answer or refuses."""

    place: str
    distant: bool  # whether reading many is better done at once

    def refs(self) -> tuple[BundleRef, ...]:
        """All that are there, newest first; running ones, and ones without a manifest, included."""
        ...

    def manifest(self, ref: BundleRef) -> Run | None:
        """None where there is no manifest, or not yet, or none that can be read."""
        ...

    def read(self, ref: BundleRef, name: str) -> bytes:
        """One file of a bundle. Raises UsageError when it has no such file."""
        ...

    def names(self, ref: BundleRef) -> frozenset[str]:
        """Its files as they lie there, listed in a manifest or not; none where there is no such bundle."""
        ...

    def put(self, ref: BundleRef, folder: Path) -> None:
        """Take over the finished bundle that lies in `folder`, which stays as it is. Safe to repeat."""
        ...

    def delete(self, ref: BundleRef) -> None: ...

    def where(self, ref: BundleRef, name: str = "") -> str:
        """For a person: path or URL of the bundle, or of one of its files."""
        ...


class FolderBundles:
    """`<folder>/<runbook>/<run id>/`, as runs make them."""

    distant = False

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.place = str(folder)

    def refs(self) -> tuple[BundleRef, ...]:
        try:
            return newest_first(
                BundleRef(runbook.name, run.name)
                for runbook in _folders(self.folder)
                for run in _folders(Path(runbook.path))
            )
        except OSError as error:
            raise _failed("read", self.place, error) from error

    def manifest(self, ref: BundleRef) -> Run | None:
        try:
            return parse_manifest((self._path(ref) / MANIFEST).read_bytes(), ref)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise _failed("read", str(self._path(ref)), error) from error

    def read(self, ref: BundleRef, name: str) -> bytes:
        path = self._path(ref) / checked(name)
        try:
            return path.read_bytes()
        except (FileNotFoundError, IsADirectoryError) as error:
            raise no_such_file(ref, name) from error
        except OSError as error:
            raise _failed("read", str(path), error) from error

    def names(self, ref: BundleRef) -> frozenset[str]:
        folder = self._path(ref)
        found = (path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())
        return frozenset(path.relative_to(folder).as_posix() for path in found)

    def put(self, ref: BundleRef, folder: Path) -> None:
        target = self._path(ref)
        if target.exists():
            return
        staging = target.with_name(f".{ref.run_id}.new")
        try:
            shutil.rmtree(staging, ignore_errors=True)
            shutil.copytree(folder, staging, ignore=shutil.ignore_patterns(".*"))
            staging.rename(target)
            sync(target.parent)
        except OSError as error:
            raise _failed("written", str(target), error) from error

    def delete(self, ref: BundleRef) -> None:
        """One rename, then the removal; what a crash leaves of it `sweep` takes away."""
        path = self._path(ref)
        gone = path.with_name(f".{ref.run_id}{GONE}")
        try:
            path.rename(gone)
            sync(path.parent)
        except FileNotFoundError:
            return
        except OSError as error:
            raise _failed("removed", str(path), error) from error
        shutil.rmtree(gone, ignore_errors=True)

    def sweep(self) -> None:
        for path in self.folder.glob(f"*/.*{GONE}"):
            shutil.rmtree(path, ignore_errors=True)

    def where(self, ref: BundleRef, name: str = "") -> str:
        return str(self._path(ref) / name) if name else str(self._path(ref))

    def _path(self, ref: BundleRef) -> Path:
        if not (_PLAIN.fullmatch(ref.runbook) and _PLAIN.fullmatch(ref.run_id)):
            raise UsageError(f"{str(ref)!r} is not the name of a bundle.", "See `autodevops run list`.")
        return self.folder / ref.runbook / ref.run_id


def deliver(local: FolderBundles, target: Bundles) -> tuple[str, ...]:
    """Move every finished bundle of `local` to `target`; what went wrong, in words, one for each that stays.

    Any number of processes may do this at once. One that has a lease is running, or not in the ledger yet.
    """
    problems = []
    for ref in local.refs():
        run = local.manifest(ref)
        folder = Path(local.where(ref))
        if run is None or run.status == "running" or (folder / LEASE).exists():
            continue
        turn = Lease.take(folder.with_name(f".{ref.run_id}.delivery"))
        if turn is None:
            continue
        try:
            if local.manifest(ref) is not None:  # nobody was quicker
                target.put(ref, folder)
                local.delete(ref)
        except StorageFailed as error:
            problems.append(f"Bundle {ref} stays in {local.place}: {error.message} The next start tries again.")
        finally:
            turn.end()
    return tuple(problems)


def newest_first(refs: Iterable[BundleRef]) -> tuple[BundleRef, ...]:
    return tuple(sorted(set(refs), key=lambda ref: (ref.run_id, ref.runbook), reverse=True))


def parse_manifest(content: bytes, ref: BundleRef) -> Run | None:
    try:
        return Run.model_validate_json(content)
    except ValidationError:
        log.warning("The manifest of %s cannot be read.", ref)
        return None


def checked(name: str) -> str:
    """The name of a file in a bundle. Raises UsageError for one that leads out of it."""
    parts = name.split("/")
    if not all(_PLAIN.fullmatch(part) for part in parts):
        raise UsageError(f"{name!r} is not the name of a file in a bundle.", "Names stand in the manifest's `files`.")
    return name


def no_such_file(ref: BundleRef, name: str) -> UsageError:
    return UsageError(f"Bundle {ref} has no file {name}.", "Its manifest lists what it has, under `files`.")


def _failed(verb: str, place: str, error: OSError) -> StorageFailed:
    return StorageFailed(
        f"{place} cannot be {verb}: {error.strerror or error}.", "Check its rights and the room there."
    )


def _folders(folder: Path) -> Iterator[os.DirEntry[str]]:
    try:
        entries = list(os.scandir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return
    for entry in entries:
        if _PLAIN.fullmatch(entry.name) and entry.is_dir(follow_symlinks=False):
            yield entry
