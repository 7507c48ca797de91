"""What of a model's text may be shown, sentence by sentence.

Ids of evidence that does not exist are removed; a sentence left without evidence is marked as opinion; one with a
figure that its evidence does not have is marked with that figure; markup, links and commands of the model's own do
not pass. A model that repeats itself is stopped. Knows no model.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator

from autodevops.jamie.markdown import visible
from autodevops.jamie.numbers import unsupported
from autodevops.jamie.shown import Shown
from autodevops.kernel.errors import ToolRejected
from autodevops.llm import Finished
from autodevops.llm.reading import Read, ThoughtAloud

OPINION = "(opinion)"
REPEATS_ALLOWED = 2  # the third time the same sentence comes, the model is in a loop
LONGEST_SENTENCE = 1200  # characters without an end: no sentence, a loop
LONGEST_ANSWER = 6000  # characters; three screens
LOOP_SEEN_IN = 240  # characters at the end of an unfinished sentence in which a loop is looked for

_LOOP = re.compile(r"(.{1,40}?)\1{5,}$", re.S)
_END = re.compile(r"[.!?](?=\s)|\n")
_ABBREVIATED = re.compile(r"(?:\b(?:e\.g|i\.e|etc|vs|approx|cf|no)|^\s*\d+)\.$", re.I)
_CITED = re.compile(r"\s*[\[(【]\s*ev-[\w-]+(?:\s*[,;]?\s*(?:and\s+)?ev-[\w-]+)*\s*[\])】]|\s*\bev-[\w-]+", re.I)
_ID = re.compile(r"ev-[\w-]+", re.I)
_COMMAND = re.compile(
    r"\b(kubectl|helm|oc|docker|crictl|podman|curl|wget|systemctl|argocd|terraform|ssh)\s+[\w-]+", re.I
)
_LINK = re.compile(r"!?\[([^\]\[]*)\]\([^)]*\)|!?\[([^\]\[]*)\]\[[^\]]*\]")
_REFERENCE = re.compile(r"^\s*\[[^\]]+\]:\s*\S+")
_TAG = re.compile(r"<(?=[A-Za-z/!?])")


class Grounder:
    """Judges the sentences of one answer in order."""

    def __init__(self, shown: Shown) -> None:
        self._shown = shown
        self._seen: Counter[str] = Counter()
        self._length = 0
        self._fenced = False
        self.cited = 0
        self.left_out = 0
        self.doubtful = 0

    def admit(self, sentence: str) -> str:
        """What may be shown of a sentence (with the space after it); empty when nothing.

        Raises ToolRejected when the model goes round in circles.
        """
        self._length += len(sentence)
        body = sentence.strip()
        if body.startswith(("```", "~~~")):
            self._fenced = not self._fenced
            self.left_out += 1
            return ""
        if self._fenced or _REFERENCE.match(body) or body.startswith("#"):
            return ""
        if not body:
            return sentence
        if _COMMAND.search(body):
            self.left_out += 1
            return ""
        self._seen[key := " ".join(_CITED.sub("", body).lower().split())] += 1
        if self._seen[key] > REPEATS_ALLOWED or self._length > LONGEST_ANSWER:
            raise ToolRejected("the model repeated itself")
        if self._seen[key] > 1:
            return ""
        space = sentence[len(sentence.rstrip()) :]
        return self._judged(_TAG.sub("&lt;", _LINK.sub(r"\1\2", visible(body)))) + space

    def _judged(self, body: str) -> str:
        kept, cited = _with_known_ids(body, self._shown)
        if not _states_something(kept):
            return kept
        if not cited:
            return f"{kept} {OPINION}"
        figures = unsupported(_CITED.sub("", kept), self._shown.texts(cited))
        if figures:
            self.doubtful += 1
            return f"{kept} (not in that evidence: {', '.join(figures)})"
        self.cited += len(cited)
        return kept


def _with_known_ids(text: str, shown: Shown) -> tuple[str, list[str]]:
    known: list[str] = []

    def rewrite(found: re.Match[str]) -> str:
        ids = [item for item in _ID.findall(found[0]) if item in shown]
        known.extend(ids)
        return "".join(f" [{item}]" for item in ids)

    text = _CITED.sub(rewrite, text)
    return re.sub(r"\s+([.,;!?])", r"\1", text).strip(), known


def _states_something(text: str) -> bool:
    bare = text.strip("*_ ")
    if not re.search(r"\w", bare) or bare.startswith("#"):
        return False
    return not bare.endswith((":", "?")) and not re.fullmatch(r"\d+\.", bare)


async def sentences(parts: AsyncIterator[Read]) -> AsyncGenerator[Read, None]:
    """Whole sentences with the space that follows them; citations after the full stop belong to it.

    The last one is left out when the answer was cut in it. Raises ToolRejected when a sentence has no end.
    """
    held = ""
    async for part in parts:
        if not isinstance(part, str):
            if held and not isinstance(part, ThoughtAloud) and not (isinstance(part, Finished) and part.answer_cut):
                yield held
            held = ""
            yield part
            continue
        held += part
        while (end := _boundary(held)) is not None:
            yield held[:end]
            held = held[end:]
        if len(held) > LONGEST_SENTENCE or (len(held) > LOOP_SEEN_IN and _LOOP.search(held[-LOOP_SEEN_IN:])):
            raise ToolRejected("the model wrote without end")
    if held:
        yield held


def _boundary(text: str) -> int | None:
    """Where the first sentence and its trailing space and citations end, once that is certain."""
    for found in _END.finditer(text):
        if found[0] != "\n" and _ABBREVIATED.search(text[: found.end()]):
            continue
        end = found.end()
        while True:
            space = len(text) - end - len(text[end:].lstrip())
            rest = text[end + space :]
            cited = re.match(r"[\[(【]\s*ev-[^\])】]*[\])】][.!?]?", rest, re.I)
            if not cited:
                break
            end += space + cited.end()
        if not rest or (rest[0] in "[(【" and len(rest) < 24 and not re.search(r"[\])】]", rest)):
            return None
        return end + space
    return None
