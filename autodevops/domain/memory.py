"""What is remembered beyond a conversation, and what a search for it gives."""

from __future__ import annotations

import hashlib
from typing import Literal, TypeAlias, get_args

from pydantic import Field

from autodevops.domain.base import Noun, UtcDatetime

DocumentKind: TypeAlias = Literal["knowledge", "conversation", "feedback", "incident"]
KINDS: tuple[DocumentKind, ...] = get_args(DocumentKind)


class Document(Noun):
    """A piece of text that is found as a whole: an article, a section of a manual, a turn, a past incident.

    `id` follows from what it says, so that the same thing twice is one thing; `document` makes it.
    """

    id: str = Field(pattern="^[0-9a-f]{32}$")
    kind: DocumentKind
    title: str
    text: str
    source: str = ""  # where it comes from, as people would name it: a path, an address, a book
    at: UtcDatetime
    tags: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()  # of findings it is about
    namespace: str = ""
    subject: str = ""
    conversation: str = ""
    about: str = ""  # feedback: the document it judges
    thumb: Literal[-1, 0, 1] = 0  # feedback


class Passage(Noun):
    """A document as it was found. `score` compares passages of one search alone; `why` says how it came about."""

    id: str
    title: str
    text: str
    source: str
    kind: DocumentKind
    at: UtcDatetime
    score: float
    why: str


class SourceSummary(Noun):
    """What came from one place."""

    source: str
    kind: DocumentKind
    documents: int
    at: UtcDatetime  # of the newest


def document(kind: DocumentKind, title: str, text: str, *, at: UtcDatetime, **more: object) -> Document:
    """A Document under the id that follows from its words, source, conversation and what it judges."""
    named = [str(more.get(name, "")) for name in ("source", "conversation", "about", "thumb")]
    # What was said twice was said twice: time tells turns, incidents and thumbs apart, and not editions of one text.
    moment = "" if kind == "knowledge" else at.isoformat()
    content = "\0".join([kind, title, text, moment, *named])
    digest = hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    return Document.model_validate({"id": digest, "kind": kind, "title": title, "text": text, "at": at, **more})
