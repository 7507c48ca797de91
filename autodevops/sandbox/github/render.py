"""People, repositories, commits and file changes as GitHub spells them; other nouns' shapes stand beside their routes.

`base` is the API's own address: this GitHub has no pages, so `html_url` is an address there too.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from autodevops.sandbox.world.git import FileChange, Person

if TYPE_CHECKING:
    from autodevops.sandbox.github.nouns import Commit, Signature
    from autodevops.sandbox.github.view import Repo

Json = dict[str, Any]


def stamp(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if moment else None


def number_id(*parts: str) -> int:
    return int(hashlib.sha256("/".join(parts).encode()).hexdigest()[:8], 16)


def user(person: Person, base: str) -> Json:
    return {
        "login": person.login,
        "id": number_id("user", person.login),
        "node_id": f"U_{number_id('user', person.login):08x}",
        "avatar_url": f"{base}/avatars/{person.login}",
        "url": f"{base}/users/{person.login}",
        "html_url": f"{base}/{person.login}",
        "repos_url": f"{base}/users/{person.login}/repos",
        "type": "Bot" if person.login.endswith("-bot") else "User",
        "site_admin": False,
    }


def organization(owner: str, base: str) -> Json:
    return user(Person(owner, owner), base) | {"type": "Organization"}


def api(repo: Repo, base: str) -> str:
    return f"{base}/repos/{repo.full_name}"


def repository(repo: Repo, base: str) -> Json:
    world, url = repo.world, api(repo, base)
    head = repo.commits.get(repo.branches.get(repo.default_branch, ""))
    newest = head.at if head else world.created_at
    issues_open = sum(one.state == "open" for one in (*repo.issues, *(pull.issue for pull in repo.pulls)))
    return {
        "id": number_id("repo", repo.full_name),
        "node_id": f"R_{number_id('repo', repo.full_name):08x}",
        "name": world.name,
        "full_name": repo.full_name,
        "private": True,
        "owner": organization(repo.owner, base),
        "html_url": f"{base}/{repo.full_name}",
        "description": world.description,
        "fork": False,
        "url": url,
        "branches_url": f"{url}/branches{{/branch}}",
        "commits_url": f"{url}/commits{{/sha}}",
        "compare_url": f"{url}/compare/{{base}}...{{head}}",
        "contents_url": f"{url}/contents/{{+path}}",
        "deployments_url": f"{url}/deployments",
        "git_refs_url": f"{url}/git/refs{{/sha}}",
        "issues_url": f"{url}/issues{{/number}}",
        "pulls_url": f"{url}/pulls{{/number}}",
        "releases_url": f"{url}/releases{{/id}}",
        "tags_url": f"{url}/tags",
        "default_branch": repo.default_branch,
        "created_at": stamp(world.created_at),
        "updated_at": stamp(newest),
        "pushed_at": stamp(newest),
        "archived": False,
        "disabled": False,
        "has_issues": True,
        "visibility": "private",
        "open_issues_count": issues_open,
        "open_issues": issues_open,
        "permissions": {"admin": False, "maintain": False, "push": True, "triage": True, "pull": True},
    }


def signature(value: Signature) -> Json:
    return {"name": value.name, "email": value.email, "date": stamp(value.at)}


def parents(value: Commit, repo: Repo, base: str, kind: str = "commits") -> list[Json]:
    page = f"{base}/{repo.full_name}"
    return [
        {"sha": sha, "url": f"{api(repo, base)}/{kind}/{sha}", "html_url": f"{page}/commit/{sha}"}
        for sha in value.parents
    ]


def verification() -> Json:
    return {"verified": False, "reason": "unsigned", "signature": None, "payload": None, "verified_at": None}


def commit(value: Commit, repo: Repo, base: str) -> Json:
    from autodevops.sandbox.github.objects import tree_sha

    url, tree = api(repo, base), tree_sha(value.files)
    return {
        "sha": value.sha,
        "node_id": f"C_{value.sha}",
        "commit": {
            "author": signature(value.author),
            "committer": signature(value.committer),
            "message": value.message,
            "tree": {"sha": tree, "url": f"{url}/git/trees/{tree}"},
            "url": f"{url}/git/commits/{value.sha}",
            "comment_count": 0,
            "verification": verification(),
        },
        "url": f"{url}/commits/{value.sha}",
        "html_url": f"{base}/{repo.full_name}/commit/{value.sha}",
        "comments_url": f"{url}/commits/{value.sha}/comments",
        "author": _account(value.author, base),
        "committer": _account(value.committer, base),
        "parents": parents(value, repo, base),
    }


def _account(value: Signature, base: str) -> Json | None:
    return user(Person(value.login, value.name), base) if value.login else None


def stats(files: Iterable[FileChange]) -> Json:
    changes = list(files)
    added, gone = sum(one.additions for one in changes), sum(one.deletions for one in changes)
    return {"total": added + gone, "additions": added, "deletions": gone}


def file_change(change: FileChange, head: Commit, repo: Repo, base: str) -> Json:
    from autodevops.sandbox.github.objects import blob_sha

    page = f"{base}/{repo.full_name}"
    at = head.sha if change.status != "removed" or not head.parents else head.parents[0]
    return {
        "sha": blob_sha(head.files.get(change.path, "")),
        "filename": change.path,
        "status": change.status,
        "additions": change.additions,
        "deletions": change.deletions,
        "changes": change.additions + change.deletions,
        "blob_url": f"{page}/blob/{at}/{change.path}",
        "raw_url": f"{page}/raw/{at}/{change.path}",
        "contents_url": f"{api(repo, base)}/contents/{change.path}?ref={at}",
        "patch": change.patch,
    }


def label(name: str, repo: Repo, base: str) -> Json:
    return {
        "id": number_id("label", name),
        "node_id": f"LA_{number_id('label', name):08x}",
        "url": f"{api(repo, base)}/labels/{name}",
        "name": name,
        "color": "ededed",
        "default": False,
        "description": None,
    }
