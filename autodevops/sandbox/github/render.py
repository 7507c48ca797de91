"""Nouns of the world's git history as GitHub's REST API spells them. `base` is the API's own address."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any

from autodevops.sandbox.world.git import Commit, Deployment, FileChange, Person, PullRequest, Release, Repository

Json = dict[str, Any]


def stamp(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if moment else None


def blob_sha(text: str) -> str:
    """Git's own object id of a file."""
    content = text.encode()
    return hashlib.sha1(b"blob %d\x00" % len(content) + content, usedforsecurity=False).hexdigest()


def number_id(*parts: str) -> int:
    return int(hashlib.sha256("/".join(parts).encode()).hexdigest()[:8], 16)


def user(person: Person, base: str) -> Json:
    return {
        "login": person.login,
        "id": number_id("user", person.login),
        "url": f"{base}/users/{person.login}",
        "html_url": f"{base}/{person.login}",
        "type": "User",
        "site_admin": False,
    }


def repository(repo: Repository, base: str) -> Json:
    owner = Person(repo.owner, repo.owner)
    newest = repo.commits[0].at if repo.commits else repo.created_at
    return {
        "id": number_id("repo", repo.full_name),
        "name": repo.name,
        "full_name": repo.full_name,
        "private": True,
        "owner": user(owner, base) | {"type": "Organization"},
        "html_url": f"{base}/{repo.full_name}",
        "description": repo.description,
        "fork": False,
        "url": f"{base}/repos/{repo.full_name}",
        "default_branch": repo.default_branch,
        "created_at": stamp(repo.created_at),
        "updated_at": stamp(newest),
        "pushed_at": stamp(newest),
        "archived": False,
        "visibility": "private",
        "open_issues_count": sum(pull.merged_at is None for pull in repo.pulls),
        "permissions": {"admin": False, "push": True, "pull": True},
    }


def commit(value: Commit, repo: Repository, base: str) -> Json:
    signature = {"name": value.author.name, "email": value.author.email, "date": stamp(value.at)}
    api, page = f"{base}/repos/{repo.full_name}", f"{base}/{repo.full_name}"
    parents = [value.parent] if value.parent else []
    return {
        "sha": value.sha,
        "commit": {
            "author": signature,
            "committer": signature,
            "message": value.message,
            "tree": {"sha": number_tree(value), "url": f"{api}/git/trees/{number_tree(value)}"},
            "url": f"{api}/git/commits/{value.sha}",
            "comment_count": 0,
            "verification": {"verified": False, "reason": "unsigned", "signature": None, "payload": None},
        },
        "url": f"{api}/commits/{value.sha}",
        "html_url": f"{page}/commit/{value.sha}",
        "comments_url": f"{api}/commits/{value.sha}/comments",
        "author": user(value.author, base),
        "committer": user(value.author, base),
        "parents": [{"sha": sha, "url": f"{api}/commits/{sha}", "html_url": f"{page}/commit/{sha}"} for sha in parents],
    }


def number_tree(value: Commit) -> str:
    return hashlib.sha1(f"tree {value.sha}".encode(), usedforsecurity=False).hexdigest()


def commit_with_files(value: Commit, repo: Repository, base: str) -> Json:
    additions = sum(change.additions for change in value.files)
    deletions = sum(change.deletions for change in value.files)
    return commit(value, repo, base) | {
        "stats": {"total": additions + deletions, "additions": additions, "deletions": deletions},
        "files": [file_change(change, value.sha, repo, base) for change in value.files],
    }


def file_change(change: FileChange, sha: str, repo: Repository, base: str) -> Json:
    page = f"{base}/{repo.full_name}"
    return {
        "sha": blob_sha(repo.trees.get(sha, {}).get(change.path, "")),
        "filename": change.path,
        "status": change.status,
        "additions": change.additions,
        "deletions": change.deletions,
        "changes": change.additions + change.deletions,
        "blob_url": f"{page}/blob/{sha}/{change.path}",
        "raw_url": f"{page}/raw/{sha}/{change.path}",
        "contents_url": f"{base}/repos/{repo.full_name}/contents/{change.path}?ref={sha}",
        "patch": change.patch,
    }


def diff_text(files: tuple[FileChange, ...]) -> str:
    """The unified diff that `Accept: application/vnd.github.diff` asks for."""
    parts: list[str] = []
    for change in files:
        old = "/dev/null" if change.status == "added" else f"a/{change.path}"
        new = "/dev/null" if change.status == "removed" else f"b/{change.path}"
        parts.append(f"diff --git a/{change.path} b/{change.path}\n--- {old}\n+++ {new}\n{change.patch}\n")
    return "".join(parts)


def pull(value: PullRequest, repo: Repository, base: str) -> Json:
    api, page = f"{base}/repos/{repo.full_name}", f"{base}/{repo.full_name}"
    closed = stamp(value.merged_at)
    return {
        "url": f"{api}/pulls/{value.number}",
        "id": number_id("pull", repo.full_name, str(value.number)),
        "html_url": f"{page}/pull/{value.number}",
        "diff_url": f"{page}/pull/{value.number}.diff",
        "issue_url": f"{api}/issues/{value.number}",
        "number": value.number,
        "state": "closed" if value.merged_at else "open",
        "locked": False,
        "title": value.title,
        "user": user(value.author, base),
        "body": value.body,
        "created_at": stamp(value.created_at),
        "updated_at": closed or stamp(value.created_at),
        "closed_at": closed,
        "merged_at": closed,
        "merge_commit_sha": value.merge_commit or None,
        "assignees": [],
        "requested_reviewers": [],
        "labels": [{"id": number_id("label", name), "name": name, "color": "ededed"} for name in value.labels],
        "draft": False,
        "commits_url": f"{api}/pulls/{value.number}/commits",
        "head": {"label": f"{repo.owner}:{value.branch}", "ref": value.branch, "sha": value.head_sha},
        "base": {"label": f"{repo.owner}:{repo.default_branch}", "ref": repo.default_branch, "sha": value.base_sha},
    }


def pull_in_full(value: PullRequest, repo: Repository, base: str) -> Json:
    return pull(value, repo, base) | {
        "merged": value.merged_at is not None,
        "mergeable": None if value.merged_at else True,
        "merged_by": user(value.merged_by, base) if value.merged_by else None,
        "comments": 0,
        "review_comments": 0,
        "commits": 1,
        "additions": sum(change.additions for change in value.files),
        "deletions": sum(change.deletions for change in value.files),
        "changed_files": len(value.files),
    }


def pull_as_issue(value: PullRequest, repo: Repository, base: str) -> Json:
    """GitHub lists pull requests among issues, marked by `pull_request`."""
    document = pull(value, repo, base)
    api = f"{base}/repos/{repo.full_name}"
    kept = (
        "id",
        "number",
        "state",
        "locked",
        "title",
        "user",
        "body",
        "created_at",
        "updated_at",
        "closed_at",
        "labels",
    )
    return {name: document[name] for name in kept} | {
        "url": f"{api}/issues/{value.number}",
        "html_url": document["html_url"],
        "comments": 0,
        "pull_request": {
            "url": document["url"],
            "html_url": document["html_url"],
            "diff_url": document["diff_url"],
            "merged_at": document["merged_at"],
        },
    }


def release(value: Release, repo: Repository, base: str) -> Json:
    identity = number_id("release", value.tag)
    return {
        "url": f"{base}/repos/{repo.full_name}/releases/{identity}",
        "html_url": f"{base}/{repo.full_name}/releases/tag/{value.tag}",
        "id": identity,
        "tag_name": value.tag,
        "target_commitish": value.sha,
        "name": value.tag,
        "body": value.body,
        "draft": False,
        "prerelease": False,
        "created_at": stamp(value.at),
        "published_at": stamp(value.at),
        "author": user(value.author, base),
        "assets": [],
    }


def deployment(value: Deployment, repo: Repository, base: str) -> Json:
    url = f"{base}/repos/{repo.full_name}/deployments/{value.id}"
    return {
        "url": url,
        "id": value.id,
        "sha": value.sha,
        "ref": f"{value.service}-v{value.version}",
        "task": "deploy",
        "payload": {"service": value.service, "version": value.version},
        "environment": "production",
        "original_environment": "production",
        "description": f"{value.service} {value.version}",
        "creator": user(value.creator, base),
        "created_at": stamp(value.at),
        "updated_at": stamp(value.at),
        "statuses_url": f"{url}/statuses",
        "production_environment": True,
    }
