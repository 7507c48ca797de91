"""Repositories, their owner and the token's user, branches and tags."""

from __future__ import annotations

from autodevops.sandbox.github import render
from autodevops.sandbox.github.calls import ROBOT, Answer, Call, Endpoint, Listing
from autodevops.sandbox.github.history import resolve
from autodevops.sandbox.github.refusals import Refusal, not_found
from autodevops.sandbox.github.render import Json
from autodevops.sandbox.github.view import Repo
from autodevops.sandbox.world.git import PEOPLE, Person


def me(call: Call) -> Answer:
    if not call.authenticated:
        raise Refusal(401, "Requires authentication")
    return render.user(ROBOT, call.base) | {"name": ROBOT.name, "email": ROBOT.email, "public_repos": 0}


def person(call: Call) -> Answer:
    known = {one.login.lower(): one for one in (*PEOPLE, ROBOT)}
    found = known.get(call.path("login").lower())
    if found is not None:
        return render.user(found, call.base) | {"name": found.name, "email": found.email}
    return _owner(call, call.path("login"))


def organization(call: Call) -> Answer:
    return _owner(call, call.path("org"))


def _owner(call: Call, name: str) -> Json:
    for one in call.repositories:
        if one.owner.lower() == name.lower():
            return render.organization(one.owner, call.base) | {
                "name": one.owner,
                "description": "",
                "public_repos": 0,
                "total_private_repos": sum(other.owner == one.owner for other in call.repositories),
                "repos_url": f"{call.base}/orgs/{one.owner}/repos",
                "created_at": render.stamp(one.created_at),
                "updated_at": render.stamp(one.created_at),
            }
    raise not_found()


def my_repositories(call: Call) -> Answer:
    if not call.authenticated:
        raise Refusal(401, "Requires authentication")
    return _listed(call, "")


def their_repositories(call: Call) -> Answer:
    owner = call.request.path_params.get("org") or call.path("login")
    if not any(one.owner.lower() == owner.lower() for one in call.repositories):
        person(call) if "login" in call.request.path_params else organization(call)
    return _listed(call, owner)


def _listed(call: Call, owner: str) -> Listing:
    chosen = [call.look(one) for one in call.repositories if not owner or one.owner.lower() == owner.lower()]
    return Listing(sorted(chosen, key=lambda one: one.full_name), lambda one: render.repository(one, call.base))


def show(call: Call) -> Answer:
    return render.repository(call.repo, call.base)


def branches(call: Call) -> Answer:
    repo = call.repo
    return Listing(sorted(repo.branches), lambda name: _branch(name, repo, call.base))


def branch(call: Call) -> Answer:
    repo, name = call.repo, call.path("branch")
    if name not in repo.branches:
        raise Refusal(404, "Branch not found")
    commit = repo.commits[repo.branches[name]]
    links = {
        "self": f"{render.api(repo, call.base)}/branches/{name}",
        "html": f"{call.base}/{repo.full_name}/tree/{name}",
    }
    return _branch(name, repo, call.base) | {"commit": render.commit(commit, repo, call.base), "_links": links}


def _branch(name: str, repo: Repo, base: str) -> Json:
    sha = repo.branches[name]
    protected = name == repo.default_branch
    return {
        "name": name,
        "commit": {"sha": sha, "url": f"{render.api(repo, base)}/commits/{sha}"},
        "protected": protected,
    }


def tags(call: Call) -> Answer:
    repo = call.repo

    def shape(name: str) -> Json:
        sha, url = repo.tags[name], render.api(repo, call.base)
        return {
            "name": name,
            "commit": {"sha": sha, "url": f"{url}/commits/{sha}"},
            "zipball_url": f"{url}/zipball/refs/tags/{name}",
            "tarball_url": f"{url}/tarball/refs/tags/{name}",
            "node_id": f"REF_{name}",
        }

    return Listing(sorted(repo.tags, reverse=True), shape)


def contributors(call: Call) -> Answer:
    repo = call.repo
    head = resolve(repo, "")
    counts: dict[tuple[str, str], int] = {}
    for commit in repo.commits.values() if head else ():
        if commit.author.login:
            key = (commit.author.login, commit.author.name)
            counts[key] = counts.get(key, 0) + 1
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return Listing(ranked, lambda item: render.user(Person(*item[0]), call.base) | {"contributions": item[1]})


_REPO = "/repos/{owner}/{repo}"
ENDPOINTS = (
    Endpoint("GET", "/user", me),
    Endpoint("GET", "/user/repos", my_repositories),
    Endpoint("GET", "/users/{login}", person),
    Endpoint("GET", "/users/{login}/repos", their_repositories),
    Endpoint("GET", "/orgs/{org}", organization),
    Endpoint("GET", "/orgs/{org}/repos", their_repositories),
    Endpoint("GET", _REPO, show),
    Endpoint("GET", f"{_REPO}/branches", branches),
    Endpoint("GET", f"{_REPO}/branches/{{branch:path}}", branch),
    Endpoint("GET", f"{_REPO}/tags", tags),
    Endpoint("GET", f"{_REPO}/contributors", contributors),
)
