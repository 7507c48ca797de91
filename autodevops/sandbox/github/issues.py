"""Issues, their comments and labels. Pull requests are issues too: they are listed, labelled and commented here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from autodevops.sandbox.github import render
from autodevops.sandbox.github.calls import ROBOT, Answer, Call, Changed, Endpoint, Listing
from autodevops.sandbox.github.made import Made
from autodevops.sandbox.github.nouns import Comment, Issue, Pull
from autodevops.sandbox.github.refusals import Refusal, not_found, validation_failed
from autodevops.sandbox.github.render import Json, number_id, stamp, user
from autodevops.sandbox.github.view import Repo
from autodevops.sandbox.world.git import Person

Held = Issue | Pull


def everything(repo: Repo) -> list[Held]:
    return [*repo.issues, *repo.pulls]


def issues(call: Call) -> Answer:
    repo, query = call.repo, call.query
    state, sort = query("state", "open"), query("sort", "created")
    for field, value, known in (
        ("state", state, ("open", "closed", "all")),
        ("sort", sort, ("created", "updated", "comments")),
    ):
        if value not in known:
            raise validation_failed("Issue", "invalid", field, value=value)
    labels, since = {name for name in query("labels").split(",") if name}, call.moment("since")
    chosen = [
        one
        for one in everything(repo)
        if state in ("all", of(one).state)
        and labels <= set(of(one).labels)
        and (since is None or of(one).updated_at >= since)
        and query("creator", of(one).author.login) == of(one).author.login
        and (not query("assignee") or query("assignee") in of(one).assignees)
    ]
    counts = _comment_counts(repo)
    keys: dict[str, Callable[[Issue], object]] = {
        "created": lambda issue: issue.created_at,
        "updated": lambda issue: issue.updated_at,
        "comments": lambda issue: counts.get(issue.number, 0),
    }
    chosen.sort(key=lambda one: (keys[sort](of(one)), one.number), reverse=query("direction", "desc") == "desc")
    return Listing(chosen, lambda one: issue_json(one, repo, call.base))


def issue(call: Call) -> Answer:
    repo = call.repo
    return issue_json(find(repo, call.path("number")), repo, call.base)


def create(call: Call) -> Answer:
    title = call.text("title", "")
    if not title.strip():
        raise validation_failed("Issue", "missing_field", "title")
    labels, assignees, given = call.texts("labels") or (), call.texts("assignees") or (), []

    def change(repo: Repo, made: Made) -> Made:
        number = repo.next_number
        given.append(number)
        value = Issue(number, title, call.text("body", ""), ROBOT, call.now, call.now, labels, assignees)
        return replace(
            made,
            numbers=made.numbers | {number},
            issues={**made.issues, number: value},
            labels=made.labels | set(labels),
        )

    repo = call.edit(change)
    return Changed(201, issue_json(find(repo, given[-1]), repo, call.base))


def edit(call: Call) -> Answer:
    state, reason = call.text("state", ""), call.text("state_reason", "")
    if state not in ("", "open", "closed"):
        raise validation_failed("Issue", "invalid", "state", value=state)
    labels, assignees = call.texts("labels"), call.texts("assignees")

    def change(old: Issue) -> Issue:
        closed, by = old.closed_at, old.closed_by
        if state == "open":
            closed, by = None, None
        elif state == "closed" and closed is None:
            closed, by = call.now, ROBOT
        return replace(
            old,
            title=call.text("title", old.title),
            body=call.text("body", old.body),
            labels=old.labels if labels is None else labels,
            assignees=old.assignees if assignees is None else assignees,
            closed_at=closed,
            closed_by=by,
            reason=(reason or "completed") if closed else "reopened" if old.closed_at else "",
            updated_at=call.now,
        )

    repo = _change(call, change)
    return issue_json(find(repo, call.path("number")), repo, call.base)


def _change(call: Call, change: Callable[[Issue], Issue]) -> Repo:
    """The issue of the path, or the issue side of its pull request, changed."""

    def edited(repo: Repo, made: Made) -> Made:
        held = find(repo, call.path("number"))
        new = change(of(held))
        made = replace(made, labels=made.labels | set(new.labels))
        if isinstance(held, Pull):
            return replace(made, pulls={**made.pulls, held.number: replace(held, issue=new)})
        return replace(made, issues={**made.issues, held.number: new})

    return call.edit(edited)


# --- comments ---


def comments(call: Call) -> Answer:
    repo = call.repo
    number, since = find(repo, call.path("number")).number, call.moment("since")
    chosen = [one for one in repo.made.comments if one.number == number and (since is None or one.updated_at >= since)]
    return Listing(chosen, lambda one: _comment(one, repo, call.base))


def create_comment(call: Call) -> Answer:
    text, number, given = call.text("body", ""), call.path("number"), []
    if not text.strip():
        raise validation_failed("IssueComment", "missing_field", "body")

    def change(repo: Repo, made: Made) -> Made:
        find(repo, number)
        identity = number_id("comment", repo.full_name, str(number), str(len(made.comments)))
        given.append(Comment(identity, number, ROBOT, text, call.now, call.now))
        return replace(made, comments=(*made.comments, given[-1]))

    call.edit(change)
    repo = _change(call, lambda old: replace(old, updated_at=call.now))
    return Changed(201, _comment(given[-1], repo, call.base))


def comment(call: Call) -> Answer:
    repo = call.repo
    return _comment(_find_comment(repo, call.path("id")), repo, call.base)


def edit_comment(call: Call) -> Answer:
    text = call.text("body")

    def change(repo: Repo, made: Made) -> Made:
        old = _find_comment(repo, call.path("id"))
        new = replace(old, body=text, updated_at=call.now)
        return replace(made, comments=tuple(new if one is old else one for one in made.comments))

    repo = call.edit(change)
    return _comment(_find_comment(repo, call.path("id")), repo, call.base)


def delete_comment(call: Call) -> Answer:
    def change(repo: Repo, made: Made) -> Made:
        old = _find_comment(repo, call.path("id"))
        return replace(made, comments=tuple(one for one in made.comments if one is not old))

    call.edit(change)
    return Changed(204)


def _find_comment(repo: Repo, identity: int) -> Comment:
    found = next((one for one in repo.made.comments if one.id == identity), None)
    if found is None:
        raise not_found()
    return found


# --- labels ---


def repository_labels(call: Call) -> Answer:
    repo = call.repo
    used = {name for one in everything(repo) for name in of(one).labels}
    return Listing(sorted(used | repo.made.labels), lambda name: render.label(name, repo, call.base))


def create_label(call: Call) -> Answer:
    name = call.text("name")

    def change(repo: Repo, made: Made) -> Made:
        if name in made.labels or any(name in of(one).labels for one in everything(repo)):
            raise validation_failed("Label", "already_exists", "name")
        return replace(made, labels=made.labels | {name})

    repo = call.edit(change)
    return Changed(201, render.label(name, repo, call.base))


def labels(call: Call) -> Answer:
    repo = call.repo
    return Listing(of(find(repo, call.path("number"))).labels, lambda name: render.label(name, repo, call.base))


def add_labels(call: Call) -> Answer:
    return _labelled(call, lambda old: (*old, *(name for name in call.texts("labels") or () if name not in old)))


def set_labels(call: Call) -> Answer:
    return _labelled(call, lambda old: call.texts("labels") or ())


def remove_labels(call: Call) -> Answer:
    _labelled(call, lambda old: ())
    return Changed(204)


def remove_label(call: Call) -> Answer:
    name = call.path("name")
    if name not in of(find(call.repo, call.path("number"))).labels:
        raise Refusal(404, "Label does not exist")
    return _labelled(call, lambda old: tuple(one for one in old if one != name))


def _labelled(call: Call, change: Callable[[tuple[str, ...]], tuple[str, ...]]) -> Changed:
    repo = _change(call, lambda old: replace(old, labels=change(old.labels), updated_at=call.now))
    return Changed(200, [render.label(name, repo, call.base) for name in of(find(repo, call.path("number"))).labels])


# --- as JSON ---


def of(held: Held) -> Issue:
    return held.issue if isinstance(held, Pull) else held


def find(repo: Repo, number: int) -> Held:
    for one in everything(repo):
        if one.number == number:
            return one
    raise not_found()


def _comment_counts(repo: Repo) -> dict[int, int]:
    counts: dict[int, int] = {}
    for one in repo.made.comments:
        counts[one.number] = counts.get(one.number, 0) + 1
    return counts


def issue_json(held: Held, repo: Repo, base: str) -> Json:
    """A pull request has `pull_request` in it: that is how GitHub tells them apart."""
    issue, url, page = of(held), render.api(repo, base), f"{base}/{repo.full_name}"
    kind = "pull" if isinstance(held, Pull) else "issues"
    own = f"{url}/issues/{issue.number}"
    document: Json = {
        "id": number_id("issue", repo.full_name, str(issue.number)),
        "node_id": f"I_{number_id('issue', repo.full_name, str(issue.number)):08x}",
        "url": own,
        "repository_url": url,
        "labels_url": f"{own}/labels{{/name}}",
        "comments_url": f"{own}/comments",
        "events_url": f"{own}/events",
        "html_url": f"{page}/{kind}/{issue.number}",
        "number": issue.number,
        "state": issue.state,
        "state_reason": issue.reason or None,
        "locked": False,
        "active_lock_reason": None,
        "title": issue.title,
        "body": issue.body or None,
        "user": user(issue.author, base),
        "labels": [render.label(name, repo, base) for name in issue.labels],
        "assignee": user(Person(issue.assignees[0], issue.assignees[0]), base) if issue.assignees else None,
        "assignees": [user(Person(login, login), base) for login in issue.assignees],
        "milestone": None,
        "comments": _comment_counts(repo).get(issue.number, 0),
        "created_at": stamp(issue.created_at),
        "updated_at": stamp(issue.updated_at),
        "closed_at": stamp(issue.closed_at),
        "closed_by": user(issue.closed_by, base) if issue.closed_by else None,
        "author_association": "MEMBER",
    }
    if isinstance(held, Pull):
        address = f"{page}/pull/{issue.number}"
        document["draft"] = held.draft
        document["pull_request"] = {
            "url": f"{url}/pulls/{issue.number}",
            "html_url": address,
            "diff_url": f"{address}.diff",
            "patch_url": f"{address}.patch",
            "merged_at": stamp(held.merged_at),
        }
    return document


def _comment(value: Comment, repo: Repo, base: str) -> Json:
    url = render.api(repo, base)
    return {
        "id": value.id,
        "node_id": f"IC_{value.id:08x}",
        "url": f"{url}/issues/comments/{value.id}",
        "html_url": f"{base}/{repo.full_name}/issues/{value.number}#issuecomment-{value.id}",
        "issue_url": f"{url}/issues/{value.number}",
        "body": value.body,
        "user": user(value.author, base),
        "author_association": "MEMBER",
        "created_at": stamp(value.created_at),
        "updated_at": stamp(value.updated_at),
    }


_REPO = "/repos/{owner}/{repo}"
_ONE = f"{_REPO}/issues/{{number:int}}"
_COMMENT = f"{_REPO}/issues/comments/{{id:int}}"
ENDPOINTS = (
    Endpoint("GET", f"{_REPO}/issues", issues),
    Endpoint("POST", f"{_REPO}/issues", create),
    Endpoint("GET", _COMMENT, comment),
    Endpoint("PATCH", _COMMENT, edit_comment),
    Endpoint("DELETE", _COMMENT, delete_comment),
    Endpoint("GET", _ONE, issue),
    Endpoint("PATCH", _ONE, edit),
    Endpoint("GET", f"{_ONE}/comments", comments),
    Endpoint("POST", f"{_ONE}/comments", create_comment),
    Endpoint("GET", f"{_ONE}/labels", labels),
    Endpoint("POST", f"{_ONE}/labels", add_labels),
    Endpoint("PUT", f"{_ONE}/labels", set_labels),
    Endpoint("DELETE", f"{_ONE}/labels", remove_labels),
    Endpoint("DELETE", f"{_ONE}/labels/{{name}}", remove_label),
    Endpoint("GET", f"{_REPO}/labels", repository_labels),
    Endpoint("POST", f"{_REPO}/labels", create_label),
)
