"""Which code ran: the commit of the runbook and of this package, and whether what ran differs from it.

The commit is read from `.git` itself, in microseconds; whether a file differs is asked of git, with a time limit, once
for each commit and content. A machine without git, or a folder that is in no repository, gives an empty `CodeState`:
a run never fails for want of this.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
from functools import cache, lru_cache
from pathlib import Path

from autodevops.domain.kept import CodeState

IMAGE_VARIABLE = "AUTODEVOPS_IMAGE_DIGEST"
GIT_SECONDS = 3.0
_COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")


def runbook_state(path: Path, source: bytes) -> CodeState:
    """That of the file a runbook was read from; `source` is what will run."""
    folder = path.absolute().parent
    root = next((place for place in (folder, *folder.parents) if (place / ".git").exists()), None)
    commit = head(root) if root is not None else ""
    return (
        CodeState(commit=commit, dirty=_differs(folder, commit, path.name, _blob_ids(source)))
        if commit
        else CodeState()
    )


@cache
def package_state() -> CodeState:
    """That of this package, as it was when it was first asked for. Empty for an installed wheel."""
    import autodevops

    package = Path(autodevops.__file__).absolute().parent
    commit = head(package.parent) if (package.parent / ".git").exists() else ""
    if not commit:
        return CodeState()
    said = _git(package, "status", "--porcelain", "--untracked-files=no", "--", ".")
    return CodeState(commit=commit, dirty=None if said is None else bool(said.strip()))


def image_digest() -> str:
    return os.environ.get(IMAGE_VARIABLE, "")


def head(root: Path) -> str:
    """The commit that is checked out in `root`; empty where that cannot be found out."""
    try:
        found = _read_head(root / ".git")
    except OSError:
        found = ""
    return found or (_git(root, "rev-parse", "--verify", "HEAD") or "").strip()


def _read_head(place: Path) -> str:
    """From the files of a repository, or of a worktree of one. Empty for a kind of storage we cannot read."""
    if place.is_file():  # a worktree or submodule: `gitdir: <path>`
        place = (place.parent / place.read_text().removeprefix("gitdir:").strip()).resolve()
    said = (place / "HEAD").read_text().strip()
    if not said.startswith("ref:"):
        return said if _COMMIT.fullmatch(said) else ""
    name = said.removeprefix("ref:").strip()
    common = place / "commondir"
    shared = (place / common.read_text().strip()).resolve() if common.is_file() else place
    for folder in (place, shared):
        if (folder / name).is_file():
            found = (folder / name).read_text().strip()
            return found if _COMMIT.fullmatch(found) else ""
    packed = shared / "packed-refs"
    for line in packed.read_text().splitlines() if packed.is_file() else ():
        commit, _, ref = line.partition(" ")
        if ref == name and _COMMIT.fullmatch(commit):
            return commit
    return ""


@lru_cache(maxsize=256)
def _differs(folder: Path, commit: str, name: str, content: frozenset[str]) -> bool | None:
    """Whether the commit has something else under this name. None when git cannot be asked."""
    known = _git(folder, "rev-parse", "--verify", "--quiet", f"{commit}:./{name}")
    if known is None:
        return None if _git(folder, "rev-parse", "--verify", "--quiet", commit) is None else True
    return known.strip() not in content


def _blob_ids(content: bytes) -> frozenset[str]:
    """What git calls this content, in a repository of either kind."""
    blob = b"blob %d\0" % len(content) + content
    return frozenset({hashlib.sha1(blob).hexdigest(), hashlib.sha256(blob).hexdigest()})


def _git(folder: Path, *arguments: str) -> str | None:
    """What git says; None when it is not there, refuses, or takes too long."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        done = subprocess.run(
            ["git", "-c", "core.fsmonitor=false", "-C", str(folder), *arguments],
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=GIT_SECONDS,
            check=False,
            env={**environment, "GIT_OPTIONAL_LOCKS": "0"},
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.decode(errors="replace") if done.returncode == 0 else None
