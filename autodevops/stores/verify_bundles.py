"""Whether bundles are what the ledger says: the manifest by the run's final event, every file by the manifest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from autodevops.stores.chain import Found
from autodevops.stores.ledger_rows import Row

MANIFEST = "manifest.json"


@dataclass
class BundlesNamed:
    """What the chain says of bundles, gathered while it is walked: the newest word on each counts."""

    manifests: dict[str, tuple[int, str]] = field(default_factory=dict)  # folder -> event, digest of its manifest
    deleted: set[str] = field(default_factory=set)
    _folders: dict[str, str] = field(default_factory=dict)  # run id -> folder

    def note(self, row: Row) -> None:
        if row[2] != "run":
            return
        run = row[5]
        if row[3] == "deleted":
            if folder := self._folders.get(run):
                self.deleted.add(folder)
            return
        try:
            data = json.loads(row[6])
            folder, manifest = data.get("folder"), data.get("manifest")
        except (ValueError, TypeError, AttributeError):
            return  # damaged, and its digest tells
        if isinstance(folder, str) and isinstance(manifest, str):
            self.manifests[folder] = (row[0], manifest)
            self.deleted.discard(folder)
            self._folders[run] = folder


def check_bundle(artifacts: Path, name: str, seq: int, manifest: str, found: Found) -> int:
    """Adds what differs in one bundle; gives the number of files that were read."""
    if not _stays_inside(name):
        found.add(f"event {seq}", f"it names a bundle outside the artifacts folder: {name}", seq)
        return 0
    folder = artifacts / name
    try:
        content = (folder / MANIFEST).read_bytes()
    except OSError as error:
        what = "the bundle is missing" if not folder.is_dir() else f"it cannot be read: {error.strerror}"
        found.add(str(folder / MANIFEST), f"{what}; event {seq} entered it", seq)
        return 0
    if (digest := _digest(content)) != manifest:
        found.add(str(folder / MANIFEST), f"its digest is {digest}, but event {seq} entered {manifest}", seq)
    try:
        files = json.loads(content)["files"].items()
    except (ValueError, KeyError, TypeError, AttributeError):
        found.add(str(folder / MANIFEST), "it lists no files", seq)
        return 1
    return 1 + _check_files(folder, dict(files), seq, found)


def _check_files(folder: Path, files: dict[str, str], seq: int, found: Found) -> int:
    read = 0
    for name, expected in sorted(files.items()):
        path = folder / name
        if not _stays_inside(name):
            found.add(str(path), "the manifest names a file outside its bundle", seq)
            continue
        try:
            with path.open("rb") as file:
                digest = "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            found.add(str(path), f"the manifest lists it, but it cannot be read: {error.strerror}", seq)
            continue
        read += 1
        if digest != expected:
            found.add(str(path), f"its digest is {digest}, but the manifest says {expected}", seq)
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if name not in files and name != MANIFEST and (path.is_symlink() or not path.is_dir()):
            found.add(str(path), "the manifest does not list it", seq)
    return read


def bundles_there(artifacts: Path) -> Iterator[str]:
    """`<runbook>/<run id>` of every folder with a manifest."""
    for path in sorted(artifacts.glob(f"*/*/{MANIFEST}")):
        if not path.parent.name.startswith("."):
            yield path.parent.relative_to(artifacts).as_posix()


def _stays_inside(name: str) -> bool:
    path = PurePosixPath(name)
    return bool(name) and not path.is_absolute() and ".." not in path.parts


def _digest(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()
