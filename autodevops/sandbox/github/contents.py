"""Files and folders at a ref: read, written and deleted, each write a commit of its own."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import replace

from autodevops.sandbox.github import history, render
from autodevops.sandbox.github.calls import Answer, Call, Changed, Endpoint, Listing, in_media
from autodevops.sandbox.github.git_data import decoded, signatures
from autodevops.sandbox.github.made import Made
from autodevops.sandbox.github.nouns import Commit
from autodevops.sandbox.github.objects import Tree, blob_sha, entries, make_commit, to_bytes, tree_sha
from autodevops.sandbox.github.refs import put_ref
from autodevops.sandbox.github.refusals import Refusal, not_found
from autodevops.sandbox.github.render import Json
from autodevops.sandbox.github.view import Repo

_READMES = ("readme.md", "readme.rst", "readme.txt", "readme")


def contents(call: Call) -> Answer:
    repo, path = call.repo, call.request.path_params.get("path", "").strip("/")
    ref, tree = _at(call, repo)
    if path in tree:
        return _file(call, repo, path, ref, tree[path])
    inside = entries(tree, path)
    if not inside:
        raise not_found()
    prefix = f"{path}/" if path else ""
    listed = [_entry(repo, prefix + name, ref, call.base, content) for name, content in inside.items()]
    return Listing(listed) if not call.wants("object") else _entry(repo, path, ref, call.base, {}) | {"entries": listed}


def readme(call: Call) -> Answer:
    """The README of the repository, or of a folder of it."""
    repo, folder = call.repo, call.request.path_params.get("folder", "").strip("/")
    ref, tree = _at(call, repo)
    for name, content in entries(tree, folder).items():
        if isinstance(content, str) and name.lower() in _READMES:
            return _file(call, repo, f"{folder}/{name}".strip("/"), ref, content)
    raise not_found()


def _at(call: Call, repo: Repo) -> tuple[str, Tree]:
    ref = call.query("ref") or repo.default_branch
    commit = history.resolve(repo, ref)
    if commit is None:
        raise Refusal(404, f"No commit found for the ref {ref}")
    return ref, commit.files


def _file(call: Call, repo: Repo, path: str, ref: str, text: str) -> Answer:
    if call.wants("raw"):
        return in_media(text, "raw")
    content = base64.encodebytes(to_bytes(text)).decode()
    return _entry(repo, path, ref, call.base, text) | {"encoding": "base64", "content": content}


def write(call: Call) -> Answer:
    """PUT: create or update one file."""
    call.require("message", "content")
    text = decoded(call.text("content"), "base64")
    existed: list[bool] = []

    def files(tree: Tree, path: str) -> dict[str, str]:
        existed.append(path in tree)
        if path in tree:
            _check_sha(call, path, tree[path])
        if entries(tree, path):
            raise Refusal(422, f"{path} is a directory")
        return {**tree, path: text}

    repo, branch, commit = _commit(call, files)
    entry = _entry(repo, call.path("path").strip("/"), branch, call.base, text)
    return Changed(200 if existed[-1] else 201, {"content": entry, "commit": _short(commit, repo, call.base)})


def delete(call: Call) -> Answer:
    call.require("message", "sha")

    def files(tree: Tree, path: str) -> dict[str, str]:
        if path not in tree:
            raise not_found()
        _check_sha(call, path, tree[path])
        return {name: text for name, text in tree.items() if name != path}

    repo, _, commit = _commit(call, files)
    return Changed(200, {"content": None, "commit": _short(commit, repo, call.base)})


def _check_sha(call: Call, path: str, text: str) -> None:
    sha = call.text("sha")
    if sha != blob_sha(text):
        raise Refusal(409, f"{path} does not match {sha}")


def _commit(call: Call, files: Callable[[Tree, str], dict[str, str]]) -> tuple[Repo, str, Commit]:
    """A commit on top of a branch; `files` says what it holds, given what the branch holds and the path."""
    path, author_committer = call.path("path").strip("/"), signatures(call)
    branch, given = call.text("branch", "").removeprefix("refs/heads/"), []

    def change(repo: Repo, made: Made) -> Made:
        name = branch or repo.default_branch
        if name not in repo.branches:
            raise Refusal(404, f"Branch {name} not found")
        tip = repo.commits[repo.branches[name]]
        value = make_commit(files(tip.files, path), tip, (), call.text("message"), *author_committer)
        given.append((name, value))
        return put_ref(repo, replace(made, commits={**made.commits, value.sha: value}), f"heads/{name}", value.sha)

    repo = call.edit(change)
    return repo, *given[-1]


def _short(value: Commit, repo: Repo, base: str) -> Json:
    url, tree = render.api(repo, base), tree_sha(value.files)
    return {
        "sha": value.sha,
        "url": f"{url}/git/commits/{value.sha}",
        "html_url": f"{base}/{repo.full_name}/commit/{value.sha}",
        "author": render.signature(value.author),
        "committer": render.signature(value.committer),
        "message": value.message,
        "tree": {"sha": tree, "url": f"{url}/git/trees/{tree}"},
        "parents": render.parents(value, repo, base, "git/commits"),
        "verification": render.verification(),
    }


def _entry(repo: Repo, path: str, ref: str, base: str, content: str | Tree) -> Json:
    is_file = isinstance(content, str)
    sha = blob_sha(content) if isinstance(content, str) else tree_sha(content)
    url, page = f"{render.api(repo, base)}/contents/{path}?ref={ref}", f"{base}/{repo.full_name}"
    git = f"{render.api(repo, base)}/git/{'blobs' if is_file else 'trees'}/{sha}"
    html = f"{page}/{'blob' if is_file else 'tree'}/{ref}/{path}"
    return {
        "type": "file" if is_file else "dir",
        "name": path.rsplit("/", 1)[-1],
        "path": path,
        "size": len(to_bytes(content)) if isinstance(content, str) else 0,
        "sha": sha,
        "url": url,
        "git_url": git,
        "html_url": html,
        "download_url": f"{page}/raw/{ref}/{path}" if is_file else None,
        "_links": {"self": url, "git": git, "html": html},
    }


_REPO = "/repos/{owner}/{repo}"
ENDPOINTS = (
    Endpoint("GET", f"{_REPO}/readme", readme),
    Endpoint("GET", f"{_REPO}/readme/{{folder:path}}", readme),
    Endpoint("GET", f"{_REPO}/contents", contents),
    Endpoint("GET", f"{_REPO}/contents/{{path:path}}", contents),
    Endpoint("PUT", f"{_REPO}/contents/{{path:path}}", write),
    Endpoint("DELETE", f"{_REPO}/contents/{{path:path}}", delete),
)
