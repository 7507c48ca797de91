"""Git's own objects over HTTP: blobs, trees and commits, read and made one by one."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from autodevops.sandbox.github import history, render
from autodevops.sandbox.github.calls import ROBOT, Answer, Call, Changed, Endpoint, in_media
from autodevops.sandbox.github.made import Made
from autodevops.sandbox.github.nouns import Commit, Signature
from autodevops.sandbox.github.objects import (
    Tree,
    blob_sha,
    commit_sha,
    diff_trees,
    entries,
    from_bytes,
    to_bytes,
    tree_sha,
)
from autodevops.sandbox.github.refusals import Refusal, not_found, not_supplied, wrong_type
from autodevops.sandbox.github.render import Json
from autodevops.sandbox.github.view import Repo, signature

_MODES = ("100644", "100755", "040000", "120000", "160000")


def decoded(text: str, encoding: str) -> str:
    """Content as a client sends it. Raises Refusal."""
    if encoding != "base64":
        return text
    try:
        return from_bytes(base64.b64decode("".join(text.split()), validate=True))
    except binascii.Error as error:
        raise Refusal(422, "content is not valid Base64") from error


def find_blob(repo: Repo, sha: str) -> str:
    if sha in repo.made.blobs:
        return repo.made.blobs[sha]
    texts = {text for commit in repo.commits.values() for text in commit.files.values()}
    for text in texts:
        if blob_sha(text) == sha:
            return text
    raise not_found()


def find_tree(repo: Repo, name: str) -> Tree:
    """The tree of a sha of its own, or of a commit, branch or tag."""
    if name in repo.made.trees:
        return repo.made.trees[name]
    commit = history.resolve(repo, name)
    if commit is not None:
        return commit.files
    for one in repo.commits.values():
        found = _inside(one.files, name)
        if found is not None:
            return found
    raise not_found()


def _inside(tree: Tree, sha: str) -> Tree | None:
    if tree_sha(tree) == sha:
        return tree
    for content in entries(tree).values():
        found = None if isinstance(content, str) else _inside(content, sha)
        if found is not None:
            return found
    return None


def blob(call: Call) -> Answer:
    repo, sha = call.repo, call.path("sha")
    text = find_blob(repo, sha)
    if call.wants("raw"):
        return in_media(text, "raw")
    content = to_bytes(text)
    return _object("blobs", sha, repo, call.base) | {
        "size": len(content),
        "content": base64.encodebytes(content).decode(),
        "encoding": "base64",
    }


def create_blob(call: Call) -> Answer:
    call.require("content")
    text = decoded(call.text("content"), call.text("encoding", "utf-8"))
    sha = blob_sha(text)
    repo = call.edit(lambda repo, made: replace(made, blobs={**made.blobs, sha: text}))
    return Changed(201, _object("blobs", sha, repo, call.base))


def tree(call: Call) -> Answer:
    repo = call.repo
    return _tree(find_tree(repo, call.path("sha")), repo, call.base, recursive=bool(call.query("recursive")))


def create_tree(call: Call) -> Answer:
    given = call.body.get("tree")
    if given is None:
        raise not_supplied("tree")
    if not isinstance(given, list):
        raise wrong_type("tree", given, "an array")
    made_sha: list[str] = []

    def change(repo: Repo, made: Made) -> Made:
        base = call.text("base_tree", "")
        files = dict(find_tree(repo, base)) if base else {}
        blobs = dict(made.blobs)
        for entry in given:
            _put(entry, files, blobs, repo)
        made_sha.append(tree_sha(files))
        return replace(made, blobs=blobs, trees={**made.trees, made_sha[-1]: files})

    repo = call.edit(change)
    return Changed(201, _tree(repo.made.trees[made_sha[-1]], repo, call.base, recursive=False))


def _put(entry: object, files: dict[str, str], blobs: dict[str, str], repo: Repo) -> None:
    if not isinstance(entry, dict) or not isinstance(entry.get("path"), str) or not entry["path"].strip("/"):
        raise Refusal(422, "Must supply a valid tree.path")
    path = entry["path"].strip("/")
    if entry.get("mode", "100644") not in _MODES:
        raise Refusal(422, "Must supply a valid tree.mode")
    if isinstance(entry.get("content"), str):
        files[path] = entry["content"]
        blobs[blob_sha(entry["content"])] = entry["content"]
    elif "sha" not in entry:
        raise Refusal(422, "Must supply either tree.sha or tree.content")
    elif entry["sha"] is None:
        for old in [old for old in files if old == path or old.startswith(f"{path}/")]:
            del files[old]
    else:
        try:
            if entry.get("type") == "tree" or entry.get("mode") == "040000":
                files.update({f"{path}/{inner}": text for inner, text in find_tree(repo, entry["sha"]).items()})
            else:
                files[path] = find_blob(repo, entry["sha"])
        except Refusal as error:
            raise Refusal(422, f"tree.sha {entry['sha']} is not a valid {entry.get('type', 'blob')}") from error


def commit(call: Call) -> Answer:
    repo = call.repo
    found = repo.commits.get(call.path("sha"))
    if found is None:
        raise not_found()
    return _commit(found, repo, call.base)


def create_commit(call: Call) -> Answer:
    call.require("message", "tree")
    parents, given = call.texts("parents") or (), []
    author = _signature(call, "author", signature(ROBOT, call.now))
    committer = _signature(call, "committer", author)

    def change(repo: Repo, made: Made) -> Made:
        for sha in parents:
            if sha not in repo.commits:
                raise Refusal(422, "Parent SHA does not exist or is not a commit object")
        try:
            files = find_tree(repo, call.text("tree"))
        except Refusal as error:
            raise Refusal(422, "Tree SHA does not exist") from error
        before = repo.commits[parents[0]].files if parents else {}
        message = call.text("message")
        sha = commit_sha(tree_sha(files), parents, message, author, committer)
        value = Commit(sha, parents, message, author, committer, files, diff_trees(before, files))
        given.append(value)
        return replace(made, commits={**made.commits, sha: value})

    repo = call.edit(change)
    return Changed(201, _commit(given[-1], repo, call.base))


def _signature(call: Call, role: str, default: Signature) -> Signature:
    """Who a body says it was; the token's user otherwise."""
    given = call.body.get(role)
    if given is None:
        return default
    if not isinstance(given, dict) or not given.get("name") or not given.get("email"):
        raise Refusal(422, f'Invalid request.\n\nFor \'properties/{role}\', "name", "email" weren\'t supplied.')
    at = call.now
    if given.get("date"):
        try:
            at = datetime.fromisoformat(str(given["date"]))
        except ValueError as error:
            raise wrong_type(f"{role}/date", given["date"], "a valid date-time") from error
    login = ROBOT.login if given["email"] == ROBOT.email else ""
    return Signature(str(given["name"]), str(given["email"]), at, login)


def signatures(call: Call) -> tuple[Signature, Signature]:
    """Author and committer of a change that a body describes."""
    committer = _signature(call, "committer", signature(ROBOT, call.now))
    return _signature(call, "author", committer), committer


def _object(kind: str, sha: str, repo: Repo, base: str) -> Json:
    return {"sha": sha, "node_id": f"{kind[0].upper()}_{sha}", "url": f"{render.api(repo, base)}/git/{kind}/{sha}"}


def _tree(files: Tree, repo: Repo, base: str, *, recursive: bool) -> Json:
    return _object("trees", tree_sha(files), repo, base) | {
        "tree": list(_lines(files, "", repo, base, recursive)),
        "truncated": False,
    }


def _lines(files: Mapping[str, str], prefix: str, repo: Repo, base: str, recursive: bool) -> list[Json]:
    url, found = f"{render.api(repo, base)}/git", []
    for name, content in entries(files).items():
        path = f"{prefix}{name}"
        if isinstance(content, str):
            sha = blob_sha(content)
            line = {"path": path, "mode": "100644", "type": "blob", "sha": sha, "size": len(to_bytes(content))}
            found.append(line | {"url": f"{url}/blobs/{sha}"})
        else:
            sha = tree_sha(content)
            found.append({"path": path, "mode": "040000", "type": "tree", "sha": sha, "url": f"{url}/trees/{sha}"})
            if recursive:
                found.extend(_lines(content, f"{path}/", repo, base, recursive))
    return found


def _commit(value: Commit, repo: Repo, base: str) -> Json:
    tree, url = tree_sha(value.files), f"{render.api(repo, base)}/git"
    return _object("commits", value.sha, repo, base) | {
        "html_url": f"{base}/{repo.full_name}/commit/{value.sha}",
        "author": render.signature(value.author),
        "committer": render.signature(value.committer),
        "message": value.message,
        "tree": {"sha": tree, "url": f"{url}/trees/{tree}"},
        "parents": render.parents(value, repo, base, "git/commits"),
        "verification": render.verification(),
    }


_GIT = "/repos/{owner}/{repo}/git"
ENDPOINTS = (
    Endpoint("GET", f"{_GIT}/blobs/{{sha}}", blob),
    Endpoint("POST", f"{_GIT}/blobs", create_blob),
    Endpoint("GET", f"{_GIT}/trees/{{sha:path}}", tree),
    Endpoint("POST", f"{_GIT}/trees", create_tree),
    Endpoint("GET", f"{_GIT}/commits/{{sha}}", commit),
    Endpoint("POST", f"{_GIT}/commits", create_commit),
)
