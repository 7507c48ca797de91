"""A postmortem as Markdown, with blocks for people that survive when it is made again.

A block stands between `<!-- people: KEY -->` and `<!-- /people: KEY -->`, each alone on a line. What is in it is kept
by key, also when the new document no longer has that key: then it stands at the end.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from autodevops.domain.incident import BESIDE
from autodevops.domain.postmortem import SECTIONS, Fact, Postmortem
from autodevops.kernel.errors import UsageError
from autodevops.runbooks.texts import literal

TITLE = "# Postmortem: "
_OPEN = re.compile(r"^<!-- people: ([\w-]+) -->$")
_SOURCES = 4  # named after a line
_UNTOUCHED = "*For people: "


def blocks(text: str) -> dict[str, str]:
    """What people wrote, by key; blocks that nobody touched are not among them.

    Raises UsageError for a block without an end or two of one key: going on would lose words.
    """
    found: dict[str, str] = {}
    key, lines = "", list[str]()
    for number, line in enumerate(text.split("\n"), start=1):
        if key:
            if line.rstrip("\r") == f"<!-- /people: {key} -->":
                if key in found:
                    raise UsageError(
                        f"The document has two blocks for {key!r}, the second before line {number}.", "Make them one."
                    )
                found[key], key = "\n".join(lines), ""
            else:
                lines.append(line)
        elif opened := _OPEN.match(line.rstrip("\r")):
            key, lines = opened[1], []
    if key:
        raise UsageError(
            f"The block for {key!r} has no end.", f"Put the line `<!-- /people: {key} -->` after the words to keep."
        )
    return {name: words for name, words in found.items() if words.strip() and not words.startswith(_UNTOUCHED)}


def markdown(postmortem: Postmortem, kept: Mapping[str, str] | None = None) -> str:
    """The document; `kept` is what `blocks` found in an earlier one."""
    left = dict(kept or {})

    def block(key: str, hint: str) -> list[str]:
        words = left.pop(key, f"{_UNTOUCHED}{hint}*")
        return [f"<!-- people: {key} -->", words, f"<!-- /people: {key} -->"]

    def told(fact: Fact) -> list[str]:
        if len(lines := fact.value.splitlines()) > 1:
            return [f"**{fact.label}:** {_source(fact.source)}".rstrip(), "", *(f"- {_plain(line)}" for line in lines)]
        if fact.value:
            return [f"**{fact.label}:** {_plain(fact.value)} {_source(fact.source)}".rstrip()]
        name = [] if fact.label == fact.section else [f"**{fact.label}**", ""]
        return [*name, *block(fact.key, fact.hint or "not measured; what do you know?")]

    place = f"namespace `{postmortem.namespace}`" if postmortem.namespace else BESIDE
    out = [
        f"{TITLE}{_plain(postmortem.title)}",
        "",
        f"Incident `{postmortem.incident}`, {place}.",
    ]
    for section in SECTIONS:
        out += ["", f"## {section}", ""]
        for fact in postmortem.facts:
            if fact.section == section:
                out += [*told(fact), ""]
        if section == "Causes":
            out += ["## Timeline", "", "| time (UTC) | kind | what | source |", "|---|---|---|---|"]
            for line in postmortem.timeline:
                out.append(
                    f"| {line.at:%Y-%m-%d %H:%M:%S} | {line.kind} | {_plain(line.text)} | {_source(line.source)} |"
                )
    out += ["", "## Action items", ""]
    for item in postmortem.items:
        out += [f"**{_plain(item.text)}** {_source(item.source)}", ""]
        out += [*block(f"{item.key}-owner", "owner?"), "", *block(f"{item.key}-due", "due date?"), ""]
    out += block("items", "further action items, with owner and due date")
    if left:
        out += ["", "## Kept from an earlier version"]
        for key in list(left):
            out += ["", f"{key}:", "", *block(key, "")]
    total = postmortem.filled + postmortem.for_people
    out += [
        "",
        f"{postmortem.filled} of {total} fields were filled from records; {postmortem.for_people} are for people.",
        "",
    ]
    return "\n".join(out)


def _source(source: str) -> str:
    """The first few of them; an investigation's own page has all."""
    names = source.split(", ")
    if len(names) > _SOURCES:
        source = f"{', '.join(names[: _SOURCES - 1])} and {len(names) - _SOURCES + 1} more"
    return f"[{_plain(source)}]" if source else ""


def _plain(text: str) -> str:
    """On one line, and nothing in it is Markdown or HTML."""
    return literal(" ".join(text.split()))
