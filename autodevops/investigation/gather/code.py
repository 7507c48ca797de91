"""What GitHub says: commits and merged pull requests up to the window's end."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable
from datetime import timedelta

from autodevops.domain.evidence import EvidenceId
from autodevops.domain.tool_results import (
    Commit,
    CommitList,
    CommitResult,
    NameList,
    PullRequest,
    PullRequestList,
    PullRequestResult,
)
from autodevops.investigation.gather.collect import Collector
from autodevops.investigation.picture import Rollout
from autodevops.investigation.request import Span
from autodevops.kernel.clock import rfc3339

_LOOK_BACK = timedelta(hours=24)  # a merge this old may still be what was rolled out now
_REPOSITORIES = 10  # asked at most; more is a question for a person
_PULLS = 30
_COMMITS = 100  # of a repository: a page
_OPENED = 24  # commits whose diffs are read
_SHORT_SHA = 7  # Git's own shortest abbreviation
_ASKED_FOR_OLDER = 3  # repositories

Commits = tuple[tuple[Commit, EvidenceId], ...]
Pulls = tuple[tuple[PullRequest, EvidenceId], ...]


async def gather_code(collector: Collector, span: Span) -> tuple[Commits, Pulls]:
    listed = await collector.ask("github.list_repositories")
    repositories = collector.read(listed, NameList)
    if repositories is None:
        return (), ()
    names = sorted(repositories.names)[:_REPOSITORIES]
    since, until = rfc3339(span.window.start - _LOOK_BACK), rfc3339(span.window.end)
    commit_lists, pull_lists = await asyncio.gather(
        asyncio.gather(
            *(
                collector.ask("github.list_commits", repository=name, since=since, until=until, limit=_COMMITS)
                for name in names
            )
        ),
        asyncio.gather(
            *(collector.ask("github.list_pulls", repository=name, state="closed", limit=_PULLS) for name in names)
        ),
    )
    commits = [
        (commit, evidence.id)
        for evidence in commit_lists
        if (listed_commits := collector.read(evidence, CommitList))
        for commit in listed_commits.commits
        if commit.at <= span.window.end
    ]
    pulls = [
        (pull.merged_at, pull, evidence.id)
        for evidence in pull_lists
        if (listed_pulls := collector.read(evidence, PullRequestList))
        for pull in listed_pulls.pulls
        if pull.merged_at is not None and pull.merged_at <= span.window.end
    ]
    commits.sort(key=lambda pair: (pair[0].at, pair[0].sha))
    pulls.sort(key=lambda row: (row[0], row[1].repository, row[1].number))
    return tuple(commits), tuple((pull, evidence) for _, pull, evidence in pulls)


def commit_of(rollout: Rollout, commits: Commits) -> tuple[Commit, EvidenceId] | None:
    """The commit a rollout's annotations or image tag name; short ids count from seven digits on."""
    return _commit_named(rollout.commit, commits)


def brought(rollout: Rollout, commits: Commits, rollouts: Iterable[Rollout]) -> Commits:
    """The commits a rollout brought, newest first: its own and those between it and what ran before.

    What ran before is told by its annotations, or by the rollout before it; where nothing tells, a day is looked back.
    A revision inherits the commit's name from the one before when only its environment, a probe or the like was edited:
    then it brought none.
    """
    own = commit_of(rollout, commits)
    if own is None:
        return ()
    earlier = [r for r in rollouts if r.subject == rollout.subject and r.change.at < rollout.change.at]
    known = [rollout.previous_commit, *(r.commit for r in sorted(earlier, key=lambda r: r.change.at, reverse=True))]
    if own is _commit_named(next(filter(None, known), ""), commits):
        return ()
    before = next((pair for sha in known if (pair := _commit_named(sha, commits)) is not None), None)
    start = before[0].at if before is not None else own[0].at - _LOOK_BACK
    return tuple(
        pair
        for pair in reversed(commits)
        if pair is own or (pair[0].repository == own[0].repository and start < pair[0].at <= own[0].at)
    )


def _commit_named(sha: str, commits: Commits) -> tuple[Commit, EvidenceId] | None:
    wanted = sha.lower()
    if len(wanted) < _SHORT_SHA:
        return None
    return next((pair for pair in commits if pair[0].sha.lower().startswith(wanted)), None)


async def open_brought(collector: Collector, rollouts: Iterable[Rollout], commits: Commits) -> Commits:
    """The same commits, those that the rollouts brought read in full with their diffs: the rollouts' own first."""
    rollouts = tuple(rollouts)
    own = [pair for rollout in rollouts if (pair := commit_of(rollout, commits)) is not None]
    others = [pair for rollout in rollouts for pair in brought(rollout, commits, rollouts)]
    wanted = {pair[0].sha: pair[0] for pair in [*own, *others] if not pair[0].files}
    chosen = list(wanted.values())[:_OPENED]
    answers = await asyncio.gather(
        *(collector.ask("github.get_commit", repository=commit.repository, sha=commit.sha) for commit in chosen)
    )
    opened = {
        result.commit.sha: (result.commit, evidence.id)
        for evidence in answers
        if (result := collector.read(evidence, CommitResult))
    }
    return tuple(opened.get(pair[0].sha, pair) for pair in commits)


def pull_of_commit(commit: Commit, pulls: Pulls) -> tuple[PullRequest, EvidenceId] | None:
    """The pull request that a commit merges or names in its message."""
    for pair in pulls:
        if pair[0].repository != commit.repository:
            continue
        if pair[0].merge_commit_sha == commit.sha or f"#{pair[0].number}" in _words(commit.message):
            return pair
    return None


def pull_of(rollout: Rollout, pulls: Pulls, commits: Commits) -> tuple[PullRequest, EvidenceId] | None:
    """The pull request that brought a rollout's code.

    By merge commit; else by a number in the commit's message (`(#42)`, `Merge pull request #42`).
    """
    wanted = rollout.commit.lower()
    if len(wanted) < _SHORT_SHA:
        return None
    for pair in pulls:
        if pair[0].merge_commit_sha.lower().startswith(wanted):
            return pair
    commit = commit_of(rollout, commits)
    if commit is None:
        return None
    for pair in pulls:
        same_place = pair[0].repository == commit[0].repository
        if same_place and f"#{pair[0].number}" in _words(commit[0].message):
            return pair
    return None


def likely_pull_of(rollout: Rollout, pulls: Pulls) -> tuple[PullRequest, EvidenceId] | None:
    """A guess where nothing names the commit: the last pull request merged in the day before the rollout whose title,
    or a path it touches, has the workload's name as a word."""
    name, at = rollout.subject.name.lower(), rollout.change.at
    found: tuple[PullRequest, EvidenceId] | None = None
    for pair in pulls:  # oldest first
        pull = pair[0]
        if pull.merged_at is None or not pull.merged_at <= at <= pull.merged_at + _LOOK_BACK:
            continue
        places = [pull.title, *(file.path for file in pull.files)]
        if any(re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", place.lower()) for place in places):
            found = pair
    return found


def _words(message: str) -> set[str]:
    return set(message.split("\n", 1)[0].replace("(", " ").replace(")", " ").split())


async def _older_commit(collector: Collector, rollout: Rollout, commits: Commits, pulls: Pulls) -> Commits:
    """The commit of a rollout that brought older code than was listed. That a repository does not have it is no gap."""
    repositories = sorted({c.repository for c, _ in commits} | {p.repository for p, _ in pulls})[:_ASKED_FOR_OLDER]
    answers = await asyncio.gather(
        *(collector.ask("github.get_commit", repository=name, sha=rollout.commit) for name in repositories)
    )
    return tuple(
        (result.commit, evidence.id) for evidence in answers if (result := collector.read(evidence, CommitResult))
    )


async def open_change(collector: Collector, rollout: Rollout, commits: Commits, pulls: Pulls) -> tuple[Commits, Pulls]:
    """The same lists with the rollout's own commit and pull request read in full, with their files."""
    if commit_of(rollout, commits) is None and len(rollout.commit) >= _SHORT_SHA:
        commits = (*commits, *await _older_commit(collector, rollout, commits, pulls))
    commit = commit_of(rollout, commits)
    pull = pull_of(rollout, pulls, commits) or likely_pull_of(rollout, pulls)
    if commit is not None:
        evidence = await collector.ask("github.get_commit", repository=commit[0].repository, sha=commit[0].sha)
        opened = collector.read(evidence, CommitResult)
        if opened is not None:
            commits = tuple((opened.commit, evidence.id) if pair is commit else pair for pair in commits)
    if pull is not None:
        evidence = await collector.ask("github.get_pull", repository=pull[0].repository, number=pull[0].number)
        result = collector.read(evidence, PullRequestResult)
        if result is not None:
            pulls = tuple((result.pull, evidence.id) if pair is pull else pair for pair in pulls)
    return commits, pulls
