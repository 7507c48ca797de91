"""Memory as everybody else sees it: put documents in, find them again, forget them.

Any number of processes may hold the same memory. Calls block, for milliseconds when it is warm; they may be made from
any thread. Every implementation passes one conformance suite (tests/stores/test_stores_memory.py).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Protocol

from autodevops.domain.memory import KINDS, Document, DocumentKind, Passage, SourceSummary


class Embedder(Protocol):
    """Turns texts into vectors whose cosine says how near they are.

    `name` and `dimension` are kept with the vectors; those of another name or dimension are never compared.
    """

    @property
    def name(self) -> str: ...

    def dimension(self) -> int:
        """Raises ToolError when it cannot be known now."""
        ...

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """One vector for each text. Raises ToolError when there are none to be had now."""
        ...


class Memory(Protocol):
    def put(self, *documents: Document) -> None:
        """Keep them; what is there already stays one thing. Durable when this returns. Raises MemoryUnusable."""
        ...

    def replace(self, source: str, documents: Sequence[Document]) -> None:
        """What came from `source` before is gone, and these are there, in one step."""
        ...

    def search(
        self, text: str, kinds: Collection[DocumentKind] = KINDS, limit: int = 5, *, embedding: str = ""
    ) -> tuple[Passage, ...]:
        """Best first, by full text and vectors fused, as people's thumbs move them.

        `embedding` names one way of finding alone, for measuring: `text`, or an embedder's name.
        """
        ...

    def about_reason(
        self, reason: str, kinds: Collection[DocumentKind] = KINDS, limit: int = 5
    ) -> tuple[Document, ...]:
        """Exactly those that name the finding reason, newest first."""
        ...

    def sources(self, kinds: Collection[DocumentKind] = KINDS) -> tuple[SourceSummary, ...]: ...

    def document(self, id: str) -> Document | None:
        """By its id, or by the beginning of it where only one begins so."""
        ...

    def forget(
        self,
        *,
        ids: Collection[str] = (),
        conversation: str = "",
        sources: Collection[str] = (),
        kind: DocumentKind | None = None,
    ) -> int:
        """Forget what any of these names, and what judges it; says how many. It is gone from disk as well."""
        ...

    def embedded(self) -> dict[str, int]:
        """For each way of embedding how many documents have their vector."""
        ...

    def catch_up(self, *, anew: bool = False) -> int:
        """Give vectors to documents that have none yet; says how many. Full text finds them meanwhile.

        `anew` throws away those there are first, of embeddings that are no longer used too.
        """
        ...

    def tidy(self, *, keep: timedelta, megabytes: int) -> int:
        """Forget what is older than `keep`, knowledge aside, then the oldest until it fits; says how many."""
        ...

    def size(self) -> int:
        """Bytes it takes."""
        ...

    def close(self) -> None: ...
