"""What is read from files, folders and addresses, what is refused, and that each stands by itself."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from knowledge.pages import pdf_of, served

from autodevops.kernel.errors import UsageError
from autodevops.knowledge import places
from autodevops.knowledge.places import Read, Unread, read, source_of
from autodevops.knowledge.sections import LONGEST, documents_of, pages

NOW = datetime(2026, 11, 24, 3, 45, tzinfo=UTC)
NOTEBOOK = {
    "cells": [
        {"cell_type": "markdown", "id": "a", "metadata": {}, "source": "# Failover\n\nCall the DBA."},
        {"cell_type": "code", "id": "b", "metadata": {}, "source": "promote()", "execution_count": 1,
         "outputs": [{"output_type": "stream", "name": "stdout", "text": "customer data"}]},
    ],
    "metadata": {}, "nbformat": 4, "nbformat_minor": 5,
}  # fmt: skip


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    with served() as address:
        yield address


def only(place: str | Path) -> Read | Unread:
    (found,) = read(str(place), now=NOW)
    return found


def refused(place: str) -> None:
    for found in read(place, now=NOW):
        if isinstance(found, Unread):
            raise found.error


def texts(found: Read | Unread) -> str:
    assert isinstance(found, Read), found
    return "\n".join(one.text for one in found.documents)


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("a.md", b"# Failover\n\nCall the DBA.", "Call the DBA."),
        ("a.txt", "\ufeffCall the DBA.".encode(), "Call the DBA."),
        ("a.ipynb", json.dumps(NOTEBOOK).encode(), "```python\npromote()\n```"),
        ("a.html", b"<h1>Failover</h1><p>Call the <b>DBA</b>.</p>", "Call the **DBA**."),
        ("a.pdf", pdf_of("Call the DBA."), "Call the DBA."),
    ],
)
def test_files_of_each_kind_are_read(tmp_path: Path, name: str, data: bytes, said: str) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    found = only(path)
    assert said in texts(found)
    assert isinstance(found, Read)
    assert found.source == str(path)
    assert {one.source for one in found.documents} == {str(path)}
    assert all(one.kind == "knowledge" and one.at == NOW for one in found.documents)


def test_outputs_of_a_notebook_are_no_knowledge(tmp_path: Path) -> None:
    (tmp_path / "a.ipynb").write_text(json.dumps(NOTEBOOK))
    assert "customer data" not in texts(only(tmp_path / "a.ipynb"))


@pytest.mark.parametrize(
    ("name", "data", "why"),
    [
        ("a.md", b"", "has no text in it"),
        ("a.txt", b"a\0b", "null bytes"),
        ("a.md", b"caf\xe9", "not text in UTF-8"),
        ("a.ipynb", b'{"cells": 3}', "is no notebook"),
        ("a.ipynb", b"not json", "is no notebook"),
        ("a.pdf", b"%PDF-1.4 broken", "is no PDF that can be read"),
        ("a.exe", b"MZ", "of a kind I cannot read"),
        ("a.html", b"<script>alert(1)</script>", "has no text in it"),
    ],
)
def test_what_cannot_be_read_says_why_and_what_to_do(tmp_path: Path, name: str, data: bytes, why: str) -> None:
    (tmp_path / name).write_bytes(data)
    found = only(tmp_path / name)
    assert isinstance(found, Unread)
    assert why in found.error.message
    assert found.error.next_step


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "MOST_BYTES", 1000)
    (tmp_path / "a.md").write_text("x" * 2000)
    found = only(tmp_path / "a.md")
    assert isinstance(found, Unread)
    assert "is the most I read" in found.error.message


def test_a_folder_is_read_file_by_file_and_one_bad_file_stops_no_other(tmp_path: Path) -> None:
    for name, data in {"a.md": b"# A\n\nfirst", "b.pdf": b"junk", "deep/c.md": b"third", ".git/d.md": b"hidden",
                       "node_modules/e.md": b"not ours", "f.png": b"picture"}.items():  # fmt: skip
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(data)
    (tmp_path / "link.md").symlink_to("/etc/hostname")
    found = list(read(str(tmp_path), now=NOW))
    assert [(type(one).__name__, Path(one.source).name) for one in found] == [
        ("Read", "a.md"), ("Unread", "b.pdf"), ("Read", "c.md"),
    ]  # fmt: skip


@pytest.mark.parametrize("place", ["none.md", ".", "ftp://host/x", "http://", "https://host:port/"])
def test_nothing_at_a_place_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError) as raised:
        refused(place)
    assert raised.value.next_step


def test_a_page_is_read_without_its_menus_and_scripts(site: str) -> None:
    found = only(f"{site}/runbook")
    assert isinstance(found, Read)
    assert [one.title for one in found.documents] == ["Checkout runbook > Checkout"]
    text = texts(found)
    assert "Drain before restart." in text
    assert "- Call the DBA" in text
    assert not any(word in text for word in ("Menu", "imprint", "alert", "p {}"))


def test_an_address_is_kept_without_what_may_be_secret_in_it(site: str) -> None:
    address = site.replace("http://", "http://me:s3cr3tpass@") + "/runbook?token=abc123#top"
    found = only(address)
    assert isinstance(found, Read)
    assert found.source == f"{site}/runbook"
    assert "s3cr3tpass" not in repr(found)
    assert source_of("HTTPS://me:pw@wiki.example.org:8443/a?b=c") == "https://wiki.example.org:8443/a"


def test_redirects_are_followed_only_to_web_addresses(site: str) -> None:
    assert "Drain before restart." in texts(only(f"{site}/moved"))
    for path, why in {"/round": "from one address to the next", "/file": "no http(s) address"}.items():
        found = only(site + path)
        assert isinstance(found, Unread)
        assert why in found.error.message


@pytest.mark.parametrize(
    ("path", "why"), [("/picture", "is image/png"), ("/gone", "answers 404"), ("/large", "is larger than")]
)
def test_pages_that_are_no_text_are_refused(site: str, monkeypatch: pytest.MonkeyPatch, path: str, why: str) -> None:
    monkeypatch.setattr(places, "MOST_BYTES", 100_000)
    found = only(site + path)
    assert isinstance(found, Unread)
    assert why in found.error.message


def test_a_server_that_is_not_there_is_said() -> None:
    found = only("http://127.0.0.1:9/page")
    assert isinstance(found, Unread)
    assert "cannot be read" in found.error.message


def test_secrets_are_masked_before_anything_is_kept(site: str, tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("# Login\n\npassword = hunter2secret99\n")
    for place in (str(tmp_path / "a.md"), f"{site}/notes.md"):
        assert "hunter2secret99" not in texts(only(place))
        assert "[redacted:" in texts(only(place))


def test_titles_are_the_path_of_headings_and_code_is_no_heading() -> None:
    long = " ".join(["word"] * 280)
    text = f"# Guide\n\n{long}\n\n## Setup\n\n```sh\n# not a heading\n```\n{long}\n\n### Keys\n\n{long}"
    assert [section.path for section in pages(text)] == [("Guide",), ("Guide", "Setup"), ("Guide", "Setup", "Keys")]
    titles = [one.title for one in documents_of(text, source="g", title="g.md", at=NOW)]
    assert titles[2] == "g.md > Guide > Setup > Keys"


def test_front_matter_gives_title_tags_and_reasons() -> None:
    text = "---\ntitle: Checkout\ntags: [shop]\nreasons: [OOMKilled]\n---\nRestart it."
    (found,) = documents_of(text, source="a", title="a", at=NOW)
    assert (found.title, found.tags, found.reasons, found.text) == (
        "Checkout",
        ("shop",),
        ("OOMKilled",),
        "Restart it.",
    )


@given(
    st.lists(st.sampled_from(["# One", "## Two", "### Three", "```", "text of a line", "", "word " * 700]), max_size=30)
)
def test_no_word_is_lost_by_cutting_and_no_piece_is_endless(lines: list[str]) -> None:
    text = "\n".join(lines)
    found = list(pages(text))
    assert " ".join(section.text for section in found).split() == text.split()
    assert all(len(section.text.split()) <= LONGEST for section in found)
