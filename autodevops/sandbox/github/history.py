"""Questions about a repository's history: what a ref names, what leads to a commit, what lies between two."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from datetime import datetime

from autodevops.sandbox.github.nouns import Commit, Pull
from autodevops.sandbox.github.objects import Tree
from autodevops.sandbox.github.view import Repo
from autodevops.sandbox.world.git import FileChange, diff_files

_SHORTEST_SHA = 7


def resolve(repo: Repo, ref: str) -> Commit | None:
    """The commit of a branch, tag, pull request's head, full or abbreviated sha; None when it names nothing."""
    name = ref.removeprefix("refs/")
    if name in ("", "HEAD"):
        name = repo.default_branch
    sha = repo.branches.get(name.removeprefix("heads/")) or repo.tags.get(name.removeprefix("tags/"))
    if sha is None and name.startswith("pull/") and name.endswith("/head"):
        number = name.split("/")[1]
        sha = next((pull.head_sha for pull in repo.pulls if str(pull.number) == number), None)
    if sha is None:
        sha = name.lower()
    if sha in repo.commits:
        return repo.commits[sha]
    if len(sha) < _SHORTEST_SHA:
        return None
    found = [commit for full, commit in repo.commits.items() if full.startswith(sha)]
    return found[0] if len(found) == 1 else None


def before(commit: Commit, repo: Repo) -> Tree:
    """The files of a commit's first parent."""
    parent = repo.commits.get(commit.parents[0]) if commit.parents else None
    return parent.files if parent else {}


def reachable(repo: Repo, head: Commit) -> list[Commit]:
    """`head` and everything before it, newest first."""
    waiting: list[tuple[float, int, Commit]] = [(-head.at.timestamp(), 0, head)]
    met, found = {head.sha}, []
    while waiting:
        _, _, commit = heapq.heappop(waiting)
        found.append(commit)
        for sha in commit.parents:
            if sha not in met and sha in repo.commits:
                met.add(sha)
                parent = repo.commits[sha]
                heapq.heappush(waiting, (-parent.at.timestamp(), len(met), parent))
    return found


def merge_base(repo: Repo, one: Commit, other: Commit) -> Commit | None:
    """The newest commit that both come from."""
    of_one = {commit.sha for commit in reachable(repo, one)}
    return next((commit for commit in reachable(repo, other) if commit.sha in of_one), None)


def between(repo: Repo, base: Commit, head: Commit) -> tuple[list[Commit], int]:
    """What `head` has and `base` has not, oldest first, and of how many commits it is the other way round."""
    of_base, of_head = reachable(repo, base), reachable(repo, head)
    known, held = {commit.sha for commit in of_base}, {commit.sha for commit in of_head}
    ahead = [commit for commit in reversed(of_head) if commit.sha not in known]
    return ahead, sum(commit.sha not in held for commit in of_base)


def changed_files(base: Commit, commits: Sequence[Commit], head: Commit) -> list[FileChange]:
    """Files that differ from `base` to `head`: the one change of a file touched once, a fresh diff of one touched
    often."""
    touched: dict[str, list[FileChange]] = {}
    for commit in commits:
        if len(commit.parents) < 2:
            for change in commit.changes:
                touched.setdefault(change.path, []).append(change)
    result: list[FileChange] = []
    for path, changes in sorted(touched.items()):
        if len(changes) == 1:
            result.append(changes[0])
        else:
            result.extend(diff_files(path, base.files.get(path), head.files.get(path)))
    return result


def pull_commits(repo: Repo, pull: Pull) -> list[Commit]:
    """What a pull request offers, oldest first."""
    base, head = repo.commits.get(pull.base_sha), repo.commits.get(pull.head_sha)
    return between(repo, base, head)[0] if base and head else []


def pull_files(repo: Repo, pull: Pull) -> list[FileChange]:
    base, head = repo.commits.get(pull.base_sha), repo.commits.get(pull.head_sha)
    common = merge_base(repo, base, head) if base and head else None
    return changed_files(common, pull_commits(repo, pull), head) if common and head else []


def pulls_with(repo: Repo, sha: str) -> list[Pull]:
    """Pull requests that offer or became this commit; the world's own ones have one commit each."""
    return [
        pull
        for pull in repo.pulls
        if sha in (pull.merge_commit, pull.head_sha)
        or (pull.number in repo.made.pulls and any(one.sha == sha for one in pull_commits(repo, pull)))
    ]


def touches(commit: Commit, path: str) -> bool:
    """Whether a commit changes this file, or something in this folder; no path means every commit."""
    wanted = path.strip("/")
    if not wanted:
        return True
    if len(commit.parents) > 1:
        return False
    return any(change.path == wanted or change.path.startswith(f"{wanted}/") for change in commit.changes)


def within(commit: Commit, since: datetime | None, until: datetime | None) -> bool:
    return (since is None or commit.at >= since) and (until is None or commit.at <= until)


def written_by(commit: Commit, author: str) -> bool:
    return not author or author.lower() in (commit.author.login.lower(), commit.author.email.lower())
