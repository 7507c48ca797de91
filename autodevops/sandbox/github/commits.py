"""Commits and comparisons: what changed, when, by whom."""

from __future__ import annotations

from autodevops.sandbox.github import history, render
from autodevops.sandbox.github.calls import Answer, Call, Endpoint, Listing, found, in_media
from autodevops.sandbox.github.door import page
from autodevops.sandbox.github.patches import diff_text, patch_text
from autodevops.sandbox.github.pulls import pull_json
from autodevops.sandbox.github.refusals import Refusal, not_found
from autodevops.sandbox.github.render import Json

_COMMITS_A_PAGE = 250  # of a comparison, unless asked otherwise
_MOST_FILES = 300


def commits(call: Call) -> Answer:
    repo = call.repo
    if not repo.commits:
        raise Refusal(409, "Git Repository is empty.")
    head = history.resolve(repo, call.query("sha"))
    if head is None:
        raise not_found()
    since, until = call.moment("since"), call.moment("until")
    chosen = [
        commit
        for commit in history.reachable(repo, head)
        if history.touches(commit, call.query("path"))
        and history.within(commit, since, until)
        and history.written_by(commit, call.query("author"))
    ]
    return Listing(chosen, lambda commit: render.commit(commit, repo, call.base))


def commit(call: Call) -> Answer:
    repo = call.repo
    value = found(history.resolve(repo, call.path("ref")), call.path("ref"))
    before = history.before(value, repo)
    if call.wants("diff"):
        return in_media(diff_text(value.changes, before, value.files), "diff")
    if call.wants("patch"):
        return in_media(patch_text([(value, before)]), "patch")
    if call.wants("sha"):
        return in_media(value.sha, "sha")
    return render.commit(value, repo, call.base) | {
        "stats": render.stats(value.changes),
        "files": [render.file_change(change, value, repo, call.base) for change in value.changes[:_MOST_FILES]],
    }


def commit_pulls(call: Call) -> Answer:
    repo = call.repo
    value = found(history.resolve(repo, call.path("ref")), call.path("ref"))
    return Listing(history.pulls_with(repo, value.sha), lambda pull: pull_json(pull, repo, call.base))


def branches_where_head(call: Call) -> Answer:
    repo = call.repo
    value = found(history.resolve(repo, call.path("ref")), call.path("ref"))
    url = f"{render.api(repo, call.base)}/commits/{value.sha}"
    names = sorted(name for name, sha in repo.branches.items() if sha == value.sha)
    return Listing(
        [
            {"name": name, "commit": {"sha": value.sha, "url": url}, "protected": name == repo.default_branch}
            for name in names
        ]
    )


def compare(call: Call) -> Answer:
    repo, base = call.repo, call.base
    before, separator, after = call.path("basehead").partition("...")
    first, last = (history.resolve(repo, name.split(":")[-1]) for name in (before, after))
    if not separator or not before or not after or first is None or last is None:
        raise not_found()
    common = history.merge_base(repo, first, last)
    if common is None:
        raise Refusal(404, f"No common ancestor between {before} and {after}.")
    ahead, behind = history.between(repo, first, last)
    files = history.changed_files(common, ahead, last)
    if call.wants("diff"):
        return in_media(diff_text(files, common.files, last.files), "diff")
    if call.wants("patch"):
        return in_media(patch_text([(one, history.before(one, repo)) for one in ahead]), "patch")
    url, html = render.api(repo, base), f"{base}/{repo.full_name}"

    def wrap(shown: list[Json], total: int) -> Json:
        first_page = call.query("page", "1") in ("", "0", "1")
        return {
            "url": f"{url}/compare/{first.sha}...{last.sha}",
            "html_url": f"{html}/compare/{before}...{after}",
            "permalink_url": f"{html}/compare/{repo.owner}:{first.sha[:7]}...{repo.owner}:{last.sha[:7]}",
            "diff_url": f"{html}/compare/{before}...{after}.diff",
            "patch_url": f"{html}/compare/{before}...{after}.patch",
            "base_commit": render.commit(first, repo, base),
            "merge_base_commit": render.commit(common, repo, base),
            "status": _status(len(ahead), behind),
            "ahead_by": len(ahead),
            "behind_by": behind,
            "total_commits": total,
            "commits": shown,
            "files": [render.file_change(one, last, repo, base) for one in files[:_MOST_FILES]] if first_page else [],
        }

    return page(call, Listing(ahead, lambda one: render.commit(one, repo, base), wrap), usual=_COMMITS_A_PAGE)


def _status(ahead: int, behind: int) -> str:
    if ahead and behind:
        return "diverged"
    return "ahead" if ahead else "behind" if behind else "identical"


_REPO = "/repos/{owner}/{repo}"
ENDPOINTS = (
    Endpoint("GET", f"{_REPO}/commits", commits),
    Endpoint("GET", f"{_REPO}/commits/{{ref}}/pulls", commit_pulls),
    Endpoint("GET", f"{_REPO}/commits/{{ref}}/branches-where-head", branches_where_head),
    Endpoint("GET", f"{_REPO}/compare/{{basehead:path}}", compare),
    Endpoint("GET", f"{_REPO}/commits/{{ref:path}}", commit),
)
