"""The memory of one process that keeps nothing: for tests, and for where no folder can be written.

Its full text is BM25 (Robertson and Zaragoza, "The Probabilistic Relevance Framework", 2009) over the words of
`memory_words`; all else is as on disk.
"""

from __future__ import annotations

import math
import threading
from collections import Counter
from collections.abc import Collection, Sequence
from datetime import timedelta

from autodevops.domain.memory import KINDS, Document, DocumentKind, Passage, SourceSummary
from autodevops.kernel.clock import Clock, utc_now
from autodevops.kernel.errors import ToolError
from autodevops.stores.memory_protocol import Embedder
from autodevops.stores.memory_ranking import (
    DEEP,
    LEAST_LIKENESS,
    TEXT_WEIGHT,
    VECTOR_WEIGHT,
    Ranking,
    fused,
    passage,
    summaries,
    thumbs_of,
)
from autodevops.stores.memory_words import asked, likeness_words, search_words, words_of

K1, B = 1.2, 0.75


class TwinMemory:
    def __init__(self, embedders: Sequence[Embedder] = (), *, clock: Clock = utc_now) -> None:
        self._embedders = tuple(embedders)
        self._clock = clock
        self._lock = threading.RLock()
        self._documents: dict[str, Document] = {}
        self._words: dict[str, Counter[str]] = {}
        self._vectors: dict[str, dict[str, list[float]]] = {}

    def put(self, *documents: Document) -> None:
        with self._lock:
            for one in documents:
                self._documents[one.id] = one
                self._words[one.id] = Counter(words_of(search_words(one)))
            self.catch_up()

    def replace(self, source: str, documents: Sequence[Document]) -> None:
        if any(one.source != source for one in documents):
            raise ValueError(f"a document is not from {source!r}")
        with self._lock:
            for id in [one.id for one in self._documents.values() if one.source == source]:
                self._drop(id)
            self.put(*documents)

    def search(
        self, text: str, kinds: Collection[DocumentKind] = KINDS, limit: int = 5, *, embedding: str = ""
    ) -> tuple[Passage, ...]:
        with self._lock:
            rankings: list[Ranking] = []
            if embedding in {"", "text"}:
                rankings.append(Ranking("full text", TEXT_WEIGHT, self._by_text(text, kinds)))
            if embedding != "text":
                rankings += self._by_vector(text, kinds, embedding)
            thumbs = thumbs_of(one for one in self._documents.values() if one.kind == "feedback")
            ranked = fused(rankings, thumbs)[:limit]
            return tuple(passage(self._documents[one.id], one.score, one.why) for one in ranked)

    def about_reason(
        self, reason: str, kinds: Collection[DocumentKind] = KINDS, limit: int = 5
    ) -> tuple[Document, ...]:
        found = [one for one in self._of(kinds) if reason in one.reasons]
        return tuple(sorted(found, key=lambda one: one.at, reverse=True)[:limit])

    def sources(self, kinds: Collection[DocumentKind] = KINDS) -> tuple[SourceSummary, ...]:
        return summaries(self._of(kinds))

    def document(self, id: str) -> Document | None:
        found = [one for key, one in self._documents.items() if id and key.startswith(id)]
        return found[0] if len(found) == 1 else None

    def forget(
        self,
        *,
        ids: Collection[str] = (),
        conversation: str = "",
        sources: Collection[str] = (),
        kind: DocumentKind | None = None,
    ) -> int:
        with self._lock:
            wanted = {
                id
                for id, one in self._documents.items()
                if id in ids
                or (conversation and one.conversation == conversation)
                or one.source in sources
                or (kind and one.kind == kind)
            }
            wanted |= {id for id, one in self._documents.items() if one.about in wanted}
            for id in wanted:
                self._drop(id)
            return len(wanted)

    def embedded(self) -> dict[str, int]:
        return {name: len(vectors) for name, vectors in self._vectors.items()}

    def catch_up(self, *, anew: bool = False) -> int:
        made = 0
        with self._lock:
            if anew:
                self._vectors.clear()
            for embedder in self._embedders:
                have = self._vectors.setdefault(embedder.name, {})
                waiting = [one for id, one in self._documents.items() if id not in have and one.kind != "feedback"]
                try:
                    vectors = embedder.embed([likeness_words(one) for one in waiting]) if waiting else []
                except ToolError:
                    continue
                have.update(zip([one.id for one in waiting], vectors, strict=True))
                made += len(waiting)
        return made

    def tidy(self, *, keep: timedelta, megabytes: int) -> int:
        oldest = self._clock() - keep
        passing = [id for id, one in self._documents.items() if one.kind != "knowledge" and one.at < oldest]
        gone = self.forget(ids=passing)
        while self.size() > megabytes * 1_000_000:
            left = sorted((one.at, id) for id, one in self._documents.items() if one.kind != "knowledge")
            if not left:
                break
            gone += self.forget(ids=[id for _, id in left[: (len(left) + 1) // 2]])
        return gone

    def size(self) -> int:
        """Bytes of text."""
        return sum(len(one.text.encode("utf-8", "surrogatepass")) for one in self._documents.values())

    def close(self) -> None:
        return None

    def _of(self, kinds: Collection[DocumentKind]) -> list[Document]:
        return [one for one in list(self._documents.values()) if one.kind in kinds]

    def _drop(self, id: str) -> None:
        del self._documents[id], self._words[id]
        for vectors in self._vectors.values():
            vectors.pop(id, None)

    def _by_text(self, text: str, kinds: Collection[DocumentKind]) -> list[str]:
        there = [one.id for one in self._of(kinds)]
        if not there:
            return []
        average = sum(self._words[id].total() for id in there) / len(there) or 1.0
        scores: Counter[str] = Counter()
        for word in set(words_of(asked(text))):
            holding = [id for id in there if word in self._words[id]]
            rarity = math.log(1.0 + (len(there) - len(holding) + 0.5) / (len(holding) + 0.5))
            for id in holding:
                times, length = self._words[id][word], self._words[id].total()
                scores[id] += rarity * times * (K1 + 1.0) / (times + K1 * (1.0 - B + B * length / average))  # type: ignore[assignment]
        return [id for id, _ in sorted(scores.items(), key=lambda item: (-item[1], item[0]))[:DEEP]]

    def _by_vector(self, text: str, kinds: Collection[DocumentKind], embedding: str) -> list[Ranking]:
        for embedder in self._embedders:
            if embedding not in {"", embedder.name}:
                continue
            try:
                asking = embedder.embed([text])[0]
            except ToolError:
                continue
            have = self._vectors.get(embedder.name, {})
            likeness = {one.id: _cosine(asking, have[one.id]) for one in self._of(kinds) if one.id in have}
            near = [(-value, id) for id, value in likeness.items() if value >= LEAST_LIKENESS]
            return [Ranking("likeness", VECTOR_WEIGHT, [id for _, id in sorted(near)[:DEEP]])]
        return []


def _cosine(one: Sequence[float], other: Sequence[float]) -> float:
    lengths = math.hypot(*one) * math.hypot(*other)
    return sum(a * b for a, b in zip(one, other, strict=True)) / lengths if lengths else 0.0
