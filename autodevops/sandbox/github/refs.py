"""Git refs: listed, made, moved and deleted."""

from __future__ import annotations

import re
from dataclasses import replace

from autodevops.sandbox.github import history, render
from autodevops.sandbox.github.calls import Answer, Call, Changed, Endpoint, Listing
from autodevops.sandbox.github.made import Made
from autodevops.sandbox.github.refusals import Refusal, not_found, wrong_type
from autodevops.sandbox.github.render import Json
from autodevops.sandbox.github.view import Repo

_BAD_NAME = re.compile(r"\.\.|[\x00-\x20~^:?*\[\\\x7f]|@\{|//|/\.|\.lock(/|$)|^[/.-]|[/.]$")  # git-check-ref-format


def put_ref(repo: Repo, made: Made, name: str, sha: str) -> Made:
    """The ref moved to `sha`. Open pull requests from that branch follow; the default branch remembers what the world
    had put there by now."""
    made = replace(made, refs={**made.refs, name: sha})
    kind, _, branch = name.partition("/")
    if kind != "heads":
        return made
    if branch == repo.default_branch:
        moved = {one.sha: repo.commits[one.sha] for one in repo.world.commits}
        seen = frozenset(moved)
        made = replace(made, seen=seen, commits={**moved, **made.commits})
    pulls = {pull.number: pull for pull in repo.pulls} | dict(made.pulls)
    followers = {
        number: replace(pull, head_sha=sha, issue=replace(pull.issue, updated_at=repo.now))
        for number, pull in pulls.items()
        if pull.head == branch and pull.issue.state == "open"
    }
    return replace(made, pulls={**made.pulls, **followers})


def all_refs(repo: Repo) -> dict[str, str]:
    """Sha by name without `refs/`."""
    pulls = {f"pull/{pull.number}/head": pull.head_sha for pull in repo.pulls if pull.head_sha in repo.commits}
    named = {f"heads/{name}": sha for name, sha in repo.branches.items()}
    return dict(sorted((named | {f"tags/{name}": sha for name, sha in repo.tags.items()} | pulls).items()))


def ref(call: Call) -> Answer:
    repo, name = call.repo, call.path("ref")
    sha = all_refs(repo).get(name)
    if sha is None:
        raise not_found()
    return _shape(name, sha, repo, call.base)


def refs_or_prefix(call: Call) -> Answer:
    """The older address of one ref; a name that is only a prefix lists those that begin with it."""
    repo, name = call.repo, call.path("ref")
    known = all_refs(repo)
    return _shape(name, known[name], repo, call.base) if name in known else _matching(call, repo, name, known)


def matching_refs(call: Call) -> Answer:
    repo = call.repo
    wanted, known = call.path("ref"), all_refs(repo)
    return Listing(
        [one for one in known if one.startswith(wanted)], lambda one: _shape(one, known[one], repo, call.base)
    )


def _matching(call: Call, repo: Repo, name: str, known: dict[str, str]) -> Listing:
    chosen = [one for one in known if one.startswith(f"{name.rstrip('/')}/")]
    if not chosen:
        raise not_found()
    return Listing(chosen, lambda one: _shape(one, known[one], repo, call.base))


def every_ref(call: Call) -> Answer:
    repo = call.repo
    known = all_refs(repo)
    return Listing(list(known), lambda one: _shape(one, known[one], repo, call.base))


def create(call: Call) -> Answer:
    call.require("ref", "sha")
    full, sha = call.text("ref"), call.text("sha")
    if not full.startswith("refs/") or full.count("/") < 2:
        raise Refusal(422, "Reference name must start with 'refs/' and contain at least two slashes.")
    name = full.removeprefix("refs/")
    if _BAD_NAME.search(name):
        raise Refusal(422, f"{full} is not a valid ref name.")

    def change(repo: Repo, made: Made) -> Made:
        if name in all_refs(repo):
            raise Refusal(422, "Reference already exists")
        if sha not in repo.commits:
            raise Refusal(422, "Object does not exist")
        return put_ref(repo, made, name, sha)

    repo = call.edit(change)
    return Changed(201, _shape(name, sha, repo, call.base))


def update(call: Call) -> Answer:
    name, sha, force = call.path("ref"), call.text("sha"), call.body.get("force", False)
    if not isinstance(force, bool):
        raise wrong_type("force", force, "a boolean")

    def change(repo: Repo, made: Made) -> Made:
        old = all_refs(repo).get(name)
        if old is None:
            raise Refusal(422, "Reference does not exist")
        if sha not in repo.commits:
            raise Refusal(422, "Object does not exist")
        ancestors = {one.sha for one in history.reachable(repo, repo.commits[sha])}
        if not force and old not in ancestors:
            raise Refusal(422, "Update is not a fast forward")
        if force and name == f"heads/{repo.default_branch}":
            raise Refusal(422, f"Cannot force-push to this branch. Protected branch {repo.default_branch}.")
        return put_ref(repo, made, name, sha)

    repo = call.edit(change)
    return _shape(name, sha, repo, call.base)


def delete(call: Call) -> Answer:
    name = call.path("ref")

    def change(repo: Repo, made: Made) -> Made:
        if name not in all_refs(repo) or name.startswith("pull/"):
            raise Refusal(422, "Reference does not exist")
        if name == f"heads/{repo.default_branch}":
            raise Refusal(422, "Cannot delete the default branch")
        return replace(made, refs={**made.refs, name: None})

    call.edit(change)
    return Changed(204)


def _shape(name: str, sha: str, repo: Repo, base: str) -> Json:
    url = f"{render.api(repo, base)}/git"
    return {
        "ref": f"refs/{name}",
        "node_id": f"REF_{name}",
        "url": f"{url}/refs/{name}",
        "object": {"sha": sha, "type": "commit", "url": f"{url}/commits/{sha}"},
    }


_GIT = "/repos/{owner}/{repo}/git"
ENDPOINTS = (
    Endpoint("GET", f"{_GIT}/ref/{{ref:path}}", ref),
    Endpoint("GET", f"{_GIT}/matching-refs/{{ref:path}}", matching_refs),
    Endpoint("GET", f"{_GIT}/refs", every_ref),
    Endpoint("POST", f"{_GIT}/refs", create),
    Endpoint("GET", f"{_GIT}/refs/{{ref:path}}", refs_or_prefix),
    Endpoint("PATCH", f"{_GIT}/refs/{{ref:path}}", update),
    Endpoint("DELETE", f"{_GIT}/refs/{{ref:path}}", delete),
)
