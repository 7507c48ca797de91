"""GitHub's REST API as it answers on the wire, over a small repository."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from autodevops.sandbox.github.app import application
from autodevops.sandbox.world.git import Shipment, build_repository

NOW = datetime(2026, 11, 24, 4, tzinfo=UTC)
GOOD, OTHER, BAD = "a" * 40, "c" * 40, "b" * 40
TOKEN = "let-me-in"
SHIPMENTS = [
    Shipment("payment", "python", "1.4.0", "1.3.2", GOOD, NOW - timedelta(days=3)),
    Shipment("cart", "go", "2.0.1", "2.0.0", OTHER, NOW - timedelta(days=2)),
    Shipment("payment", "python", "1.5.0", "1.4.0", BAD, NOW - timedelta(minutes=20), ("errors", "latency")),
]
REPOSITORY = build_repository(
    "acme", "shop", 1, {"payment": "python", "cart": "go"}, SHIPMENTS, NOW, NOW - timedelta(days=14)
)


def _app(rate_limit: int = 5000) -> Starlette:
    return application(lambda: [REPOSITORY], lambda: NOW, TOKEN, rate_limit)


def _client(app: Starlette, **headers: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://github.test", headers=headers)


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with _client(_app(), Authorization=f"Bearer {TOKEN}") as one:
        yield one


async def _json(client: httpx.AsyncClient, url: str, **params: Any) -> Any:
    response = await client.get(url, params=params)
    assert response.status_code == 200, response.text
    return response.json()


async def test_repository_names_itself(client: httpx.AsyncClient) -> None:
    repo = await _json(client, "/repos/Acme/Shop")
    assert (repo["full_name"], repo["default_branch"]) == ("acme/shop", "main")


async def test_commits_are_newest_first_and_have_githubs_shape(client: httpx.AsyncClient) -> None:
    commits = await _json(client, "/repos/acme/shop/commits")
    dates = [commit["commit"]["author"]["date"] for commit in commits]
    assert dates == sorted(dates, reverse=True)
    newest = commits[0]
    assert newest["sha"] == BAD
    assert newest["commit"]["message"].startswith("payment: ")
    assert newest["author"]["login"]
    assert newest["parents"][0]["sha"] == commits[1]["sha"]
    assert "files" not in newest


async def test_commits_by_path_time_and_author_narrow_the_list(client: httpx.AsyncClient) -> None:
    by_path = await _json(
        client, "/repos/acme/shop/commits", path="services/cart", since=(NOW - timedelta(days=3)).isoformat()
    )
    assert OTHER in [commit["sha"] for commit in by_path]
    assert BAD not in [commit["sha"] for commit in by_path]
    since = (NOW - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert [commit["sha"] for commit in await _json(client, "/repos/acme/shop/commits", since=since)] == [BAD]
    until = await _json(client, "/repos/acme/shop/commits", until=since)
    assert BAD not in [commit["sha"] for commit in until]
    author = until[0]["author"]["login"]
    written = await _json(client, "/repos/acme/shop/commits", author=author)
    assert written
    assert {commit["author"]["login"] for commit in written} == {author}


async def test_commits_of_a_sha_are_its_history(client: httpx.AsyncClient) -> None:
    commits = await _json(client, "/repos/acme/shop/commits", sha=GOOD)
    assert commits[0]["sha"] == GOOD
    assert {OTHER, BAD}.isdisjoint(commit["sha"] for commit in commits)


async def test_pages_are_linked_and_complete(client: httpx.AsyncClient) -> None:
    everything = [commit["sha"] for commit in await _json(client, "/repos/acme/shop/commits", per_page=100)]
    seen: list[str] = []
    url: str | None = "/repos/acme/shop/commits?per_page=4"
    while url:
        response = await client.get(url)
        seen += [commit["sha"] for commit in response.json()]
        url = response.links.get("next", {}).get("url")
    assert seen == everything
    assert len(everything) == len(REPOSITORY.commits)


async def test_commit_has_files_with_patches_that_add_up(client: httpx.AsyncClient) -> None:
    commit = await _json(client, f"/repos/acme/shop/commits/{BAD[:10]}")
    handlers = next(file for file in commit["files"] if file["filename"].endswith("handlers.py"))
    assert handlers["patch"].startswith("@@ ")
    assert '+    region = record["profile"]["region"]' in handlers["patch"]
    assert handlers["changes"] == handlers["additions"] + handlers["deletions"]
    assert commit["stats"]["total"] == sum(file["changes"] for file in commit["files"])


async def test_diff_media_type_gives_a_unified_diff(client: httpx.AsyncClient) -> None:
    response = await client.get(f"/repos/acme/shop/commits/{BAD}", headers={"Accept": "application/vnd.github.diff"})
    assert response.text.startswith("diff --git a/services/payment/")


async def test_unknown_commit_is_422_as_on_github(client: httpx.AsyncClient) -> None:
    response = await client.get("/repos/acme/shop/commits/deadbeefdead")
    assert response.status_code == 422
    assert response.json()["message"] == "No commit found for SHA: deadbeefdead"


async def test_commit_leads_to_its_merged_pull_request(client: httpx.AsyncClient) -> None:
    pulls = await _json(client, f"/repos/acme/shop/commits/{BAD}/pulls")
    assert [pull["merge_commit_sha"] for pull in pulls] == [BAD]
    assert pulls[0]["state"] == "closed"
    pull = await _json(client, f"/repos/acme/shop/pulls/{pulls[0]['number']}")
    assert pull["merged"] is True
    assert pull["merged_at"] == "2026-11-24T03:31:00Z"
    files = await _json(client, f"/repos/acme/shop/pulls/{pull['number']}/files")
    assert len(files) == pull["changed_files"]


async def test_compare_lists_what_lies_between(client: httpx.AsyncClient) -> None:
    compared = await _json(client, f"/repos/acme/shop/compare/{GOOD}...{BAD}")
    assert compared["status"] == "ahead"
    assert compared["commits"][-1]["sha"] == BAD
    assert OTHER in [commit["sha"] for commit in compared["commits"]]
    assert compared["total_commits"] == compared["ahead_by"] == len(compared["commits"])
    assert "services/cart/VERSION" in [file["filename"] for file in compared["files"]]
    back = await _json(client, f"/repos/acme/shop/compare/{BAD}...{GOOD}")
    assert (back["status"], back["ahead_by"], back["behind_by"]) == ("behind", 0, compared["ahead_by"])
    assert (await client.get(f"/repos/acme/shop/compare/{GOOD}...nowhere")).status_code == 404


async def test_pulls_filter_by_state_and_sort(client: httpx.AsyncClient) -> None:
    assert await _json(client, "/repos/acme/shop/pulls") == []
    closed = await _json(
        client, "/repos/acme/shop/pulls", state="closed", sort="updated", direction="desc", per_page=100
    )
    merged = [pull["merged_at"] for pull in closed]
    assert merged == sorted(merged, reverse=True)
    oldest = await _json(client, "/repos/acme/shop/pulls", state="all", direction="asc", per_page=1)
    assert oldest[0]["created_at"] == min(pull["created_at"] for pull in closed)
    assert (await client.get("/repos/acme/shop/pulls", params={"state": "merged"})).status_code == 422


async def test_contents_are_the_file_at_that_commit(client: httpx.AsyncClient) -> None:
    path = "/repos/acme/shop/contents/services/payment"
    assert {entry["name"] for entry in await _json(client, path)} >= {"VERSION", "src", "config.yaml"}
    texts = [
        base64.b64decode((await _json(client, f"{path}/VERSION", ref=ref))["content"]).decode()
        for ref in (GOOD, BAD, "main")
    ]
    assert texts == ["1.4.0\n", "1.5.0\n", "1.5.0\n"]
    assert (await client.get(f"{path}/nothing.py")).status_code == 404


async def test_releases_and_deployments_follow_the_rollouts(client: httpx.AsyncClient) -> None:
    releases = await _json(client, "/repos/acme/shop/releases")
    assert [release["tag_name"] for release in releases] == ["payment-v1.5.0", "cart-v2.0.1", "payment-v1.4.0"]
    deployments = await _json(client, "/repos/acme/shop/deployments", sha=BAD)
    assert [deployment["ref"] for deployment in deployments] == ["payment-v1.5.0"]
    statuses = await _json(client, f"/repos/acme/shop/deployments/{deployments[0]['id']}/statuses")
    assert statuses[0]["state"] == "success"


async def test_issue_is_created_commented_and_listed(client: httpx.AsyncClient) -> None:
    created = await client.post(
        "/repos/acme/shop/issues", json={"title": "Payment fails", "body": "See logs.", "labels": ["incident"]}
    )
    assert created.status_code == 201
    number = created.json()["number"]
    assert number > max(pull.number for pull in REPOSITORY.pulls)
    comment = await client.post(f"/repos/acme/shop/issues/{number}/comments", json={"body": "Rolled back."})
    assert comment.status_code == 201
    listed = await _json(client, "/repos/acme/shop/issues", labels="incident")
    assert [(issue["number"], issue["comments"]) for issue in listed] == [(number, 1)]
    comments = await _json(client, f"/repos/acme/shop/issues/{number}/comments")
    assert [one["body"] for one in comments] == ["Rolled back."]


async def test_issue_without_title_is_422(client: httpx.AsyncClient) -> None:
    response = await client.post("/repos/acme/shop/issues", json={"body": "no title"})
    assert response.status_code == 422
    assert response.json()["errors"][0]["field"] == "title"


@pytest.mark.parametrize("scheme", ["Bearer", "token", "bearer"])
async def test_both_token_schemes_are_accepted(scheme: str) -> None:
    async with _client(_app(), Authorization=f"{scheme} {TOKEN}") as client:
        assert (await client.get("/user")).status_code == 200


async def test_wrong_token_is_bad_credentials() -> None:
    async with _client(_app(), Authorization="Bearer wrong") as client:
        for path in ("/repos/acme/shop", "/user", "/rate_limit"):
            response = await client.get(path)
            assert response.status_code == 401
            assert response.json()["message"] == "Bad credentials"


async def test_private_repository_is_not_found_without_a_token() -> None:
    async with _client(_app()) as client:
        response = await client.get("/repos/acme/shop")
        assert (response.status_code, response.json()["message"]) == (404, "Not Found")
        assert (await client.get("/user")).json()["message"] == "Requires authentication"


@pytest.mark.parametrize(
    "path", ["/repos/acme/other", "/repos/acme/shop/pulls/1", "/nowhere", "/repos/acme/shop/issues/1"]
)
async def test_missing_things_are_not_found(client: httpx.AsyncClient, path: str) -> None:
    response = await client.get(path)
    assert response.status_code == 404
    assert response.json()["message"] == "Not Found"


async def test_unchanged_answer_is_304_and_free(client: httpx.AsyncClient) -> None:
    first = await client.get("/repos/acme/shop/commits")
    again = await client.get("/repos/acme/shop/commits", headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304
    assert again.content == b""
    assert again.headers["x-ratelimit-remaining"] == first.headers["x-ratelimit-remaining"]


async def test_rate_limit_is_counted_and_ends_in_403() -> None:
    async with _client(_app(rate_limit=3), Authorization=f"Bearer {TOKEN}") as client:
        remaining = [(await client.get("/user")).headers["x-ratelimit-remaining"] for _ in range(3)]
        assert remaining == ["2", "1", "0"]
        refused = await client.get("/user")
        assert refused.status_code == 403
        assert "rate limit exceeded" in refused.json()["message"]
        assert refused.headers["x-ratelimit-remaining"] == "0"
        core = (await client.get("/rate_limit")).json()["resources"]["core"]
        assert (core["limit"], core["remaining"]) == (3, 0)


async def test_patch_media_type_gives_a_mailbox_patch(client: httpx.AsyncClient) -> None:
    accept = {"Accept": "application/vnd.github.patch"}
    one = (await client.get(f"/repos/acme/shop/commits/{BAD}", headers=accept)).text
    assert one.startswith(f"From {BAD} Mon Sep 17 00:00:00 2001\nFrom: ")
    assert "\nSubject: [PATCH] payment: " in one
    assert "insertion" in one
    many = (await client.get(f"/repos/acme/shop/compare/{GOOD}...{BAD}", headers=accept)).text
    total = (await _json(client, f"/repos/acme/shop/compare/{GOOD}...{BAD}"))["total_commits"]
    assert many.count("Mon Sep 17 00:00:00 2001") == total
    assert f"[PATCH {total}/{total}]" in many


async def test_compare_pages_its_commits_and_gives_files_once(client: httpx.AsyncClient) -> None:
    url = f"/repos/acme/shop/compare/{GOOD}...{BAD}"
    whole = await _json(client, url)
    seen: list[str] = []
    response = await client.get(url, params={"per_page": 2})
    assert response.json()["files"] == whole["files"]
    while True:
        seen += [commit["sha"] for commit in response.json()["commits"]]
        following = response.links.get("next", {}).get("url")
        if following is None:
            break
        response = await client.get(following)
        assert response.json()["files"] == []
    assert seen == [commit["sha"] for commit in whole["commits"]]


async def test_branches_that_part_are_diverged(client: httpx.AsyncClient) -> None:
    body = {"ref": "refs/heads/side", "sha": GOOD}
    assert (await client.post("/repos/acme/shop/git/refs", json=body)).status_code == 201
    content = {"message": "Side", "content": base64.b64encode(b"x\n").decode(), "branch": "side"}
    assert (await client.put("/repos/acme/shop/contents/side.txt", json=content)).status_code == 201
    compared = await _json(client, "/repos/acme/shop/compare/main...side")
    ahead = (await _json(client, f"/repos/acme/shop/compare/{GOOD}...main"))["ahead_by"]
    assert (compared["status"], compared["ahead_by"], compared["behind_by"]) == ("diverged", 1, ahead)
    assert compared["merge_base_commit"]["sha"] == GOOD
    assert [file["filename"] for file in compared["files"]] == ["side.txt"]


async def test_unmodified_since_is_304(client: httpx.AsyncClient) -> None:
    first = await client.get(f"/repos/acme/shop/commits/{BAD}")
    assert first.headers["last-modified"] == "Tue, 24 Nov 2026 03:31:00 GMT"
    again = await client.get(
        f"/repos/acme/shop/commits/{BAD}", headers={"If-Modified-Since": first.headers["last-modified"]}
    )
    assert again.status_code == 304


async def test_answers_carry_githubs_headers(client: httpx.AsyncClient) -> None:
    first, second = await client.get("/user"), await client.get("/nowhere")
    for response in (first, second):
        assert response.headers["x-github-api-version-selected"] == "2022-11-28"
        assert response.headers["content-type"] == "application/json; charset=utf-8"
    assert first.headers["x-github-request-id"] != second.headers["x-github-request-id"]
    assert (await client.get("/user", headers={"X-GitHub-Api-Version": "1999-01-01"})).status_code == 400
    nameless = await client.get("/user", headers={"User-Agent": ""})
    assert (nameless.status_code, "make sure your request has a User-Agent" in nameless.text) == (403, True)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"ref": "refs/heads/x"}, 'Invalid request.\n\n"sha" wasn\'t supplied.'),
        ({}, 'Invalid request.\n\n"ref", "sha" weren\'t supplied.'),
        ({"ref": "x", "sha": GOOD}, "Reference name must start with 'refs/' and contain at least two slashes."),
        ({"ref": "refs/heads/main", "sha": GOOD}, "Reference already exists"),
        ({"ref": "refs/heads/new", "sha": "0" * 40}, "Object does not exist"),
        ({"ref": "refs/heads/a..b", "sha": GOOD}, "refs/heads/a..b is not a valid ref name."),
    ],
)
async def test_wrong_refs_are_422(client: httpx.AsyncClient, body: dict[str, str], said: str) -> None:
    response = await client.post("/repos/acme/shop/git/refs", json=body)
    assert (response.status_code, response.json()["message"]) == (422, said)


async def test_branch_moves_forward_only_unless_forced(client: httpx.AsyncClient) -> None:
    await client.post("/repos/acme/shop/git/refs", json={"ref": "refs/heads/move", "sha": BAD})
    url = "/repos/acme/shop/git/refs/heads/move"
    refused = await client.patch(url, json={"sha": GOOD})
    assert (refused.status_code, refused.json()["message"]) == (422, "Update is not a fast forward")
    assert (await client.patch(url, json={"sha": GOOD, "force": True})).json()["object"]["sha"] == GOOD
    assert (await client.patch(url, json={"sha": BAD})).status_code == 200
    assert (await client.delete(url)).status_code == 204
    assert (await client.delete(url)).json()["message"] == "Reference does not exist"


async def test_worlds_later_commits_go_on_top_of_what_a_client_merged() -> None:
    later = Shipment("cart", "go", "2.1.0", "2.0.1", "d" * 40, NOW + timedelta(hours=1))
    languages: dict[str, Any] = {"payment": "python", "cart": "go"}
    since = NOW - timedelta(days=14)
    moment = [NOW]

    def repositories() -> list[Any]:
        return [build_repository("acme", "shop", 1, languages, [*SHIPMENTS, later], moment[0], since)]

    app = application(repositories, lambda: moment[0], TOKEN)
    async with _client(app, Authorization=f"Bearer {TOKEN}") as client:
        issue = (await client.post("/repos/acme/shop/issues", json={"title": "mine"})).json()["number"]
        body = {"message": "By hand", "content": base64.b64encode(b"x\n").decode()}
        mine = (await client.put("/repos/acme/shop/contents/hand.txt", json=body)).json()["commit"]["sha"]
        moment[0] = NOW + timedelta(hours=2)
        commits = [one["sha"] for one in await _json(client, "/repos/acme/shop/commits", since=NOW.isoformat())]
        assert commits.index(later.sha) < commits.index(mine)
        assert (await _json(client, "/repos/acme/shop/contents/hand.txt"))["type"] == "file"
        shipped = await _json(client, f"/repos/acme/shop/commits/{later.sha}")
        assert shipped["files"]
        assert "hand.txt" not in [file["filename"] for file in shipped["files"]]
        pulls = await _json(client, f"/repos/acme/shop/commits/{later.sha}/pulls")
        assert pulls[0]["number"] > issue
        assert f"(#{pulls[0]['number']})" in shipped["commit"]["message"]


async def test_conflicting_pull_request_is_not_mergeable(client: httpx.AsyncClient) -> None:
    await client.post("/repos/acme/shop/git/refs", json={"ref": "refs/heads/clash", "sha": GOOD})
    old = await _json(client, "/repos/acme/shop/contents/services/payment/VERSION", ref=GOOD)
    body = {
        "message": "Other version", "content": base64.b64encode(b"9.9.9\n").decode(), "branch": "clash",
        "sha": old["sha"],
    }  # fmt: skip
    await client.put("/repos/acme/shop/contents/services/payment/VERSION", json=body)
    created = await client.post("/repos/acme/shop/pulls", json={"title": "c", "head": "clash", "base": "main"})
    assert (created.json()["mergeable"], created.json()["mergeable_state"]) == (False, "dirty")
    merged = await client.put(f"/repos/acme/shop/pulls/{created.json()['number']}/merge", json={})
    assert (merged.status_code, merged.json()["message"]) == (405, "Pull Request is not mergeable")
