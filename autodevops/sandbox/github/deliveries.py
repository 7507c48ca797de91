"""What became of commits: releases, deployments and what a pipeline said of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from autodevops.sandbox.github import history, render
from autodevops.sandbox.github.calls import ROBOT, Answer, Call, Changed, Endpoint, Listing
from autodevops.sandbox.github.made import Made
from autodevops.sandbox.github.nouns import Deployment, DeploymentStatus
from autodevops.sandbox.github.refusals import Refusal, not_found, validation_failed
from autodevops.sandbox.github.render import Json, number_id, stamp, user
from autodevops.sandbox.github.view import Repo
from autodevops.sandbox.world.git import Release

_STATES = ("error", "failure", "inactive", "in_progress", "queued", "pending", "success")


def releases(call: Call) -> Answer:
    repo = call.repo
    return Listing(repo.world.releases, lambda one: _release(one, repo, call.base))


def latest_release(call: Call) -> Answer:
    repo = call.repo
    newest = max(repo.world.releases, key=lambda one: one.at, default=None)
    if newest is None:
        raise not_found()
    return _release(newest, repo, call.base)


def release_by_tag(call: Call) -> Answer:
    return _one_release(call, lambda one: one.tag == call.path("tag"))


def release(call: Call) -> Answer:
    return _one_release(call, lambda one: number_id("release", one.tag) == call.path("id"))


def _one_release(call: Call, wanted: Callable[[Release], bool]) -> Json:
    repo = call.repo
    found = next((one for one in repo.world.releases if wanted(one)), None)
    if found is None:
        raise not_found()
    return _release(found, repo, call.base)


def _release(value: Release, repo: Repo, base: str) -> Json:
    identity, url = number_id("release", value.tag), render.api(repo, base)
    return {
        "url": f"{url}/releases/{identity}",
        "assets_url": f"{url}/releases/{identity}/assets",
        "upload_url": f"{url}/releases/{identity}/assets{{?name,label}}",
        "html_url": f"{base}/{repo.full_name}/releases/tag/{value.tag}",
        "id": identity,
        "node_id": f"RE_{identity:08x}",
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
        "tarball_url": f"{url}/tarball/{value.tag}",
        "zipball_url": f"{url}/zipball/{value.tag}",
    }


def deployments(call: Call) -> Answer:
    repo = call.repo
    chosen = [
        one
        for one in repo.deployments
        if all(
            call.query(name, own) in ("", own)
            for name, own in (
                ("sha", one.sha), ("ref", one.ref), ("task", one.task), ("environment", one.environment),
            )
        )
    ]  # fmt: skip
    return Listing(chosen, lambda one: _deployment(one, repo, call.base))


def deployment(call: Call) -> Answer:
    repo = call.repo
    return _deployment(_find(repo, call.path("id")), repo, call.base)


def create_deployment(call: Call) -> Answer:
    ref, given = call.text("ref"), []

    def change(repo: Repo, made: Made) -> Made:
        commit = history.resolve(repo, ref)
        if commit is None:
            raise Refusal(422, f"No ref found for: {ref}")
        given.append(
            Deployment(
                id=number_id("deployment", repo.full_name, str(len(made.deployments))),
                sha=commit.sha,
                ref=ref,
                task=call.text("task", "deploy"),
                environment=call.text("environment", "production"),
                description=call.text("description", ""),
                payload=call.body.get("payload", {}),
                creator=ROBOT,
                at=call.now,
            )
        )
        return replace(made, deployments=(*made.deployments, given[-1]))

    repo = call.edit(change)
    return Changed(201, _deployment(given[-1], repo, call.base))


def statuses(call: Call) -> Answer:
    repo = call.repo
    parent = _find(repo, call.path("id"))
    return Listing(repo.deployment_statuses(parent), lambda one: _status(one, parent, repo, call.base))


def create_status(call: Call) -> Answer:
    state, given = call.text("state"), []
    if state not in _STATES:
        raise validation_failed("DeploymentStatus", "invalid", "state", value=state)

    def change(repo: Repo, made: Made) -> Made:
        parent = _find(repo, call.path("id"))
        identity = number_id("deployment status", str(parent.id), str(len(made.deployment_statuses)))
        given.append(DeploymentStatus(identity, parent.id, state, call.text("description", ""), ROBOT, call.now))
        return replace(made, deployment_statuses=(*made.deployment_statuses, given[-1]))

    repo = call.edit(change)
    return Changed(201, _status(given[-1], _find(repo, call.path("id")), repo, call.base))


def _find(repo: Repo, identity: int) -> Deployment:
    found = next((one for one in repo.deployments if one.id == identity), None)
    if found is None:
        raise not_found()
    return found


def _deployment(value: Deployment, repo: Repo, base: str) -> Json:
    url = f"{render.api(repo, base)}/deployments/{value.id}"
    statuses = repo.deployment_statuses(value)
    return {
        "url": url,
        "id": value.id,
        "node_id": f"DE_{value.id:08x}",
        "sha": value.sha,
        "ref": value.ref,
        "task": value.task,
        "payload": value.payload,
        "environment": value.environment,
        "original_environment": value.environment,
        "description": value.description or None,
        "creator": user(value.creator, base),
        "created_at": stamp(value.at),
        "updated_at": stamp(statuses[0].at if statuses else value.at),
        "statuses_url": f"{url}/statuses",
        "repository_url": render.api(repo, base),
        "transient_environment": False,
        "production_environment": value.environment == "production",
    }


def _status(value: DeploymentStatus, parent: Deployment, repo: Repo, base: str) -> Json:
    url = f"{render.api(repo, base)}/deployments/{parent.id}"
    return {
        "url": f"{url}/statuses/{value.id}",
        "id": value.id,
        "node_id": f"DES_{value.id:08x}",
        "state": value.state,
        "creator": user(value.creator, base),
        "description": value.description,
        "environment": parent.environment,
        "target_url": "",
        "log_url": "",
        "environment_url": "",
        "created_at": stamp(value.at),
        "updated_at": stamp(value.at),
        "deployment_url": url,
        "repository_url": render.api(repo, base),
    }


_REPO = "/repos/{owner}/{repo}"
_DEPLOYMENT = f"{_REPO}/deployments/{{id:int}}"
ENDPOINTS = (
    Endpoint("GET", f"{_REPO}/releases", releases),
    Endpoint("GET", f"{_REPO}/releases/latest", latest_release),
    Endpoint("GET", f"{_REPO}/releases/tags/{{tag:path}}", release_by_tag),
    Endpoint("GET", f"{_REPO}/releases/{{id:int}}", release),
    Endpoint("GET", f"{_REPO}/deployments", deployments),
    Endpoint("POST", f"{_REPO}/deployments", create_deployment),
    Endpoint("GET", _DEPLOYMENT, deployment),
    Endpoint("GET", f"{_DEPLOYMENT}/statuses", statuses),
    Endpoint("POST", f"{_DEPLOYMENT}/statuses", create_status),
)
