"""Merging a pull request into its base, as a merge commit, squashed or rebased."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from autodevops.sandbox.github import history
from autodevops.sandbox.github.calls import ROBOT, Answer, Call, Changed, Endpoint
from autodevops.sandbox.github.made import Made
from autodevops.sandbox.github.nouns import Commit, Pull
from autodevops.sandbox.github.objects import Tree, make_commit
from autodevops.sandbox.github.refs import put_ref
from autodevops.sandbox.github.refusals import Refusal, not_found, validation_failed
from autodevops.sandbox.github.view import Repo, signature

_METHODS = ("merge", "squash", "rebase")


def merged_files(common: Tree, ours: Tree, theirs: Tree) -> dict[str, str] | None:
    """Ours with what they changed since `common`, file by file; None when both changed one file differently."""
    result = dict(ours)
    for path in common.keys() | theirs.keys():
        before, wanted, own = common.get(path), theirs.get(path), ours.get(path)
        if wanted in (before, own):
            continue
        if own != before:
            return None
        if wanted is None:
            result.pop(path, None)
        else:
            result[path] = wanted
    return result


def mergeable(repo: Repo, pull: Pull) -> bool:
    ends = _ends(repo, pull)
    return ends is not None and merged_files(*(one.files for one in ends)) is not None


def _ends(repo: Repo, pull: Pull) -> tuple[Commit, Commit, Commit] | None:
    """The common ancestor, the base branch's tip and the head, if all are there."""
    base = repo.commits.get(repo.branches.get(pull.base, ""))
    head = repo.commits.get(pull.head_sha)
    common = history.merge_base(repo, base, head) if base and head else None
    return (common, base, head) if common and base and head else None


def merged(call: Call) -> Answer:
    """204 when it is, 404 when it is not."""
    if _find(call.repo, call.path("number")).merged_at is None:
        raise not_found()
    return Changed(204)


def merge(call: Call) -> Answer:
    method = call.text("merge_method", "merge")
    if method not in _METHODS:
        raise validation_failed("PullRequest", "invalid", "merge_method", value=method)
    given: list[str] = []

    def change(repo: Repo, made: Made) -> Made:
        pull = _find(repo, call.path("number"))
        expected = call.text("sha", pull.head_sha)
        if expected != pull.head_sha:
            raise Refusal(409, "Head branch was modified. Review and try the merge again.")
        ends = _ends(repo, pull)
        files = merged_files(*(one.files for one in ends)) if ends and pull.issue.closed_at is None else None
        if ends is None or files is None or pull.draft:
            raise Refusal(405, "Pull Request is not mergeable")
        commits = _commits(call, repo, pull, method, ends, files)
        given.append(commits[-1].sha)
        issue = replace(pull.issue, closed_at=call.now, closed_by=ROBOT, updated_at=call.now)
        done = replace(
            pull,
            issue=issue,
            base_sha=ends[1].sha,
            merged_at=call.now,
            merged_by=ROBOT,
            merge_commit=commits[-1].sha,
        )
        made = replace(
            made,
            commits={**made.commits, **{one.sha: one for one in commits}},
            pulls={**made.pulls, pull.number: done},
        )
        return put_ref(repo, made, f"heads/{pull.base}", commits[-1].sha)

    call.edit(change)
    return Changed(200, {"sha": given[-1], "merged": True, "message": "Pull Request successfully merged"})


def _commits(
    call: Call, repo: Repo, pull: Pull, method: str, ends: tuple[Commit, Commit, Commit], files: Mapping[str, str]
) -> list[Commit]:
    _, base, head = ends
    who = signature(ROBOT, call.now)
    if method == "rebase":
        onto, made = base, []
        for one in history.between(repo, base, head)[0]:
            held = dict(onto.files)
            for change in one.changes:
                if change.path in one.files:
                    held[change.path] = one.files[change.path]
                else:
                    held.pop(change.path, None)
            onto = make_commit(held, onto, (), one.message, one.author, who)
            made.append(onto)
        return made
    if method == "squash":
        title = call.text("commit_title", f"{pull.issue.title} (#{pull.number})")
        offered = history.pull_commits(repo, pull)
        told = (
            offered[0].message.partition("\n\n")[2]
            if len(offered) == 1
            else "".join(f"* {one.message}\n\n" for one in offered).strip()
        )
        parents: tuple[str, ...] = ()
    else:
        title = call.text("commit_title", f"Merge pull request #{pull.number} from {repo.owner}/{pull.head}")
        told, parents = pull.issue.title, (head.sha,)
    body = call.text("commit_message", told)
    return [make_commit(files, base, parents, f"{title}\n\n{body}" if body else title, who, who)]


def _find(repo: Repo, number: int) -> Pull:
    found = next((one for one in repo.pulls if one.number == number), None)
    if found is None:
        raise not_found()
    return found


_PATH = "/repos/{owner}/{repo}/pulls/{number:int}/merge"
ENDPOINTS = (Endpoint("GET", _PATH, merged), Endpoint("PUT", _PATH, merge))
