"""The world's repository: its history is the deploy history, and its diffs tell what the faults do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from autodevops.sandbox.github.app import create_app
from autodevops.sandbox.world.faults.effects import ExceptionText, Modifier
from autodevops.sandbox.world.git import PEOPLE, Commit, Repository, world_repositories
from autodevops.sandbox.world.logs import WorldLogs
from autodevops.sandbox.world.scenario import Scenario
from autodevops.sandbox.world.script import Release
from autodevops.sandbox.world.source import mistakes
from autodevops.sandbox.world.world import World

NOW = datetime(2026, 11, 24, 4, tzinfo=UTC)


def _world(scenario: Scenario | str = "bad-deploy") -> World:
    return World(scenario, 1, NOW, lambda: NOW)


def _releases(world: World, service: str) -> list[Release]:
    return [release for release in world.releases() if release.service == service]


def _repository(world: World) -> Repository:
    (repository,) = world_repositories(world)
    return repository


def _commit(repository: Repository, sha: str) -> Commit:
    return next(commit for commit in repository.commits if commit.sha == sha)


def _bad(world: World) -> Commit:
    rollout = _releases(world, "payment")[-1]
    assert rollout.version == "2.14.0"
    return _commit(_repository(world), rollout.commit)


@pytest.mark.parametrize("scenario", ["bad-deploy", "healthy", "recovered", "red-herring", "bad-deploy-latency"])
def test_every_release_has_its_commit_and_merged_pull_request(scenario: str) -> None:
    world = _world(scenario)
    repository = _repository(world)
    pulls = {pull.merge_commit: pull for pull in repository.pulls}
    shipped = [release for release in world.releases() if release.commit]
    assert shipped
    for release in shipped:
        commit = _commit(repository, release.commit)
        assert commit.at.timestamp() < release.at
        assert pulls[release.commit].merged_at == commit.at
        assert f"services/{release.service}/VERSION" in [change.path for change in commit.files]
        assert repository.trees[commit.sha][f"services/{release.service}/VERSION"] == f"{release.version}\n"


def test_history_is_one_line_of_distinct_commits_in_order() -> None:
    repository = _repository(_world())
    shas = [commit.sha for commit in repository.commits]
    assert len(set(shas)) == len(shas)
    assert [commit.parent for commit in repository.commits] == [*shas[1:], ""]
    times = [commit.at for commit in repository.commits]
    assert times == sorted(times, reverse=True)
    assert all(commit.files for commit in repository.commits)


def test_ordinary_commits_surround_the_deploys() -> None:
    world = _world()
    shipped = {release.commit for release in world.releases()}
    ordinary = [commit for commit in _repository(world).commits if commit.sha not in shipped]
    assert len(ordinary) >= 15
    assert {commit.author for commit in ordinary} <= set(PEOPLE)
    assert not any(change.path.endswith("VERSION") for commit in ordinary[:-1] for change in commit.files)


def test_nothing_merged_later_is_known_earlier() -> None:
    early = World("bad-deploy", 1, NOW, lambda: NOW - timedelta(hours=2))
    now, then = _repository(_world()), _repository(early)
    assert list(now.commits)[-len(then.commits) :] == list(then.commits)
    assert all(commit.at <= NOW - timedelta(hours=2) for commit in then.commits)


def test_bad_deploys_diff_drops_what_its_stack_trace_names() -> None:
    world = _world()
    commit = _bad(world)
    source = next(change for change in commit.files if change.path.endswith("PaymentHandler.java"))
    added = [line[1:].strip() for line in source.patch.splitlines() if line.startswith("+")]
    text = _repository(world).trees[commit.sha][source.path].splitlines()
    at = int(NOW.timestamp()) * 10**9
    stacks = [
        entry.line
        for stream in WorldLogs(world)(lambda labels: labels["app"] == "payment", at - 600 * 10**9, at)
        for entry in stream.entries
        if "NullPointerException" in entry.line
    ]
    number = int(stacks[0].partition("PaymentHandler.java:")[2].partition(")")[0])
    assert text[number - 1].strip() in added


def test_harmless_deploys_change_nothing_in_the_main_file() -> None:
    world = _world("healthy")
    changed = {change.path for commit in list(_repository(world).commits)[:-1] for change in commit.files}
    assert not any(
        path.endswith(("Handler.java", "handlers.py", "handler.go", "handler.js", "Handler.cs")) for path in changed
    )


def test_scenarios_own_pull_request_is_told_in_its_words() -> None:
    scenario = Scenario.model_validate(
        {
            "name": "own",
            "title": "own words",
            "truth": {"verdict": "explained"},
            "faults": [
                {
                    "kind": "deploy",
                    "target": "payment",
                    "onset": "-20m",
                    "parameters": {
                        "version": "2.14.0",
                        "pull_request": {
                            "title": "payment: ask the provider once",
                            "author": "mira-k",
                            "body": "One call is enough.",
                            "files": {
                                "services/payment/provider.yaml": (
                                    "@@ -1,2 +1,2 @@\n name: acquirer-eu\n-retries: 1\n+retries: 0"
                                )
                            },
                        },
                    },
                }
            ],
        }
    )
    world = _world(scenario)
    commit = _bad(world)
    assert commit.message.startswith("payment: ask the provider once (#")
    assert "One call is enough." in commit.message
    assert commit.author.login == "mira-k"
    assert {change.path: change.status for change in commit.files} == {
        "services/payment/provider.yaml": "modified",
        "services/payment/VERSION": "modified",
    }
    assert "retries: 0" in _repository(world).trees[commit.sha]["services/payment/provider.yaml"]


@pytest.mark.parametrize(
    ("modifiers", "expected"),
    [
        ([Modifier("a", 0, version="2", errors=0.3)], ("errors",)),
        ([Modifier("a", 0, version="2", latency_factor=3)], ("latency",)),
        (
            [Modifier("a", 0, version="2", latency_add=0.1), Modifier("a", 0, version="2", errors=0.1)],
            ("errors", "latency"),
        ),
        ([Modifier("a", 0, version="1", errors=0.3), Modifier("b", 0, version="2", errors=0.3)], ()),
        ([Modifier("a", 0, errors=0.3)], ()),
        (
            [Modifier("a", 0, version="2", errors=0.3, exception=ExceptionText(type="PoolError", message="timed out"))],
            ("limits",),
        ),
    ],
)
def test_mistakes_follow_from_what_the_version_does(modifiers: list[Modifier], expected: tuple[str, ...]) -> None:
    assert mistakes(modifiers, "a", "2") == expected


async def test_deployed_commit_is_found_over_the_wire() -> None:
    world = _world()
    transport = httpx.ASGITransport(app=create_app(world, token="t"))
    rollout = _releases(world, "payment")[-1]
    async with httpx.AsyncClient(
        transport=transport, base_url="http://github.test", headers={"Authorization": "Bearer t"}
    ) as client:
        pulls = (await client.get(f"/repos/acme/shop/commits/{rollout.commit}/pulls")).json()
        assert pulls[0]["merge_commit_sha"] == rollout.commit
        since = (NOW - timedelta(hours=1)).isoformat()
        recent = (await client.get("/repos/acme/shop/commits", params={"since": since})).json()
        assert [commit["sha"] for commit in recent] == [rollout.commit]
        before = _releases(world, "payment")[-2].commit
        compared = (await client.get(f"/repos/acme/shop/compare/{before}...{rollout.commit}")).json()
        assert "services/payment/VERSION" in [file["filename"] for file in compared["files"]]
