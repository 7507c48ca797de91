"""What Jamie can look up that is no telemetry: articles, past incidents. The seam.

The memory of `autodevops.stores` fits this Protocol, on disk and as its twin. Its calls block for milliseconds and may
be made from any thread.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

from autodevops.domain.memory import DocumentKind


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
