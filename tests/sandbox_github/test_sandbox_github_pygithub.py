"""PyGithub, which nobody here wrote, against a served sandbox."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from github import Auth, Github, GithubException, InputGitTreeElement, UnknownObjectException
from github.Repository import Repository

from autodevops.sandbox.serve import Sandbox

NOW = datetime(2026, 11, 24, 4, tzinfo=UTC)
HANDLER = "services/payment/src/main/java/com/acme/shop/PaymentHandler.java"


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox("bad-deploy", 1, NOW, systems=["github"]) as served:
        yield served


@pytest.fixture
def hub(sandbox: Sandbox) -> Iterator[Github]:
    client = Github(
        base_url=sandbox.addresses["github"],
        auth=Auth.Token(sandbox.token),
        retry=None,
        seconds_between_requests=0,
        seconds_between_writes=0,
    )
    yield client
    client.close()


@pytest.fixture
def shop(hub: Github) -> Repository:
    return hub.get_repo("acme/shop")


def bad_commit(sandbox: Sandbox) -> str:
    return [one.commit for one in sandbox.world.releases() if one.service == "payment"][-1]


def test_user_organization_and_repositories_are_found(hub: Github) -> None:
    assert hub.get_user().login == "acme-bot"
    assert [one.full_name for one in hub.get_user().get_repos()] == ["acme/shop"]
    assert [one.name for one in hub.get_organization("acme").get_repos()] == ["shop"]
    assert hub.search_repositories("shop org:acme").totalCount == 1
    assert hub.get_rate_limit().rate.limit == 5000


def test_history_reads_back_whole(sandbox: Sandbox, shop: Repository) -> None:
    commits = list(shop.get_commits())
    assert len(commits) == len({commit.sha for commit in commits}) > 30
    bad = shop.get_commit(bad_commit(sandbox))
    assert HANDLER in [file.filename for file in bad.files]
    assert bad.stats.total == sum(file.changes for file in bad.files)
    compared = shop.compare(bad.parents[0].sha, "main")
    assert compared.commits[0].sha == bad.sha
    assert [pull.merge_commit_sha for pull in bad.get_pulls()] == [bad.sha]
    assert {run.conclusion for run in bad.get_check_runs()} == {"success"}
    assert bad.get_combined_status().state == "pending"
    assert shop.get_workflow_runs(head_sha=bad.sha)[0].event == "push"
    assert shop.get_branch("main").commit.sha == commits[0].sha
    assert shop.get_git_tree("main", recursive=True).tree
    assert "shop" in shop.get_readme().decoded_content.decode()


def test_releases_deployments_and_tags_agree(shop: Repository) -> None:
    latest = shop.get_latest_release()
    assert shop.get_release(latest.tag_name).target_commitish == latest.target_commitish
    assert latest.tag_name in [tag.name for tag in shop.get_tags()]
    deployment = shop.get_deployments(ref=latest.tag_name)[0]
    assert [status.state for status in deployment.get_statuses()] == ["success", "in_progress"]
    assert shop.get_git_ref(f"tags/{latest.tag_name}").object.sha == latest.target_commitish


def test_revert_pull_request_by_contents_restores_the_files(sandbox: Sandbox, shop: Repository) -> None:
    bad = shop.get_commit(bad_commit(sandbox))
    before = bad.parents[0].sha
    shop.create_git_ref("refs/heads/revert-payment", shop.get_branch("main").commit.sha)
    for file in bad.files:
        old = shop.get_contents(file.filename, ref=before)
        new = shop.get_contents(file.filename, ref="revert-payment")
        assert not isinstance(old, list)
        assert not isinstance(new, list)
        shop.update_file(file.filename, f"Revert {file.filename}", old.decoded_content, new.sha, "revert-payment")
    pull = shop.create_pull("main", "revert-payment", title="Revert payment 2.14.0", body="See the incident.")
    assert pull.commits == len(list(bad.files))
    assert pull.mergeable
    reverted = {file.filename: (file.additions, file.deletions) for file in pull.get_files()}
    assert reverted == {file.filename: (file.deletions, file.additions) for file in bad.files}
    assert not pull.is_merged()
    assert pull.merge(merge_method="squash").merged
    assert shop.get_pull(pull.number).merged
    merged = shop.get_contents(HANDLER)
    assert not isinstance(merged, list)
    original = shop.get_contents(HANDLER, ref=before)
    assert not isinstance(original, list)
    assert merged.decoded_content == original.decoded_content
    assert shop.get_commits()[0].commit.message.startswith(f"Revert payment 2.14.0 (#{pull.number})")


def test_revert_branch_by_trees_and_commits_is_one_commit(sandbox: Sandbox, shop: Repository) -> None:
    bad = shop.get_commit(bad_commit(sandbox))
    head = shop.get_git_commit(shop.get_branch("main").commit.sha)
    before = shop.get_git_tree(bad.parents[0].sha, recursive=True)
    old = {entry.path: entry.sha for entry in before.tree}
    elements = [InputGitTreeElement(file.filename, "100644", "blob", sha=old.get(file.filename)) for file in bad.files]
    tree = shop.create_git_tree(elements, base_tree=head.tree)
    commit = shop.create_git_commit("Revert payment 2.14.0", tree, [head])
    shop.create_git_ref("refs/heads/revert-in-one", commit.sha)
    pull = shop.create_pull("main", "revert-in-one", title="Revert", body="")
    assert [one.sha for one in pull.get_commits()] == [commit.sha]
    assert {file.filename for file in pull.get_files()} == {file.filename for file in bad.files}
    pull.merge()
    newest = shop.get_commits()[0]
    assert [one.sha for one in newest.parents] == [head.sha, commit.sha]
    assert shop.get_git_tree("main").sha == tree.sha


def test_files_are_created_and_deleted_on_a_branch(shop: Repository) -> None:
    shop.create_git_ref("refs/heads/notes", shop.get_branch("main").commit.sha)
    made = shop.create_file("docs/notes.md", "Add notes", "no newline at the end", branch="notes")
    content = made["content"]
    assert "\\ No newline at end of file" in shop.compare("main", "notes").files[0].patch
    with pytest.raises(UnknownObjectException):
        shop.get_contents("docs/notes.md")
    shop.delete_file("docs/notes.md", "Remove notes", content.sha, branch="notes")
    compared = shop.compare("main", "notes")
    assert (compared.ahead_by, compared.behind_by, list(compared.files)) == (2, 0, [])
    shop.get_git_ref("heads/notes").delete()
    assert "notes" not in [branch.name for branch in shop.get_branches()]


def test_issue_lives_from_opening_to_closing(hub: Github, shop: Repository) -> None:
    issue = shop.create_issue("Payment fails", body="Since 03:40.", labels=["incident"])
    comment = issue.create_comment("Rolled back.")
    comment.edit("Rolled back at 04:10.")
    issue.add_to_labels("payment")
    issue.edit(state="closed", state_reason="completed")
    found = shop.get_issue(issue.number)
    assert (found.state, found.comments, [label.name for label in found.labels]) == (
        "closed", 1, ["incident", "payment"],
    )  # fmt: skip
    assert found.closed_by is not None
    assert [one.body for one in found.get_comments()] == ["Rolled back at 04:10."]
    assert [one.number for one in hub.search_issues("payment is:issue is:closed repo:acme/shop")] == [issue.number]


def test_review_and_status_of_a_pull_request_are_kept(shop: Repository) -> None:
    shop.create_git_ref("refs/heads/small", shop.get_branch("main").commit.sha)
    shop.create_file("docs/small.md", "Add", "text\n", branch="small")
    pull = shop.create_pull("main", "small", title="small", body="")
    pull.create_review(body="Looks right.", event="COMMENT")
    shop.get_commit(pull.head.sha).create_status("success", context="lint")
    assert [one.state for one in shop.get_pull(pull.number).get_reviews()] == ["COMMENTED"]
    assert shop.get_commit(pull.head.sha).get_combined_status().state == "success"
    pull.edit(state="closed")
    assert shop.get_pull(pull.number).state == "closed"
    assert [one.number for one in shop.get_pulls(state="closed", head="acme:small")] == [pull.number]


@pytest.mark.parametrize(
    ("base", "head", "said"),
    [("main", "same", "No commits between main and same"), ("main", "nowhere", "head"), ("nowhere", "main", "base")],
)
def test_pull_request_that_makes_no_sense_is_422(shop: Repository, base: str, head: str, said: str) -> None:
    shop.create_git_ref("refs/heads/same", shop.get_branch("main").commit.sha)
    with pytest.raises(GithubException) as refused:
        shop.create_pull(base, head, title="x", body="")
    assert refused.value.status == 422
    error = refused.value.data["errors"][0]
    assert said in (error.get("message"), error.get("field"))


def test_second_pull_request_from_one_branch_is_refused(shop: Repository) -> None:
    shop.create_git_ref("refs/heads/twice", shop.get_branch("main").commit.sha)
    shop.create_file("docs/twice.md", "Add", "text\n", branch="twice")
    shop.create_pull("main", "twice", title="once", body="")
    with pytest.raises(GithubException, match=r"A pull request already exists for acme:twice\."):
        shop.create_pull("main", "twice", title="twice", body="")


def test_stale_file_sha_is_409_and_missing_one_422(shop: Repository) -> None:
    with pytest.raises(GithubException) as stale:
        shop.update_file("README.md", "x", "text", "0" * 40)
    assert (stale.value.status, stale.value.message) == (409, f"README.md does not match {'0' * 40}")
    with pytest.raises(GithubException) as missing:
        shop.create_file("README.md", "x", "text")
    assert (missing.value.status, missing.value.message) == (422, 'Invalid request.\n\n"sha" wasn\'t supplied.')
