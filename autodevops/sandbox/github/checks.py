"""What machines say of a commit: statuses that clients set, and the continuous integration's workflow runs and checks.

The world's pipeline has one workflow with two jobs; it looks at every commit a few minutes long and finds nothing wrong
(a fault that its tests had caught would not have been deployed).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from autodevops.sandbox.basics.hashing import uniform
from autodevops.sandbox.github import history, render
from autodevops.sandbox.github.calls import ROBOT, Answer, Call, Changed, Endpoint, Listing, found
from autodevops.sandbox.github.made import Made
from autodevops.sandbox.github.nouns import Commit, CommitStatus
from autodevops.sandbox.github.refusals import not_found, validation_failed
from autodevops.sandbox.github.render import Json, number_id, stamp, user
from autodevops.sandbox.github.view import Repo
from autodevops.sandbox.world.git import Person

_JOBS = ("build", "test")
_STATES = ("error", "failure", "pending", "success")
_WORKFLOW = "ci"


@dataclass(frozen=True)
class _Run:
    """One job, or all of them: `ended` is None while it runs."""

    id: int
    name: str
    commit: Commit
    started: datetime
    ended: datetime | None


def _job(name: str, commit: Commit, now: datetime) -> _Run:
    started = commit.at + timedelta(seconds=4 + 8 * uniform("queue", name, commit.sha))
    ended = started + timedelta(minutes=2 + 4 * uniform("job", name, commit.sha))
    return _Run(number_id("check", name, commit.sha), name, commit, started, ended if ended <= now else None)


def _jobs(commit: Commit, now: datetime) -> list[_Run]:
    return [one for name in _JOBS if (one := _job(name, commit, now)).started <= now]


def _workflow_run(commit: Commit, now: datetime) -> _Run | None:
    jobs = _jobs(commit, now)
    if not jobs:
        return None
    ends = [one.ended for one in jobs if one.ended]
    return _Run(
        number_id("run", commit.sha),
        _WORKFLOW,
        commit,
        min(one.started for one in jobs),
        max(ends) if len(ends) == len(_JOBS) else None,
    )


def check_runs(call: Call) -> Answer:
    repo = call.repo
    commit = found(history.resolve(repo, call.path("ref")), call.path("ref"))
    name = call.query("check_name")
    chosen = [one for one in _jobs(commit, call.now) if name in ("", one.name)]

    def wrap(shown: list[Json], total: int) -> Json:
        return {"total_count": total, "check_runs": shown}

    return Listing(chosen, lambda one: _check(one, repo, call.base), wrap)


def _check(value: _Run, repo: Repo, base: str) -> Json:
    return _progress(value) | {
        "id": value.id,
        "node_id": f"CR_{value.id:08x}",
        "name": value.name,
        "head_sha": value.commit.sha,
        "external_id": "",
        "url": f"{render.api(repo, base)}/check-runs/{value.id}",
        "html_url": f"{base}/{repo.full_name}/runs/{value.id}",
        "details_url": f"{base}/{repo.full_name}/runs/{value.id}",
        "started_at": stamp(value.started),
        "completed_at": stamp(value.ended),
        "output": {"title": None, "summary": None, "text": None, "annotations_count": 0, "annotations_url": ""},
        "app": {"id": 15368, "slug": "github-actions", "name": "GitHub Actions"},
        "pull_requests": [],
    }


def _progress(value: _Run) -> Json:
    done = value.ended is not None
    return {"status": "completed" if done else "in_progress", "conclusion": "success" if done else None}


def workflow_runs(call: Call) -> Answer:
    repo = call.repo
    branch, sha, status = call.query("branch"), call.query("head_sha"), call.query("status")
    tips = [branch] if branch else sorted(repo.branches)
    commits = {
        commit.sha: commit
        for name in tips
        if name in repo.branches
        for commit in history.reachable(repo, repo.commits[repo.branches[name]])
    }
    runs = [run for commit in commits.values() if (run := _workflow_run(commit, call.now)) is not None]
    chosen = [
        run
        for run in sorted(runs, key=lambda one: one.started, reverse=True)
        if sha in ("", run.commit.sha) and status in ("", *_progress(run).values())
    ]

    def wrap(shown: list[Json], total: int) -> Json:
        return {"total_count": total, "workflow_runs": shown}

    return Listing(chosen, lambda one: _workflow(one, repo, call.base), wrap)


def workflow_run(call: Call) -> Answer:
    repo = call.repo
    for commit in repo.commits.values():
        if number_id("run", commit.sha) == call.path("id"):
            run = _workflow_run(commit, call.now)
            if run is not None:
                return _workflow(run, repo, call.base)
    raise not_found()


def _workflow(value: _Run, repo: Repo, base: str) -> Json:
    commit = value.commit
    ordered = sorted(repo.commits.values(), key=lambda one: (one.at, one.sha))
    main = history.resolve(repo, repo.default_branch)
    on_main = main is not None and commit.sha in {one.sha for one in history.reachable(repo, main)}
    branch = next((name for name, sha in repo.branches.items() if sha == commit.sha), None)
    person = Person(commit.author.login, commit.author.name)
    url = f"{render.api(repo, base)}/actions/runs/{value.id}"
    return _progress(value) | {
        "id": value.id,
        "node_id": f"WFR_{value.id:08x}",
        "name": _WORKFLOW,
        "path": ".github/workflows/ci.yml",
        "display_title": commit.message.partition("\n")[0],
        "run_number": ordered.index(commit) + 1 if commit in ordered else 1,
        "run_attempt": 1,
        "event": "push" if on_main else "pull_request",
        "head_branch": branch or (repo.default_branch if on_main else None),
        "head_sha": commit.sha,
        "workflow_id": number_id("workflow", _WORKFLOW),
        "url": url,
        "html_url": f"{base}/{repo.full_name}/actions/runs/{value.id}",
        "jobs_url": f"{url}/jobs",
        "actor": user(person, base),
        "triggering_actor": user(person, base),
        "created_at": stamp(value.started),
        "run_started_at": stamp(value.started),
        "updated_at": stamp(value.ended or value.started),
        "pull_requests": [],
    }


# --- statuses ---


def statuses(call: Call) -> Answer:
    """Newest first."""
    repo = call.repo
    commit = found(history.resolve(repo, call.path("ref")), call.path("ref"))
    own = [one for one in reversed(repo.made.statuses) if one.sha == commit.sha]
    return Listing(own, lambda one: _status(one, repo, call.base))


def combined(call: Call) -> Answer:
    """The newest status of each context, and the worst of them."""
    repo, base = call.repo, call.base
    commit = found(history.resolve(repo, call.path("ref")), call.path("ref"))
    newest = {one.context: one for one in repo.made.statuses if one.sha == commit.sha}
    states = {one.state for one in newest.values()}
    state = "failure" if states & {"failure", "error"} else "success" if states == {"success"} else "pending"
    url = render.api(repo, base)
    return {
        "state": state,
        "statuses": [_status(one, repo, base) for one in newest.values()],
        "sha": commit.sha,
        "total_count": len(newest),
        "repository": render.repository(repo, base),
        "commit_url": f"{url}/commits/{commit.sha}",
        "url": f"{url}/commits/{commit.sha}/status",
    }


def create_status(call: Call) -> Answer:
    state, given = call.text("state"), []
    if state not in _STATES:
        raise validation_failed("Status", "custom", "state", message="state is not included in the list")

    def change(repo: Repo, made: Made) -> Made:
        commit = found(repo.commits.get(call.path("sha")), call.path("sha"))
        given.append(
            CommitStatus(
                id=number_id("status", commit.sha, str(len(made.statuses))),
                sha=commit.sha,
                state=state,
                context=call.text("context", "default"),
                description=call.text("description", ""),
                target_url=call.text("target_url", ""),
                creator=ROBOT,
                at=call.now,
            )
        )
        return replace(made, statuses=(*made.statuses, given[-1]))

    repo = call.edit(change)
    return Changed(201, _status(given[-1], repo, call.base))


def _status(value: CommitStatus, repo: Repo, base: str) -> Json:
    return {
        "url": f"{render.api(repo, base)}/statuses/{value.sha}",
        "id": value.id,
        "node_id": f"SC_{value.id:08x}",
        "state": value.state,
        "context": value.context,
        "description": value.description or None,
        "target_url": value.target_url or None,
        "creator": user(value.creator, base),
        "created_at": stamp(value.at),
        "updated_at": stamp(value.at),
    }


_REPO = "/repos/{owner}/{repo}"
ENDPOINTS = (
    Endpoint("GET", f"{_REPO}/commits/{{ref}}/check-runs", check_runs),
    Endpoint("GET", f"{_REPO}/commits/{{ref}}/status", combined),
    Endpoint("GET", f"{_REPO}/commits/{{ref}}/statuses", statuses),
    Endpoint("POST", f"{_REPO}/statuses/{{sha}}", create_status),
    Endpoint("GET", f"{_REPO}/actions/runs", workflow_runs),
    Endpoint("GET", f"{_REPO}/actions/runs/{{id:int}}", workflow_run),
)
