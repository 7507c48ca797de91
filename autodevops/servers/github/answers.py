"""GitHub's JSON, read into our nouns. Pure functions; a wrong shape raises what Python raises."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from autodevops.domain.tool_results import Commit, Deployment, FileChange, Issue, PullRequest, Release

MAX_PATCH_CHARACTERS = 4000  # of one file's diff: enough to see what a change does
MAX_BODY_CHARACTERS = 20_000  # of an issue or a release's notes

Item = Mapping[str, Any]


def commit(repository: str, item: Item) -> Commit:
    author = item["commit"].get("author") or {}
    committer = item["commit"].get("committer") or author
    return Commit(
        repository=repository,
        sha=item["sha"],
        message=item["commit"]["message"],
        author=(item.get("author") or {}).get("login") or author.get("name", ""),
        at=committer["date"],  # when it entered the branch; the author's date may be much older
        url=item.get("html_url", ""),
    )


def pull(repository: str, item: Item) -> PullRequest:
    return PullRequest(
        repository=repository,
        number=item["number"],
        title=item["title"],
        body=item.get("body") or "",
        author=_login(item.get("user")),
        state=item["state"],
        merged_at=item.get("merged_at"),
        merge_commit_sha=item.get("merge_commit_sha") or "",
        url=item.get("html_url", ""),
    )


def file_change(item: Item) -> FileChange:
    patch = item.get("patch") or ""
    return FileChange(
        path=item["filename"],
        status=item["status"],
        additions=item.get("additions", 0),
        deletions=item.get("deletions", 0),
        patch=patch if len(patch) <= MAX_PATCH_CHARACTERS else patch[:MAX_PATCH_CHARACTERS] + "\n… (cut)",
    )


def issue(repository: str, item: Item) -> Issue:
    return Issue(
        repository=repository,
        number=item["number"],
        title=item["title"],
        body=_body(item),
        author=_login(item.get("user")),
        state=item["state"],
        labels=tuple(label if isinstance(label, str) else label["name"] for label in item.get("labels", ())),
        comments=item.get("comments", 0),
        created_at=item["created_at"],
        updated_at=item["updated_at"],
        closed_at=item.get("closed_at"),
        url=item.get("html_url", ""),
    )


def deployment(repository: str, item: Item, statuses: list[Item]) -> Deployment:
    newest: Item = statuses[0] if statuses else {}
    return Deployment(
        repository=repository,
        deployment_id=item["id"],
        environment=item["environment"],
        ref=item["ref"],
        sha=item["sha"],
        description=newest.get("description") or item.get("description") or "",
        author=_login(item.get("creator")),
        created_at=item["created_at"],
        state=newest.get("state", ""),
        state_at=newest.get("created_at"),
        url=newest.get("log_url") or newest.get("target_url") or "",
    )


def release(repository: str, item: Item) -> Release:
    return Release(
        repository=repository,
        tag=item["tag_name"],
        name=item.get("name") or "",
        body=_body(item),
        author=_login(item.get("author")),
        target=item.get("target_commitish", ""),
        draft=item.get("draft", False),
        prerelease=item.get("prerelease", False),
        published_at=item.get("published_at"),
        url=item.get("html_url", ""),
    )


def entry(item: Item) -> str:
    """A folder's entry: folders end in `/`, submodules in `@`."""
    return str(item["name"]) + {"dir": "/", "submodule": "@"}.get(item["type"], "")


def content(item: Item) -> bytes:
    """The content that came with a file; empty when it is too large for that."""
    return base64.b64decode(item.get("content") or "") if item.get("encoding") == "base64" else b""


def _login(person: Item | None) -> str:
    return str((person or {}).get("login", ""))


def _body(item: Item) -> str:
    body = item.get("body") or ""
    return body if len(body) <= MAX_BODY_CHARACTERS else body[:MAX_BODY_CHARACTERS] + "\n… (cut)"
