"""What clients made in a repository, beside what the world's own people do: refs, commits, pulls, issues, comments.

`Made` is one state, frozen; the `Desk` keeps the newest for each repository and changes it one edit at a time. It lives
in memory for the life of the server. How it and the world's history fit together is for `view` to say.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from threading import Lock

from autodevops.sandbox.github.nouns import (
    Comment,
    Commit,
    CommitStatus,
    Deployment,
    DeploymentStatus,
    Issue,
    Pull,
    Review,
)


@dataclass(frozen=True)
class Made:
    """`refs` are by name without `refs/`; None is one that was deleted. `seen` are the world's commits that the default
    branch held when a client last moved it: those that come later go on top."""

    refs: Mapping[str, str | None] = field(default_factory=dict)
    seen: frozenset[str] = frozenset()
    commits: Mapping[str, Commit] = field(default_factory=dict)
    trees: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    blobs: Mapping[str, str] = field(default_factory=dict)
    numbers: frozenset[int] = frozenset()  # issue and pull request numbers given out here
    issues: Mapping[int, Issue] = field(default_factory=dict)
    pulls: Mapping[int, Pull] = field(default_factory=dict)  # also edited ones of the world
    labels: frozenset[str] = frozenset()
    comments: tuple[Comment, ...] = ()
    reviews: tuple[Review, ...] = ()
    statuses: tuple[CommitStatus, ...] = ()
    deployments: tuple[Deployment, ...] = ()
    deployment_statuses: tuple[DeploymentStatus, ...] = ()


class Desk:
    """Thread-safe: an edit sees the newest state and is over before the next begins."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._made: dict[str, Made] = {}

    def read(self, repository: str) -> Made:
        return self._made.get(repository) or Made()

    def edit(self, repository: str, change: Callable[[Made], Made]) -> None:
        with self._lock:
            self._made[repository] = change(self.read(repository))
