"""What a model was shown, by evidence id: what it may cite, and what a figure of its own is compared with."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable


class Shown:
    """Grows while the model looks further."""

    def __init__(self, known: Iterable[str] = ()) -> None:
        self._known = set(known)
        self._texts: defaultdict[str, list[str]] = defaultdict(list)
        self._common: list[str] = []

    def add(self, text: str, ids: Iterable[str] = ()) -> None:
        """A text with the ids it rests on; one with none belongs to all of them."""
        ids = tuple(ids)
        self._known.update(ids)
        for each in ids:
            self._texts[each].append(text)
        if not ids:
            self._common.append(text)

    def __contains__(self, evidence: object) -> bool:
        return evidence in self._known

    def texts(self, ids: Iterable[str]) -> list[str]:
        return [*self._common, *(text for each in ids for text in self._texts.get(each, ()))]
