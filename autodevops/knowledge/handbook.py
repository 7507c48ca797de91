"""The articles that ship: one Markdown file each, with title, tags, reasons and sources in front.

Looking up a reason needs no search and no store: what a finding means is known by its name.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files

from autodevops.domain.memory import Document, document
from autodevops.knowledge.sections import front_matter

SOURCE = "Auto-DevOps handbook"
EDITION = datetime(2026, 11, 28, tzinfo=UTC)  # when the articles were last looked through


@dataclass(frozen=True)
class Article:
    name: str  # the file's
    title: str
    tags: tuple[str, ...]
    reasons: tuple[str, ...]
    sources: tuple[str, ...]
    text: str  # Markdown


@cache
def articles() -> tuple[Article, ...]:
    """All of them, by name. Raises ValueError for one whose front matter is not as it should be."""
    folder = files("autodevops.knowledge").joinpath("articles")
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".md"))
    return tuple(_read(name.removesuffix(".md"), folder.joinpath(name).read_text("utf-8")) for name in names)


def for_reason(reason: str) -> tuple[Article, ...]:
    """Those that explain it, the one with the fewest reasons first: it is the most particular."""
    found = [one for one in articles() if reason in one.reasons]
    return tuple(sorted(found, key=lambda one: (len(one.reasons), one.name)))


def documents() -> tuple[Document, ...]:
    return tuple(_document(one) for one in articles())


def edition() -> str:
    """A digest of all articles: what is stored under it is what ships."""
    return hashlib.sha256("".join(one.id for one in documents()).encode()).hexdigest()[:32]


def _document(article: Article) -> Document:
    text = f"{article.text}\n\nSources: {'; '.join(article.sources)}."
    more = {"source": SOURCE, "tags": article.tags, "reasons": article.reasons}
    return document("knowledge", article.title, text, at=EDITION, **more)


def _read(name: str, text: str) -> Article:
    head, body = front_matter(text)
    try:
        lists = {key: tuple(str(item) for item in head[key]) for key in ("tags", "reasons", "sources")}
        return Article(name=name, title=str(head["title"]), text=body.strip(), **lists)
    except (KeyError, TypeError) as error:
        raise ValueError(f"{name}.md has no {error} in its front matter") from error
