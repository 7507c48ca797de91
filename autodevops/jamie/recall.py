"""What Jamie can look up that is no telemetry: articles, past incidents. The seam, and a twin in memory.

The memory of `autodevops.stores` fits this Protocol. Its calls block for milliseconds and may be made from any
thread.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from autodevops.domain.memory import DocumentKind

_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
_EMPTY = frozenset(
    [
        "a",
        "an",
        "and",
        "are",
        "as",
        "at",
        "be",
        "by",
        "can",
        "do",
        "does",
        "for",
        "from",
        "has",
        "have",
        "how",
        "i",
        "if",
        "in",
        "is",
        "it",
        "its",
        "mean",
        "means",
        "me",
        "my",
        "of",
        "on",
        "or",
        "our",
        "should",
        "that",
        "the",
        "their",
        "this",
        "to",
        "was",
        "we",
        "what",
        "when",
        "where",
        "which",
        "who",
        "why",
        "will",
        "with",
        "you",
        "your",
    ]
)


class Passage(Protocol):
    """A piece of text as it was found. `score` compares passages of one search alone; `why` says how it was found."""

    @property
    def title(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def source(self) -> str: ...
    @property
    def kind(self) -> DocumentKind: ...
    @property
    def score(self) -> float: ...
    @property
    def why(self) -> str: ...


class Recall(Protocol):
    def search(self, text: str, kinds: Collection[DocumentKind] = ..., limit: int = ...) -> Sequence[Passage]:
        """Best first. Raises an AutoDevOpsError when nothing can be looked up now."""
        ...


@dataclass(frozen=True)
class Page:
    """A passage of the twin."""

    title: str
    text: str
    source: str = ""
    kind: DocumentKind = "knowledge"
    score: float = 0.0
    why: str = ""


class Pages:
    """`Recall` over pages in memory: words in common, the rarer the more, those of a title twice."""

    def __init__(self, pages: Iterable[Page]) -> None:
        self._pages = tuple(pages)
        self._words = [Counter(words_in(page.text)) + _counted(page.title) for page in self._pages]
        self._known: Counter[str] = Counter(word for words in self._words for word in words)

    def search(
        self, text: str, kinds: Collection[DocumentKind] = frozenset[DocumentKind](("knowledge",)), limit: int = 5
    ) -> tuple[Page, ...]:
        wanted = set(words_in(text))
        found = []
        for page, words in zip(self._pages, self._words, strict=True):
            shared = sorted(wanted & words.keys())
            if page.kind not in kinds or not shared:
                continue
            length = math.sqrt(sum(words.values()))
            score = sum(math.log(1 + len(self._pages) / self._known[word]) * math.sqrt(words[word]) for word in shared)
            found.append((score / length, page, f"words in common: {', '.join(shared[:6])}"))
        found.sort(key=lambda each: (-each[0], each[1].title))
        return tuple(
            Page(page.title, page.text, page.source, page.kind, round(score, 3), why)
            for score, page, why in found[:limit]
        )


def words_in(text: str) -> list[str]:
    """`CrashLoopBackOff` -> crash, loop, back, off."""
    return [stem for word in _WORD.findall(text) if (stem := _stem(word.lower())) not in _EMPTY]


def _counted(text: str) -> Counter[str]:
    return Counter({word: 2 * count for word, count in Counter(words_in(text)).items()})


def _stem(word: str) -> str:
    for ending in ("ing", "ed", "es", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word
