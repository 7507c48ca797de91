"""Git's own object ids: of files, folders and commits, as `git hash-object` would give them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from autodevops.sandbox.github.nouns import Commit, Signature
from autodevops.sandbox.world.git import FileChange, diff_files

Tree = Mapping[str, str]  # path -> text


def to_bytes(text: str) -> bytes:
    """A file's bytes; what is no UTF-8 travels in surrogates."""
    return text.encode("utf-8", "surrogateescape")


def from_bytes(content: bytes) -> str:
    return content.decode("utf-8", "surrogateescape")


def blob_sha(text: str) -> str:
    return _sha("blob", to_bytes(text))


def entries(tree: Tree, folder: str = "") -> dict[str, str | Tree]:
    """What lies directly in a folder: the text of a file, the content of a folder (paths relative to it)."""
    prefix = f"{folder}/" if folder else ""
    found: dict[str, str | dict[str, str]] = {}
    for path, text in tree.items():
        if not path.startswith(prefix):
            continue
        name, _, rest = path.removeprefix(prefix).partition("/")
        if not rest:
            found[name] = text
            continue
        inside = found.setdefault(name, {})
        if isinstance(inside, dict):
            inside[rest] = text
    order = sorted(found, key=lambda name: f"{name}/" if isinstance(found[name], dict) else name)
    return {name: found[name] for name in order}


def tree_sha(tree: Tree) -> str:
    parts = []
    for name, content in entries(tree).items():
        if isinstance(content, str):
            parts.append(b"100644 %b\x00%b" % (to_bytes(name), bytes.fromhex(blob_sha(content))))
        else:
            parts.append(b"40000 %b\x00%b" % (to_bytes(name), bytes.fromhex(tree_sha(content))))
    return _sha("tree", b"".join(parts))


def commit_sha(tree: str, parents: tuple[str, ...], message: str, author: Signature, committer: Signature) -> str:
    lines = [f"tree {tree}", *(f"parent {sha}" for sha in parents)]
    for role, who in (("author", author), ("committer", committer)):
        zone = who.at.strftime("%z") or "+0000"
        lines.append(f"{role} {who.name} <{who.email}> {int(who.at.timestamp())} {zone}")
    return _sha("commit", to_bytes("\n".join(lines) + f"\n\n{message}"))


def make_commit(
    files: Tree, parent: Commit | None, others: tuple[str, ...], message: str, author: Signature, committer: Signature
) -> Commit:
    """A commit on top of `parent` (and of `others`, for a merge) that holds `files`."""
    parents = ((parent.sha,) if parent else ()) + others
    sha = commit_sha(tree_sha(files), parents, message, author, committer)
    before = parent.files if parent else {}
    return Commit(sha, parents, message, author, committer, files, diff_trees(before, files))


def diff_trees(before: Tree, after: Tree) -> tuple[FileChange, ...]:
    """What changed from one state to another, by path."""
    paths = sorted(path for path in before.keys() | after.keys() if before.get(path) != after.get(path))
    return tuple(change for path in paths for change in diff_files(path, before.get(path), after.get(path)))


def _sha(kind: str, content: bytes) -> str:
    header = f"{kind} {len(content)}\x00".encode()
    return hashlib.sha1(header + content, usedforsecurity=False).hexdigest()
