"""Questions about a repository's history: what a ref names, which commits a filter leaves, what lies between two."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from autodevops.sandbox.world.git import Commit, FileChange, PullRequest, Repository, diff_files

_SHORTEST_SHA = 7


def resolve(repo: Repository, ref: str) -> Commit | None:
    """The commit of a branch, tag, full or abbreviated sha; None when it names nothing."""
    if ref in ("", "HEAD", repo.default_branch, f"heads/{repo.default_branch}"):
        return repo.commits[0] if repo.commits else None
    tag = next((release for release in repo.releases if ref in (release.tag, f"tags/{release.tag}")), None)
    sha = tag.sha if tag else ref.lower()
    if len(sha) < _SHORTEST_SHA:
        return None
    found = [commit for commit in repo.commits if commit.sha.startswith(sha)]
    return found[0] if len(found) == 1 else None


def reachable(repo: Repository, head: Commit) -> Sequence[Commit]:
    """`head` and everything before it, newest first: the history is one line."""
    position = next(index for index, commit in enumerate(repo.commits) if commit.sha == head.sha)
    return repo.commits[position:]


def touches(commit: Commit, path: str) -> bool:
    wanted = path.strip("/")
    return not wanted or any(change.path == wanted or change.path.startswith(wanted + "/") for change in commit.files)


def within(commit: Commit, since: datetime | None, until: datetime | None) -> bool:
    return (since is None or commit.at >= since) and (until is None or commit.at <= until)


def written_by(commit: Commit, author: str) -> bool:
    return not author or author.lower() in (commit.author.login.lower(), commit.author.email.lower())


def between(repo: Repository, base: Commit, head: Commit) -> tuple[str, list[Commit], int, int]:
    """(status, commits oldest first, ahead_by, behind_by) as /compare reports them."""
    shas = [commit.sha for commit in repo.commits]
    base_at, head_at = shas.index(base.sha), shas.index(head.sha)
    if base_at == head_at:
        return "identical", [], 0, 0
    if head_at < base_at:
        commits = list(reversed(repo.commits[head_at:base_at]))
        return "ahead", commits, len(commits), 0
    return "behind", [], 0, head_at - base_at


def changed_files(repo: Repository, base: Commit, commits: Sequence[Commit]) -> list[FileChange]:
    """Files of a range: the one change of a file touched once, a fresh diff of one touched often."""
    touched: dict[str, list[FileChange]] = {}
    for commit in commits:
        for change in commit.files:
            touched.setdefault(change.path, []).append(change)
    before = repo.trees.get(base.sha, {})
    after = repo.trees.get(commits[-1].sha, {}) if commits else before
    result: list[FileChange] = []
    for path, changes in sorted(touched.items()):
        if len(changes) == 1:
            result.append(changes[0])
        else:
            result.extend(diff_files(path, before.get(path), after.get(path)))
    return result


def pulls_with(repo: Repository, sha: str) -> list[PullRequest]:
    return [pull for pull in repo.pulls if sha in (pull.merge_commit, pull.head_sha)]
