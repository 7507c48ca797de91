"""Commits, pull requests, issues, deployments and files in the lines that a model reads."""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.tool_results import (
    CommentResult,
    Commit,
    CommitList,
    CommitResult,
    Comparison,
    DeploymentList,
    DocumentPullResult,
    FileChange,
    FileResult,
    Issue,
    IssueList,
    IssueResult,
    PullClosedResult,
    PullRequest,
    PullRequestList,
    PullRequestResult,
    ReleaseList,
    RevertResult,
)
from autodevops.servers._text import first_line, when

BODY_SHOWN = 1500  # characters of a description


def commits(result: CommitList) -> str:
    return "\n".join(map(_commit, result.commits)) or "No commits."


def commit(result: CommitResult) -> str:
    one = result.commit
    return "\n".join([f"{_commit(one)}", _shortened(one.message), *_files(one.files)])


def comparison(result: Comparison) -> str:
    head = (
        f"{result.repository}: {result.head} is {result.status} against {result.base}, "
        f"{result.ahead_by} commits ahead, {result.behind_by} behind"
    )
    return "\n".join([head, *map(_commit, result.commits), *_files(result.files)])


def pulls(result: PullRequestList) -> str:
    return "\n".join(map(_pull, result.pulls)) or "No pull requests."


def pull(result: PullRequestResult) -> str:
    one = result.pull
    return "\n".join([_pull(one), _shortened(one.body), *_files(one.files)])


def issues(result: IssueList) -> str:
    return "\n".join(map(_issue, result.issues)) or "No issues."


def issue(result: IssueResult) -> str:
    if result.dry_run and result.changed:
        what = "close" if result.issue.number else "open"
        return f"Would {what} in {result.issue.repository}: {result.issue.title}"
    before = "" if result.changed else "It was so before.\n"
    return f"{before}{_issue(result.issue)}\n{result.issue.url}\nUndo: {result.undo or 'none needed'}"


def revert(result: RevertResult) -> str:
    files = ", ".join(result.paths)
    if result.dry_run and result.changed:
        return f"Would open against {result.base}: {result.pull.title}\nFiles that get back what they were: {files}"
    before = "" if result.changed else "It was open before.\n"
    return f"{before}{_pull(result.pull)}\n{result.pull.url}\nFiles: {files}\nUndo: {result.undo}"


def document(result: DocumentPullResult) -> str:
    if result.dry_run and result.changed:
        return f"Would open against {result.base}: {result.pull.title}\nFile: {result.path}"
    before = "" if result.changed else "It was open before.\n"
    return f"{before}{_pull(result.pull)}\n{result.pull.url}\nFile: {result.path}\nUndo: {result.undo}"


def pull_closed(result: PullClosedResult) -> str:
    if result.dry_run:
        return f"Would close {_pull(result.pull)}"
    gone = ", and its branch is deleted" if result.branch_deleted else ""
    return f"{_pull(result.pull)}{gone}"


def comment(result: CommentResult) -> str:
    if result.dry_run:
        return f"Would comment on {result.on}: {result.url}"
    before = "" if result.changed else "It was written before.\n"
    return f"{before}Comment {result.comment_id} by {result.author}: {result.url}\nUndo: {result.undo}"


def deployments(result: DeploymentList) -> str:
    rows = [
        f"{when(one.created_at)} {one.environment} {one.state or 'no status yet'} {one.ref} {one.sha[:12]} "
        f"by {one.author}: {first_line(one.description)}"
        for one in result.deployments
    ]
    return "\n".join(rows) or "No deployments."


def releases(result: ReleaseList) -> str:
    rows = [
        f"{when(one.published_at) if one.published_at else 'draft'} {one.tag}"
        f"{' (prerelease)' if one.prerelease else ''} by {one.author}: {first_line(one.name or one.body)}"
        for one in result.releases
    ]
    return "\n".join(rows) or "No releases."


def file(result: FileResult) -> str:
    if result.entries:
        return "\n".join(result.entries)
    count = len(result.text.splitlines())
    last = result.first_line + count - 1
    part = f", lines {result.first_line} to {last}" if count < result.lines else ""
    return f"{result.path} at {result.ref or 'the default branch'}, {result.lines} lines{part}\n{result.text}"


def _commit(one: Commit) -> str:
    return f"{when(one.at)} {one.sha[:12]} {one.author}: {first_line(one.message)}"


def _pull(one: PullRequest) -> str:
    state = f"merged {when(one.merged_at)} as {one.merge_commit_sha[:12]}" if one.merged_at else one.state
    return f"#{one.number} {state} {one.author}: {one.title}"


def _issue(one: Issue) -> str:
    tags = f" [{', '.join(one.labels)}]" if one.labels else ""
    return f"#{one.number} {one.state}{tags} {one.author}, updated {when(one.updated_at)}: {one.title}"


def _files(files: Iterable[FileChange]) -> list[str]:
    return [
        "\n".join(part for part in (f"{one.status} {one.path} +{one.additions} -{one.deletions}", one.patch) if part)
        for one in files
    ]


def _shortened(text: str) -> str:
    return text if len(text) <= BODY_SHOWN else text[:BODY_SHOWN] + "…"
