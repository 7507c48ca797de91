"""What a GitHub repository is made of, as this API holds it: frozen, without JSON (`render`) and without questions.

The world tells its history in its own nouns (`world.git`); `view` turns those and what clients made into these.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from autodevops.sandbox.world.git import FileChange, Person


@dataclass(frozen=True, slots=True)
class Signature:
    """Who wrote a commit and when, as git keeps it. `login` is empty when no account has that address."""

    name: str
    email: str
    at: datetime
    login: str = ""


@dataclass(frozen=True, slots=True)
class Commit:
    """`files` is everything the repository holds at it, by path; `changes` is what it changed in its first parent."""

    sha: str
    parents: tuple[str, ...]
    message: str
    author: Signature
    committer: Signature
    files: Mapping[str, str] = field(repr=False)
    changes: tuple[FileChange, ...] = field(repr=False)

    @property
    def at(self) -> datetime:
        return self.committer.at


@dataclass(frozen=True, slots=True)
class Issue:
    """An issue, or what a pull request has in common with one."""

    number: int
    title: str
    body: str
    author: Person
    created_at: datetime
    updated_at: datetime
    labels: tuple[str, ...] = ()
    assignees: tuple[str, ...] = ()
    closed_at: datetime | None = None
    closed_by: Person | None = None
    reason: str = ""  # of the closing: completed or not_planned

    @property
    def state(self) -> str:
        return "closed" if self.closed_at else "open"


@dataclass(frozen=True, slots=True)
class Pull:
    """A pull request: `base_sha` is where its base branch stood, `merge_commit` is empty while it is not merged."""

    issue: Issue
    head: str  # branch
    head_sha: str
    base: str  # branch
    base_sha: str
    draft: bool = False
    merged_at: datetime | None = None
    merged_by: Person | None = None
    merge_commit: str = ""

    @property
    def number(self) -> int:
        return self.issue.number


@dataclass(frozen=True, slots=True)
class Comment:
    id: int
    number: int  # of its issue or pull request
    author: Person
    body: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Review:
    id: int
    number: int  # of its pull request
    author: Person
    state: str  # APPROVED, CHANGES_REQUESTED, COMMENTED, PENDING
    body: str
    commit: str
    at: datetime


@dataclass(frozen=True, slots=True)
class CommitStatus:
    id: int
    sha: str
    state: str
    context: str
    description: str
    target_url: str
    creator: Person
    at: datetime


@dataclass(frozen=True, slots=True)
class Deployment:
    id: int
    sha: str
    ref: str
    task: str
    environment: str
    description: str
    payload: object
    creator: Person
    at: datetime


@dataclass(frozen=True, slots=True)
class DeploymentStatus:
    id: int
    deployment: int
    state: str
    description: str
    creator: Person
    at: datetime
