"""Whether bundles are what the ledger says: the manifest by the run's final event, every file by the manifest."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import NamedTuple, Protocol

from autodevops.kernel.errors import AutoDevOpsError
from autodevops.kernel.ids import bytes_digest
from autodevops.stores.chain import Found
from autodevops.stores.ledger_rows import Row

MANIFEST = "manifest.json"
VISITED = ".ipynb_checkpoints"  # a folder that JupyterLab leaves beside a file that somebody opened


class BundleFiles(Protocol):
    """Where bundles lie, read only. A bundle is named `<runbook>/<run id>`; its files by their path in it."""

    place: str

    def bundles(self) -> Iterable[str]:
        """All that have a manifest."""
        ...

    def names(self, bundle: str) -> frozenset[str]:
        """Its files; none when there is no such bundle. Raises OSError or AutoDevOpsError."""
        ...

    def read(self, bundle: str, name: str) -> bytes:
        """Raises OSError or AutoDevOpsError."""
        ...


class FolderFiles:
    """Bundles in a folder of this machine."""

    def __init__(self, folder: Path) -> None:
        self.place = str(folder)
        self._folder = folder

    def bundles(self) -> Iterable[str]:
        for path in sorted(self._folder.glob(f"*/*/{MANIFEST}")):
            if not path.parent.name.startswith("."):
                yield path.parent.relative_to(self._folder).as_posix()

    def names(self, bundle: str) -> frozenset[str]:
        folder = self._folder / bundle
        found = (path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())
        return frozenset(path.relative_to(folder).as_posix() for path in found)

    def read(self, bundle: str, name: str) -> bytes:
        return (self._folder / bundle / name).read_bytes()


class Named(NamedTuple):
    """What a run's newest event says of its bundle."""

    seq: int
    place: str  # the artifacts folder or URL as the event has it; often empty
    bundle: str
    manifest: str


@dataclass
class BundlesNamed:
    """What the chain says of bundles, gathered while it is walked: the newest word on each counts."""

    by_run: dict[str, Named] = field(default_factory=dict)
    deleted: set[str] = field(default_factory=set)  # bundles that may lie there still: first the event, then the deed
    walked: int = 0  # number of the last event noted

    def note(self, row: Row) -> None:
        self.walked = row[0]
        if row[2] != "run":
            return
        if row[3] == "deleted":
            if (gone := self.by_run.pop(row[5], None)) is not None:
                self.deleted.add(gone.bundle)
            return
        try:
            data = json.loads(row[6])
            bundle, manifest, place = data.get("folder"), data.get("manifest"), data.get("artifacts") or ""
        except (ValueError, TypeError, AttributeError):
            return  # damaged, and its digest tells
        if isinstance(bundle, str) and isinstance(manifest, str) and isinstance(place, str):
            self.by_run[row[5]] = Named(row[0], place, bundle, manifest)


@dataclass
class BundlesChecked:
    bundles: int = 0
    files: int = 0
    elsewhere: int = 0  # not looked at, for their place is not to be read from here
    unentered: tuple[str, ...] = ()  # there, and no event names them


def check_bundles(
    named: BundlesNamed,
    files_at: Callable[[str], BundleFiles | None],
    newer: Callable[[int], Iterable[Row]],
    found: Found,
) -> BundlesChecked:
    """Adds what differs in any bundle. `newer` gives the events behind a number: a bundle may be deleted meanwhile."""
    checked = BundlesChecked()
    for run, one in list(named.by_run.items()):
        files = files_at(one.place)
        if files is None:
            checked.elsewhere += 1
            continue
        checked.bundles += 1
        if not _stays_inside(one.bundle):
            what = f"it names a bundle outside the artifacts folder: {one.bundle}"
            found.add(f"event {one.seq}", what, one.seq)
            continue
        try:
            names = files.names(one.bundle)
            if not names:
                for row in newer(named.walked):
                    named.note(row)
                if run not in named.by_run:
                    checked.bundles -= 1
                    continue
            checked.files += _check_bundle(files, one, names, found)
        except (OSError, AutoDevOpsError) as error:
            found.add(f"{files.place}/{one.bundle}", f"it cannot be read: {_said(error)}", one.seq)
    if (default := files_at("")) is not None:
        entered = named.deleted.union(one.bundle for one in named.by_run.values())
        checked.unentered = tuple(sorted({*default.bundles()} - entered))
    return checked


def _check_bundle(files: BundleFiles, one: Named, names: frozenset[str], found: Found) -> int:
    """Gives the number of files that were read."""
    where = f"{files.place}/{one.bundle}"
    if MANIFEST not in names:
        what = "the bundle is missing" if not names else "it is missing"
        found.add(f"{where}/{MANIFEST}", f"{what}; event {one.seq} entered it", one.seq)
        return 0
    content = files.read(one.bundle, MANIFEST)
    if (digest := bytes_digest(content)) != one.manifest:
        what = f"its digest is {digest}, but event {one.seq} entered {one.manifest}"
        found.add(f"{where}/{MANIFEST}", what, one.seq)
    try:
        listed = dict(json.loads(content)["files"])
    except (ValueError, KeyError, TypeError):
        found.add(f"{where}/{MANIFEST}", "it lists no files", one.seq)
        return 1
    read = 1
    for name, expected in sorted(listed.items()):
        path = f"{where}/{name}"
        if not _stays_inside(name):
            found.add(path, "the manifest names a file outside its bundle", one.seq)
            continue
        try:
            digest = bytes_digest(files.read(one.bundle, name))
        except (OSError, AutoDevOpsError) as error:
            found.add(path, f"the manifest lists it, but it cannot be read: {_said(error)}", one.seq)
            continue
        read += 1
        if digest != expected:
            found.add(path, f"its digest is {digest}, but the manifest says {expected}", one.seq)
    for name in sorted(names - listed.keys() - {MANIFEST}):
        if VISITED not in PurePosixPath(name).parts:
            found.add(f"{where}/{name}", "the manifest does not list it", one.seq)
    return read


def _stays_inside(name: str) -> bool:
    path = PurePosixPath(name)
    return bool(name) and "\0" not in name and not path.is_absolute() and ".." not in path.parts


def _said(error: OSError | AutoDevOpsError) -> str:
    return error.message if isinstance(error, AutoDevOpsError) else error.strerror or str(error)
