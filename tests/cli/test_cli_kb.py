"""`autodevops kb` from a shell: added, listed, found, rated, removed, forgotten; what could not be added is named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cli.test_cli_usage import run


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "checkout.md").write_text("# Checkout\n\nRestart it with `make bounce`. password = hunter2secret99\n")
    (folder / "broken.pdf").write_bytes(b"junk")
    return folder


def test_a_folder_is_added_found_rated_and_removed(tmp_path: Path, docs: Path) -> None:
    added = run("kb", "add", str(docs), cwd=tmp_path)
    assert added.returncode == 1, added.stderr
    assert f"added {docs / 'checkout.md'} (1 passage)" in added.stdout
    assert "broken.pdf is no PDF that can be read" in added.stderr
    assert "Traceback" not in added.stderr

    found = json.loads(run("kb", "search", "make bounce", "--json", "--limit", "1", cwd=tmp_path).stdout)
    assert found[0]["source"] == str(docs / "checkout.md")
    assert "hunter2secret99" not in json.dumps(found)

    assert run("kb", "rate", found[0]["id"][:10], "up", cwd=tmp_path).stdout == "noted: up for Checkout\n"
    again = json.loads(run("kb", "search", "make bounce", "--json", "--limit", "1", cwd=tmp_path).stdout)
    assert "thumbs 1 up, 0 down" in again[0]["why"]

    assert run("kb", "remove", str(docs), cwd=tmp_path).returncode == 0
    listed = json.loads(run("kb", "list", "--json", cwd=tmp_path).stdout)
    assert [one["source"] for one in listed["sources"]] == ["Auto-DevOps handbook"]


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (["kb", "add", "no-such-file.md"], ["no-such-file.md"]),
        (["kb", "search", "  "], ["nothing to search for"]),
        (["kb", "search", "x", "--kind", "gossip"], ["'gossip'", "knowledge"]),
        (["kb", "remove", "/never/added"], ["/never/added", "kb list"]),
        (["kb", "forget"], ["not said what to forget", "--conversation"]),
        (["kb", "forget", "--kind", "knowledge"], ["'knowledge'", "conversation"]),
        (["kb", "rate", "abc", "maybe"], ["'maybe'", "up or down"]),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value[0], str) else None,
)
def test_wrong_usage_is_one_sentence_and_status_2(arguments: list[str], names: list[str], tmp_path: Path) -> None:
    done = run(*arguments, cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert all(name in done.stderr for name in names), done.stderr
