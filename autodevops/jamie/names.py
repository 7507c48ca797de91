"""Names in a question, matched against names that exist. Unknown but near names are given back to be asked about."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

NEAR = 0.8  # difflib ratio: "chekout" and "paymnet" are near, "cart" and "card" (0.75) are two words
SHORTEST_NEAR = 4  # letters; below that everything is near to something
LONGEST_NAME = 253  # of a Kubernetes object
_WORD = re.compile(r"[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?")
_SUFFIX = re.compile(r"-?(service|svc|server|api|app|deployment)$")


@dataclass(frozen=True)
class Match:
    """`name` exists; or it does not and `near` may have been meant by `word`."""

    word: str
    name: str = ""
    near: tuple[str, ...] = ()


def words_of(text: str) -> list[str]:
    return _WORD.findall(text.lower().replace("’", "'").replace("'s ", " "))


def find(words: list[str], names: Collection[str], ignored: Collection[str] = ()) -> Match | None:
    """The best match of some words in `names`: spelled exactly, then lightly stemmed, then near."""
    lowered = {name.lower(): name for name in names}
    for size in (3, 2, 1):
        for start in range(len(words) - size + 1):
            part = words[start : start + size]
            if size == 1 and part[0] in ignored:
                continue
            for spelled in ("-".join(part), "".join(part)):
                if spelled in lowered:
                    return Match(spelled, lowered[spelled])
    plain = {_SUFFIX.sub("", name): full for name, full in lowered.items()}
    candidates = [word for word in words if word not in ignored]
    for word in candidates:
        for stem in stems(word):
            if stem in lowered or stem in plain:
                return Match(word, lowered.get(stem) or plain[stem])
    for word in candidates:
        close = nearest(word, lowered.values())
        if close:
            return Match(word, near=close)
    return None


def nearest(word: str, names: Iterable[str]) -> tuple[str, ...]:
    if not SHORTEST_NEAR <= len(word) <= LONGEST_NAME:
        return ()
    return tuple(difflib.get_close_matches(word, list(names), n=3, cutoff=NEAR))


def stems(word: str) -> Iterator[str]:
    """`checkouts` -> checkout; `deliveries` -> delivery; `payment` -> payments; `mailing` -> mail."""
    yield word
    base = _SUFFIX.sub("", word)
    if base and base != word:
        yield base
    if word.endswith("ies"):
        yield word[:-3] + "y"
    for ending in ("es", "s", "ing", "ed"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            yield word[: -len(ending)]
    yield word + "s"
