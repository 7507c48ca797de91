"""Commits and ranges as text: the unified diff and the mailbox patch that `Accept` may ask for."""

from __future__ import annotations

from collections.abc import Sequence
from email.utils import format_datetime

from autodevops.sandbox.github.nouns import Commit
from autodevops.sandbox.github.objects import Tree, blob_sha
from autodevops.sandbox.world.git import FileChange

_NOTHING = "0" * 7


def diff_text(files: Sequence[FileChange], before: Tree, after: Tree) -> str:
    """`git diff` of two states."""
    parts: list[str] = []
    for change in files:
        old = "/dev/null" if change.status == "added" else f"a/{change.path}"
        new = "/dev/null" if change.status == "removed" else f"b/{change.path}"
        mode = {"added": "new file mode 100644\n", "removed": "deleted file mode 100644\n"}.get(change.status, "")
        ids = "..".join(
            blob_sha(tree[change.path])[:7] if change.path in tree else _NOTHING for tree in (before, after)
        )
        tail = "" if mode else " 100644"
        parts.append(
            f"diff --git a/{change.path} b/{change.path}\n{mode}index {ids}{tail}\n"
            f"--- {old}\n+++ {new}\n{change.patch}\n"
        )
    return "".join(parts)


def patch_text(commits: Sequence[tuple[Commit, Tree]]) -> str:
    """`git format-patch` of commits, oldest first, each with the files before it."""
    total = len(commits)
    return "".join(_mail(commit, before, number, total) for number, (commit, before) in enumerate(commits, 1))


def _mail(commit: Commit, before: Tree, number: int, total: int) -> str:
    subject, _, body = commit.message.partition("\n")
    numbered = f"[PATCH {number}/{total}]" if total > 1 else "[PATCH]"
    text = body.strip("\n")
    widest = max((len(change.path) for change in commit.changes), default=0)
    lines = [
        f" {change.path:<{widest}} | {change.additions + change.deletions} "
        f"{'+' * min(change.additions, 20)}{'-' * min(change.deletions, 20)}".rstrip()
        for change in commit.changes
    ]
    return (
        f"From {commit.sha} Mon Sep 17 00:00:00 2001\n"
        f"From: {commit.author.name} <{commit.author.email}>\n"
        f"Date: {format_datetime(commit.author.at)}\n"
        f"Subject: {numbered} {subject}\n\n"
        + (f"{text}\n" if text else "")
        + "---\n"
        + "\n".join(lines)
        + f"\n {_summary(commit.changes)}\n\n"
        + diff_text(commit.changes, before, commit.files)
        + "\n"
    )


def _summary(changes: Sequence[FileChange]) -> str:
    added, gone = sum(one.additions for one in changes), sum(one.deletions for one in changes)
    said = [f"{len(changes)} file{'s' * (len(changes) != 1)} changed"]
    if added or not gone:
        said.append(f"{added} insertion{'s' * (added != 1)}(+)")
    if gone or not added:
        said.append(f"{gone} deletion{'s' * (gone != 1)}(-)")
    return ", ".join(said)
