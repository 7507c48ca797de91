"""Pull requests: read, opened, edited and reviewed. Merging them is for `merging`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from autodevops.sandbox.github import history, merging, render
from autodevops.sandbox.github.calls import ROBOT, Answer, Call, Changed, Endpoint, Listing, in_media
from autodevops.sandbox.github.made import Made
from autodevops.sandbox.github.nouns import Issue, Pull, Review
from autodevops.sandbox.github.patches import diff_text, patch_text
from autodevops.sandbox.github.refusals import Refusal, not_found, validation_failed
from autodevops.sandbox.github.render import Json, number_id, stamp, user
from autodevops.sandbox.github.view import Repo
from autodevops.sandbox.world.git import Person


def pulls(call: Call) -> Answer:
    repo = call.repo
    state, sort = call.query("state", "open"), call.query("sort", "created")
    for field, value, known in (
        ("state", state, ("open", "closed", "all")),
        ("sort", sort, ("created", "updated", "popularity", "long-running")),
    ):
        if value not in known:
            raise validation_failed("PullRequest", "invalid", field, value=value)
    direction = call.query("direction", "desc" if sort == "created" else "asc")
    head = call.query("head")
    chosen = [
        pull
        for pull in repo.pulls
        if state in ("all", pull.issue.state)
        and call.query("base", pull.base) == pull.base
        and head in ("", pull.head, f"{repo.owner}:{pull.head}")
    ]
    updated = sort in ("updated", "long-running")
    chosen.sort(
        key=lambda pull: (pull.issue.updated_at if updated else pull.issue.created_at, pull.number),
        reverse=direction == "desc",
    )
    return Listing(chosen, lambda pull: pull_json(pull, repo, call.base))


def pull(call: Call) -> Answer:
    repo = call.repo
    value = find(repo, call.path("number"))
    if not (call.wants("diff") or call.wants("patch")):
        return pull_in_full(value, repo, call.base)
    commits, head = history.pull_commits(repo, value), repo.commits.get(value.head_sha)
    files = head.files if head else {}
    if call.wants("diff"):
        before = history.before(commits[0], repo) if commits else files
        return in_media(diff_text(history.pull_files(repo, value), before, files), "diff")
    return in_media(patch_text([(one, history.before(one, repo)) for one in commits]), "patch")


def files(call: Call) -> Answer:
    repo = call.repo
    value = find(repo, call.path("number"))
    head = repo.commits.get(value.merge_commit or value.head_sha)
    if head is None:
        return Listing([])
    return Listing(history.pull_files(repo, value), lambda change: render.file_change(change, head, repo, call.base))


def commits(call: Call) -> Answer:
    repo = call.repo
    offered = history.pull_commits(repo, find(repo, call.path("number")))
    return Listing(offered, lambda commit: render.commit(commit, repo, call.base))


def create(call: Call) -> Answer:
    """POST /pulls: from `head` to `base`, or out of an issue."""
    call.require(*(("head", "base") if call.body.get("issue") else ("title", "head", "base")))
    head, base, draft = call.text("head"), call.text("base"), bool(call.body.get("draft"))
    given: list[int] = []

    def change(repo: Repo, made: Made) -> Made:
        name = head.removeprefix(f"{repo.owner}:")
        if base not in repo.branches:
            raise validation_failed("PullRequest", "invalid", "base")
        if name not in repo.branches:
            raise validation_failed("PullRequest", "invalid", "head")
        if any(one.issue.state == "open" and (one.head, one.base) == (name, base) for one in repo.pulls):
            said = f"A pull request already exists for {repo.owner}:{name}."
            raise validation_failed("PullRequest", "custom", message=said)
        first, last = repo.commits[repo.branches[base]], repo.commits[repo.branches[name]]
        if not history.between(repo, first, last)[0]:
            said = f"No commits between {base} and {name}"
            raise validation_failed("PullRequest", "custom", message=said)
        issue = _issue(call, repo)
        given.append(issue.number)
        value = Pull(issue, name, last.sha, base, first.sha, draft=draft)
        issues = {number: one for number, one in made.issues.items() if number != issue.number}
        return replace(
            made, issues=issues, numbers=made.numbers | {issue.number}, pulls={**made.pulls, issue.number: value}
        )

    repo = call.edit(change)
    return Changed(201, pull_in_full(find(repo, given[0]), repo, call.base))


def _issue(call: Call, repo: Repo) -> Issue:
    number = call.body.get("issue")
    if number is None:
        return Issue(repo.next_number, call.text("title"), call.text("body", ""), ROBOT, call.now, call.now)
    found = repo.made.issues.get(number)
    if found is None:
        raise validation_failed("PullRequest", "missing", "issue")
    return replace(found, updated_at=call.now)


def edit(call: Call) -> Answer:
    state = call.text("state", "")
    if state not in ("", "open", "closed"):
        raise validation_failed("PullRequest", "invalid", "state", value=state)

    def change(repo: Repo, made: Made) -> Made:
        value = find(repo, call.path("number"))
        if state and value.merged_at and state == "open":
            raise validation_failed("PullRequest", "invalid", "state", message="Cannot reopen a merged pull request")
        base = call.text("base", value.base)
        if base not in repo.branches:
            raise validation_failed("PullRequest", "invalid", "base")
        closed = value.issue.closed_at
        if state:
            closed = None if state == "open" else closed or call.now
        issue = replace(
            value.issue,
            title=call.text("title", value.issue.title),
            body=call.text("body", value.issue.body),
            closed_at=closed,
            closed_by=ROBOT if closed else None,
            updated_at=call.now,
        )
        sha = value.base_sha if base == value.base else repo.branches[base]
        return replace(made, pulls={**made.pulls, value.number: replace(value, issue=issue, base=base, base_sha=sha)})

    repo = call.edit(change)
    return pull_in_full(find(repo, call.path("number")), repo, call.base)


# --- reviews ---

_EVENTS = {"APPROVE": "APPROVED", "REQUEST_CHANGES": "CHANGES_REQUESTED", "COMMENT": "COMMENTED", "": "PENDING"}


def reviews(call: Call) -> Answer:
    repo = call.repo
    value = find(repo, call.path("number"))
    return Listing(_reviews(repo, value), lambda one: _review(one, repo, call.base))


def _reviews(repo: Repo, pull: Pull) -> list[Review]:
    """Oldest first. Who merged a pull request of the world had approved it."""
    found = [one for one in repo.made.reviews if one.number == pull.number]
    if pull.merged_at and pull.merged_by and pull.number not in repo.made.numbers:
        identity = number_id("review", repo.full_name, str(pull.number))
        approval = Review(identity, pull.number, pull.merged_by, "APPROVED", "", pull.head_sha, pull.merged_at)
        found.insert(0, approval)
    return found


def create_review(call: Call) -> Answer:
    event, text = call.text("event", ""), call.text("body", "")
    if event not in _EVENTS:
        raise validation_failed("PullRequestReview", "invalid", "event", value=event)
    if event in ("REQUEST_CHANGES", "COMMENT") and not text:
        raise Refusal(422, "Unprocessable Entity", errors=["Review body is required"])
    given: list[Review] = []

    def change(repo: Repo, made: Made) -> Made:
        value = find(repo, call.path("number"))
        if event in ("APPROVE", "REQUEST_CHANGES") and value.issue.author == ROBOT:
            said = "approve" if event == "APPROVE" else "request changes on"
            raise Refusal(422, "Unprocessable Entity", errors=[f"Can not {said} your own pull request"])
        identity = number_id("review", repo.full_name, str(value.number), str(len(made.reviews)))
        commit = call.text("commit_id", value.head_sha)
        given.append(Review(identity, value.number, ROBOT, _EVENTS[event], text, commit, call.now))
        return replace(made, reviews=(*made.reviews, given[-1]))

    repo = call.edit(change)
    return Changed(200, _review(given[-1], repo, call.base))


def _review(value: Review, repo: Repo, base: str) -> Json:
    page = f"{base}/{repo.full_name}/pull/{value.number}"
    return {
        "id": value.id,
        "node_id": f"PRR_{value.id:08x}",
        "user": user(value.author, base),
        "body": value.body,
        "state": value.state,
        "html_url": f"{page}#pullrequestreview-{value.id}",
        "pull_request_url": f"{render.api(repo, base)}/pulls/{value.number}",
        "author_association": "MEMBER",
        "submitted_at": stamp(value.at),
        "commit_id": value.commit,
    }


def review_comments(call: Call) -> Answer:
    find(call.repo, call.path("number"))
    return Listing([])


# --- as JSON ---


def find(repo: Repo, number: int) -> Pull:
    for one in repo.pulls:
        if one.number == number:
            return one
    raise not_found()


def pull_json(value: Pull, repo: Repo, base: str) -> Json:
    url, page, issue = render.api(repo, base), f"{base}/{repo.full_name}", value.issue
    own = f"{url}/pulls/{value.number}"
    return {
        "url": own,
        "id": number_id("pull", repo.full_name, str(value.number)),
        "node_id": f"PR_{number_id('pull', repo.full_name, str(value.number)):08x}",
        "html_url": f"{page}/pull/{value.number}",
        "diff_url": f"{page}/pull/{value.number}.diff",
        "patch_url": f"{page}/pull/{value.number}.patch",
        "issue_url": f"{url}/issues/{value.number}",
        "commits_url": f"{own}/commits",
        "review_comments_url": f"{own}/comments",
        "comments_url": f"{url}/issues/{value.number}/comments",
        "statuses_url": f"{url}/statuses/{value.head_sha}",
        "number": value.number,
        "state": issue.state,
        "locked": False,
        "title": issue.title,
        "user": user(issue.author, base),
        "body": issue.body or None,
        "created_at": stamp(issue.created_at),
        "updated_at": stamp(issue.updated_at),
        "closed_at": stamp(issue.closed_at),
        "merged_at": stamp(value.merged_at),
        "merge_commit_sha": value.merge_commit or None,
        "assignee": user(_person(issue.assignees[0]), base) if issue.assignees else None,
        "assignees": [user(_person(login), base) for login in issue.assignees],
        "requested_reviewers": [],
        "requested_teams": [],
        "labels": [render.label(name, repo, base) for name in issue.labels],
        "milestone": None,
        "draft": value.draft,
        "author_association": "MEMBER",
        "auto_merge": None,
        "active_lock_reason": None,
        "head": _end(value.head, value.head_sha, repo, base),
        "base": _end(value.base, value.base_sha, repo, base),
        "_links": {name: {"href": href} for name, href in _links(value, url, page).items()},
    }


def _links(value: Pull, url: str, page: str) -> Mapping[str, str]:
    own = f"{url}/pulls/{value.number}"
    return {
        "self": own,
        "html": f"{page}/pull/{value.number}",
        "issue": f"{url}/issues/{value.number}",
        "comments": f"{url}/issues/{value.number}/comments",
        "review_comments": f"{own}/comments",
        "commits": f"{own}/commits",
        "statuses": f"{url}/statuses/{value.head_sha}",
    }


def _end(branch: str, sha: str, repo: Repo, base: str) -> Json:
    return {
        "label": f"{repo.owner}:{branch}",
        "ref": branch,
        "sha": sha,
        "user": render.organization(repo.owner, base),
        "repo": render.repository(repo, base),
    }


def pull_in_full(value: Pull, repo: Repo, base: str) -> Json:
    changed, offered = history.pull_files(repo, value), history.pull_commits(repo, value)
    mergeable = None if value.issue.closed_at else merging.mergeable(repo, value)
    comments = sum(one.number == value.number for one in repo.made.comments)
    return pull_json(value, repo, base) | {
        "merged": value.merged_at is not None,
        "mergeable": mergeable,
        "rebaseable": mergeable,
        "mergeable_state": {None: "unknown", True: "clean", False: "dirty"}[mergeable],
        "merged_by": user(value.merged_by, base) if value.merged_by else None,
        "maintainer_can_modify": False,
        "comments": comments,
        "review_comments": 0,
        "commits": len(offered),
        "additions": sum(change.additions for change in changed),
        "deletions": sum(change.deletions for change in changed),
        "changed_files": len(changed),
    }


def _person(login: str) -> Person:
    return Person(login, login)


_PULLS = "/repos/{owner}/{repo}/pulls"
_ONE = f"{_PULLS}/{{number:int}}"
ENDPOINTS = (
    Endpoint("GET", _PULLS, pulls),
    Endpoint("POST", _PULLS, create),
    Endpoint("GET", _ONE, pull),
    Endpoint("PATCH", _ONE, edit),
    Endpoint("GET", f"{_ONE}/files", files),
    Endpoint("GET", f"{_ONE}/commits", commits),
    Endpoint("GET", f"{_ONE}/comments", review_comments),
    Endpoint("GET", f"{_ONE}/reviews", reviews),
    Endpoint("POST", f"{_ONE}/reviews", create_review),
)
