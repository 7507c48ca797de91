"""What Jamie can look up that is no telemetry: articles, past incidents. The seam, and a twin in memory.

The memory of `autodevops.stores` fits this Protocol. Its calls block for milliseconds and may be made from any
thread.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from autodevops.domain.memory import DocumentKind
from autodevops.stores.memory_words import words_of


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
        self._words = [Counter(words_of(page.text)) + _counted(page.title) for page in self._pages]
        self._known: Counter[str] = Counter(word for words in self._words for word in words)

    def search(
        self, text: str, kinds: Collection[DocumentKind] = frozenset[DocumentKind](("knowledge",)), limit: int = 5
    ) -> tuple[Page, ...]:
        wanted = set(words_of(text))
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


def _counted(text: str) -> Counter[str]:
    return Counter({word: 2 * count for word, count in Counter(words_of(text)).items()})
