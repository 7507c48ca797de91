"""A repository as it is now: the world's history with what clients made in it.

The world's people know nothing of the clients: their later commits go on top of what clients put on the default branch,
and their later pull requests skip the numbers that clients took.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from autodevops.sandbox.github.made import Made
from autodevops.sandbox.github.nouns import Commit, Deployment, DeploymentStatus, Issue, Pull, Signature
from autodevops.sandbox.github.objects import diff_trees
from autodevops.sandbox.github.render import number_id
from autodevops.sandbox.world import git
from autodevops.sandbox.world.git import Person

_ROLLED_OUT = timedelta(seconds=75)  # from a deployment's start to the pipeline calling it a success


@dataclass(frozen=True)
class Repo:
    """Commits by sha, branches and tags by name, pulls and issues with the newest first."""

    world: git.Repository
    made: Made
    now: datetime
    commits: Mapping[str, Commit]
    branches: Mapping[str, str]
    tags: Mapping[str, str]
    pulls: Sequence[Pull]

    @property
    def owner(self) -> str:
        return self.world.owner

    @property
    def full_name(self) -> str:
        return self.world.full_name

    @property
    def default_branch(self) -> str:
        return self.world.default_branch

    @property
    def issues(self) -> list[Issue]:
        return sorted(self.made.issues.values(), key=lambda issue: issue.number, reverse=True)

    @property
    def next_number(self) -> int:
        return max((*(pull.number for pull in self.pulls), *self.made.numbers), default=0) + 1

    @property
    def deployments(self) -> list[Deployment]:
        """Newest first."""
        told = [
            Deployment(
                one.id, one.sha, f"{one.service}-v{one.version}", "deploy", "production",
                f"{one.service} {one.version}", {"service": one.service, "version": one.version}, one.creator, one.at,
            )
            for one in self.world.deployments
        ]  # fmt: skip
        return sorted([*reversed(self.made.deployments), *told], key=lambda one: one.at, reverse=True)

    def deployment_statuses(self, deployment: Deployment) -> list[DeploymentStatus]:
        """Newest first; the world's own pipeline says when it began and when it was done."""
        found = [one for one in self.made.deployment_statuses if one.deployment == deployment.id]
        if all(deployment.id != one.id for one in self.made.deployments):
            for state, at in (("in_progress", deployment.at), ("success", deployment.at + _ROLLED_OUT)):
                if at <= self.now:
                    identity = number_id("deployment status", str(deployment.id), state)
                    found.append(DeploymentStatus(identity, deployment.id, state, "", deployment.creator, at))
        return sorted(found, key=lambda one: one.at, reverse=True)


def look(world: git.Repository, made: Made, now: datetime) -> Repo:
    """The repository at `now`. Everything in `made` was made before."""
    numbers = _numbers(world, made)
    told = {one.sha: _told(one, world, numbers) for one in world.commits}
    heads = {pull.head_sha: _head(pull, told) for pull in world.pulls if pull.base_sha in told}
    commits = told | heads | dict(made.commits)
    tip = made.refs.get(f"heads/{world.default_branch}")
    if tip:
        for one in reversed(world.commits):
            if one.sha not in made.seen:
                commits[one.sha] = _moved(told[one.sha], commits[tip])
                tip = one.sha
    elif world.commits:
        tip = world.commits[0].sha
    branches = {world.default_branch: tip} if tip else {}
    for pull in world.pulls:
        if pull.merged_at is None:
            branches[pull.branch] = pull.head_sha
    tags = {release.tag: release.sha for release in world.releases}
    for ref, sha in made.refs.items():
        kind, _, name = ref.partition("/")
        place = branches if kind == "heads" else tags
        if sha is None:
            place.pop(name, None)
        elif kind in ("heads", "tags") and ref != f"heads/{world.default_branch}":
            place[name] = sha
    pulls = {one.number: one for one in (_pull(pull, numbers[pull.number], world) for pull in world.pulls)}
    pulls |= made.pulls
    newest_first = sorted(pulls.values(), key=lambda pull: pull.number, reverse=True)
    return Repo(world, made, now, commits, branches, tags, newest_first)


def _numbers(world: git.Repository, made: Made) -> dict[int, int]:
    """The number that each of the world's pull requests goes by."""
    found, shift = {}, 0
    for pull in sorted(world.pulls, key=lambda one: one.number):
        while pull.number + shift in made.numbers:
            shift += 1
        found[pull.number] = pull.number + shift
    return found


def _told(one: git.Commit, world: git.Repository, numbers: Mapping[int, int]) -> Commit:
    message = one.message
    pull = next((pull for pull in world.pulls if pull.merge_commit == one.sha), None)
    if pull and numbers[pull.number] != pull.number:
        message = message.replace(f"(#{pull.number})", f"(#{numbers[pull.number]})", 1)
    who = signature(one.author, one.at)
    return Commit(
        one.sha, (one.parent,) if one.parent else (), message, who, who, world.trees.get(one.sha, {}), one.files
    )


def _head(pull: git.PullRequest, told: Mapping[str, Commit]) -> Commit:
    """The commit a pull request of the world offers: what was squashed into its merge."""
    merged = told.get(pull.merge_commit)
    base = told[pull.base_sha]
    who = signature(pull.author, pull.created_at - timedelta(minutes=2))
    files = merged.files if merged else base.files
    return Commit(pull.head_sha, (base.sha,), pull.title, who, who, files, pull.files)


def _moved(one: Commit, onto: Commit) -> Commit:
    """A commit of the world on top of what a client put below it."""
    files = dict(onto.files)
    for change in one.changes:
        if change.path in one.files:
            files[change.path] = one.files[change.path]
        else:
            files.pop(change.path, None)
    return replace(one, parents=(onto.sha,), files=files, changes=diff_trees(onto.files, files))


def _pull(pull: git.PullRequest, number: int, world: git.Repository) -> Pull:
    issue = Issue(
        number=number,
        title=pull.title,
        body=pull.body,
        author=pull.author,
        created_at=pull.created_at,
        updated_at=pull.merged_at or pull.created_at,
        labels=pull.labels,
        closed_at=pull.merged_at,
        closed_by=pull.merged_by,
    )
    return Pull(
        issue=issue,
        head=pull.branch,
        head_sha=pull.head_sha,
        base=world.default_branch,
        base_sha=pull.base_sha,
        merged_at=pull.merged_at,
        merged_by=pull.merged_by,
        merge_commit=pull.merge_commit,
    )


def signature(person: Person, at: datetime) -> Signature:
    return Signature(person.name, person.email, at, person.login)
