"""Search, the useful part: words and the common qualifiers over repositories, issues, commits and code."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from autodevops.sandbox.github import history, render
from autodevops.sandbox.github.calls import Answer, Call, Endpoint, Listing
from autodevops.sandbox.github.issues import Held, everything, issue_json, of
from autodevops.sandbox.github.nouns import Commit, Pull
from autodevops.sandbox.github.objects import blob_sha
from autodevops.sandbox.github.refusals import validation_failed
from autodevops.sandbox.github.render import Json
from autodevops.sandbox.github.view import Repo


@dataclass(frozen=True)
class _Query:
    words: tuple[str, ...]
    qualifiers: tuple[tuple[str, str], ...]

    def values(self, name: str) -> set[str]:
        return {value for key, value in self.qualifiers if key == name}

    def says(self, *texts: str) -> bool:
        held = "\n".join(texts).lower()
        return all(word in held for word in self.words)


def _query(call: Call) -> _Query:
    text = call.query("q")
    if not text.strip():
        raise validation_failed("Search", "missing", "q")
    try:
        parts = shlex.split(text)
    except ValueError:
        parts = text.split()
    qualifiers, words = [], []
    for part in parts:
        name, colon, value = part.partition(":")
        if colon and name.isalpha() and value:
            qualifiers.append((name.lower(), value.lower()))
        else:
            words.append(part.lower())
    return _Query(tuple(words), tuple(qualifiers))


def _repositories(call: Call, query: _Query) -> list[Repo]:
    wanted, owners = query.values("repo"), query.values("org") | query.values("user")
    return [
        call.look(one)
        for one in call.repositories
        if (not wanted or one.full_name.lower() in wanted) and (not owners or one.owner.lower() in owners)
    ]


def _wrap(shown: list[Json], total: int) -> Json:
    return {"total_count": total, "incomplete_results": False, "items": shown}


def repositories(call: Call) -> Answer:
    query = _query(call)
    chosen = [one for one in _repositories(call, query) if query.says(one.full_name, one.world.description)]
    return Listing(chosen, lambda one: render.repository(one, call.base) | {"score": 1.0}, _wrap)


def issues(call: Call) -> Answer:
    query = _query(call)
    chosen = [
        (repo, held)
        for repo in _repositories(call, query)
        for held in everything(repo)
        if _is(held, query) and query.says(of(held).title, of(held).body)
    ]
    by_update = call.query("sort") == "updated"
    chosen.sort(
        key=lambda pair: of(pair[1]).updated_at if by_update else of(pair[1]).created_at,
        reverse=call.query("order", "desc") == "desc",
    )
    return Listing(chosen, lambda pair: issue_json(pair[1], pair[0], call.base) | {"score": 1.0}, _wrap)


def _is(held: Held, query: _Query) -> bool:
    issue, pull = of(held), held if isinstance(held, Pull) else None
    traits = {issue.state, "pr" if pull else "issue", "pull-request" if pull else "issue"}
    if pull:
        traits.add("merged" if pull.merged_at else "unmerged")
    return (
        query.values("is") | query.values("type") | query.values("state") <= traits
        and query.values("author") <= {issue.author.login.lower()}
        and query.values("label") <= {name.lower() for name in issue.labels}
        and query.values("head") <= {pull.head.lower() if pull else ""}
    )


def commits(call: Call) -> Answer:
    query = _query(call)
    chosen: list[tuple[Repo, Commit]] = []
    for repo in _repositories(call, query):
        head = history.resolve(repo, "")
        for commit in history.reachable(repo, head) if head else ():
            authors = {commit.author.login.lower()}
            hashes = query.values("hash")
            if query.says(commit.message) and query.values("author") <= authors and hashes <= {commit.sha}:
                chosen.append((repo, commit))
    return Listing(
        chosen,
        lambda pair: (
            render.commit(pair[1], pair[0], call.base)
            | {"repository": render.repository(pair[0], call.base), "score": 1.0}
        ),
        _wrap,
    )


def code(call: Call) -> Answer:
    """In the default branch, as on GitHub."""
    query = _query(call)
    paths = query.values("path")
    chosen: list[tuple[Repo, str, str]] = []
    for repo in _repositories(call, query):
        head = history.resolve(repo, "")
        for path, text in sorted(head.files.items()) if head else ():
            if query.says(path, text) and all(part in path.lower() for part in paths):
                chosen.append((repo, path, text))

    def shape(hit: tuple[Repo, str, str]) -> Json:
        repo, path, text = hit
        return {
            "name": path.rsplit("/", 1)[-1],
            "path": path,
            "sha": blob_sha(text),
            "url": f"{render.api(repo, call.base)}/contents/{path}?ref={repo.branches[repo.default_branch]}",
            "html_url": f"{call.base}/{repo.full_name}/blob/{repo.default_branch}/{path}",
            "repository": render.repository(repo, call.base),
            "score": 1.0,
        }

    return Listing(chosen, shape, _wrap)


ENDPOINTS = (
    Endpoint("GET", "/search/repositories", repositories),
    Endpoint("GET", "/search/issues", issues),
    Endpoint("GET", "/search/commits", commits),
    Endpoint("GET", "/search/code", code),
)
