"""Markdown into documents: cut at its headings, each with the path of titles above it.

Small sections stay together until they make a page; long ones are cut between paragraphs. Headings inside of fenced
code are code.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from autodevops.domain.base import UtcDatetime
from autodevops.domain.memory import Document, document

PAGE = 300  # words: what is read at once, and what a ranking can still tell apart
LONGEST = 450
_HEADING = re.compile(r"(#{1,6})\s+(.*?)\s*#*\s*")
_FRONT = re.compile(r"\A---\n(.*?)\n---\n", re.S)


@dataclass(frozen=True)
class Section:
    path: tuple[str, ...]  # titles from the outermost heading to its own
    text: str  # with its heading


def front_matter(text: str) -> tuple[dict[str, Any], str]:
    """The YAML between `---` at the beginning, and the rest; nothing and the text where there is none."""
    found = _FRONT.match(text)
    if found is None:
        return {}, text
    try:
        head = yaml.safe_load(found[1])
    except yaml.YAMLError:
        return {}, text
    return (head, text[found.end() :]) if isinstance(head, dict) else ({}, text)


def documents_of(markdown: str, *, source: str, title: str, at: UtcDatetime) -> tuple[Document, ...]:
    """Front matter may have a title, tags and reasons, as the handbook's articles do."""
    head, body = front_matter(markdown)
    name = str(head.get("title") or title)
    more = {key: _texts(head.get(key)) for key in ("tags", "reasons")}
    return tuple(
        document("knowledge", _titled(name, section.path), section.text, at=at, source=source, **more)
        for section in pages(body)
    )


def pages(markdown: str) -> Iterator[Section]:
    """Sections joined to about a page; nothing of the text is lost but space."""
    waiting: list[Section] = []
    for section in _cut(_sections(markdown)):
        if waiting and sum(_words(one.text) for one in waiting) + _words(section.text) > PAGE:
            yield _joined(waiting)
            waiting = []
        waiting.append(section)
    if waiting:
        yield _joined(waiting)


def _sections(markdown: str) -> Iterator[Section]:
    path: list[tuple[int, str]] = []
    lines: list[str] = []
    fence = ""
    for line in markdown.splitlines():
        mark = line.lstrip()[:3]
        if mark in {"```", "~~~"} and mark == (fence or mark):
            fence = "" if fence else mark
        heading = None if fence else _HEADING.fullmatch(line)
        if heading:
            yield Section(tuple(name for _, name in path), "\n".join(lines).strip())
            path = [*(one for one in path if one[0] < len(heading[1])), (len(heading[1]), heading[2])]
            lines = []
        lines.append(line)
    yield Section(tuple(name for _, name in path), "\n".join(lines).strip())


def _cut(sections: Iterator[Section]) -> Iterator[Section]:
    for section in sections:
        part: list[str] = []
        for paragraph in re.split(r"\n\s*\n", section.text):
            for piece in _pieces(paragraph):
                if part and _words("\n\n".join([*part, piece])) > LONGEST:
                    yield Section(section.path, "\n\n".join(part))
                    part = []
                part.append(piece)
        text = "\n\n".join(part).strip()
        if text:
            yield Section(section.path, text)


def _pieces(paragraph: str) -> Iterator[str]:
    """A paragraph, or what a paragraph without end (a table, a log) is cut into."""
    words = re.findall(r"\s*\S+", paragraph)
    for start in range(0, len(words), LONGEST):
        yield "".join(words[start : start + LONGEST])


def _joined(sections: list[Section]) -> Section:
    shared = sections[0].path
    for one in sections[1:]:
        length = next((n for n, pair in enumerate(zip(shared, one.path, strict=False)) if pair[0] != pair[1]), None)
        shared = shared[: min(len(shared), len(one.path)) if length is None else length]
    return Section(shared, "\n\n".join(one.text for one in sections))


def _titled(name: str, path: tuple[str, ...]) -> str:
    return " > ".join(dict.fromkeys([name, *path]))


def _words(text: str) -> int:
    return len(text.split())


def _texts(value: object) -> tuple[str, ...]:
    return tuple(str(item) for item in value) if isinstance(value, list) else ()
