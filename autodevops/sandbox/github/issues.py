"""Issues and comments that people and agents open: the one thing this GitHub remembers beyond the world.

Kept in memory for the life of the server. Numbers follow those of the pull requests, which share them on GitHub.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock
from typing import Any

from autodevops.sandbox.github.render import Json, number_id, stamp, user
from autodevops.sandbox.world.git import Person, Repository


@dataclass
class _Issue:
    number: int
    title: str
    body: str
    labels: tuple[str, ...]
    author: Person
    created_at: datetime
    comments: list[tuple[int, Person, str, datetime]] = field(default_factory=list)


class IssueBook:
    def __init__(self) -> None:
        self._lock = Lock()
        self._issues: dict[str, list[_Issue]] = {}

    def create(
        self, repo: Repository, author: Person, title: str, body: str, labels: Sequence[str], at: datetime
    ) -> int:
        with self._lock:
            issues = self._issues.setdefault(repo.full_name, [])
            taken = [pull.number for pull in repo.pulls] + [issue.number for issue in issues]
            number = max(taken, default=0) + 1
            issues.append(_Issue(number, title, body, tuple(labels), author, at))
            return number

    def comment(self, repo: Repository, number: int, author: Person, body: str, at: datetime) -> int | None:
        """The comment's id, or None when there is no such issue."""
        with self._lock:
            issue = self._find(repo, number)
            if issue is None:
                return None
            identity = number_id("comment", repo.full_name, str(number), str(len(issue.comments)))
            issue.comments.append((identity, author, body, at))
            return identity

    def get(self, repo: Repository, number: int, base: str) -> Json | None:
        with self._lock:
            issue = self._find(repo, number)
            return None if issue is None else _issue_json(issue, repo, base)

    def comments(self, repo: Repository, number: int, base: str) -> list[Json] | None:
        with self._lock:
            issue = self._find(repo, number)
            if issue is None:
                return None
            return [_comment_json(comment, issue, repo, base) for comment in issue.comments]

    def all(self, repo: Repository, base: str) -> list[Json]:
        with self._lock:
            return [_issue_json(issue, repo, base) for issue in reversed(self._issues.get(repo.full_name, []))]

    def _find(self, repo: Repository, number: int) -> _Issue | None:
        return next((issue for issue in self._issues.get(repo.full_name, []) if issue.number == number), None)


def _issue_json(issue: _Issue, repo: Repository, base: str) -> Json:
    api = f"{base}/repos/{repo.full_name}/issues/{issue.number}"
    return {
        "id": number_id("issue", repo.full_name, str(issue.number)),
        "url": api,
        "comments_url": f"{api}/comments",
        "html_url": f"{base}/{repo.full_name}/issues/{issue.number}",
        "number": issue.number,
        "state": "open",
        "locked": False,
        "title": issue.title,
        "body": issue.body,
        "user": user(issue.author, base),
        "labels": [{"id": number_id("label", name), "name": name, "color": "ededed"} for name in issue.labels],
        "comments": len(issue.comments),
        "created_at": stamp(issue.created_at),
        "updated_at": stamp(issue.comments[-1][3] if issue.comments else issue.created_at),
        "closed_at": None,
    }


def _comment_json(
    comment: tuple[int, Person, str, datetime], issue: _Issue, repo: Repository, base: str
) -> dict[str, Any]:
    identity, author, body, at = comment
    return {
        "id": identity,
        "url": f"{base}/repos/{repo.full_name}/issues/comments/{identity}",
        "html_url": f"{base}/{repo.full_name}/issues/{issue.number}#issuecomment-{identity}",
        "body": body,
        "user": user(author, base),
        "created_at": stamp(at),
        "updated_at": stamp(at),
    }
