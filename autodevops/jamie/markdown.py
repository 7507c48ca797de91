"""How text gets into an answer: ours as prose, everybody else's as data (design D8).

Log lines, commit messages, image names and object names are written by whoever can write them. They are shown in
code spans and blocks whose fences they cannot close, without control characters, and never as markup.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

LONGEST_FACT = 400  # characters of one line that a model is told

_INVISIBLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_TAG = re.compile(r"<(?=[A-Za-z/!?])")
_CODE_SPAN = re.compile(r"((?<!`)`[^`]+`(?!`))")
_ANSI = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")


def visible(text: str) -> str:
    """Without terminal escapes, control characters and those that turn the direction of writing."""
    return _INVISIBLE.sub("", _ANSI.sub("", text))


def shortened(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"


def inert(text: str, limit: int = LONGEST_FACT) -> str:
    """For a model: cannot close a boundary or look like a chat template's marker."""
    return shortened(prose(text), limit).replace("&lt;", "‹").replace("<", "‹").replace(">", "›")


def code(text: str, limit: int = 120) -> str:
    """An inline code span on one line. Backticks become apostrophes and bars broken bars: it holds in a table too."""
    flat = " ".join(visible(text).split()).replace("`", "'").replace("|", "¦")
    return f"`{shortened(flat, limit) or ' '}`"


def block(lines: Iterable[str], *, language: str = "", width: int = 240) -> str:
    """A fenced block; a line cannot close it."""
    kept = [shortened(visible(line).replace("\n", " ").replace("```", "'''"), width) for line in lines]
    return "\n".join([f"```{language}", *kept, "```"])


def prose(text: str) -> str:
    """A sentence on one line that may carry foreign words: no HTML, no links, no images. Code spans stay."""
    flat = " ".join(visible(text).split())
    parts = _CODE_SPAN.split(flat)
    return "".join(part if at % 2 else _disarmed(part) for at, part in enumerate(parts))


def _disarmed(text: str) -> str:
    return _TAG.sub("&lt;", text).replace("![", "! [").replace("](", "] (").replace("]:", "] :").replace("`", "'")


def cites(evidence: Iterable[str], limit: int = 3) -> str:
    """` [ev-1] [ev-2]`, or nothing."""
    return "".join(f" [{item}]" for item in list(dict.fromkeys(evidence))[:limit])


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Cells are Markdown already (see `code`)."""
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])
