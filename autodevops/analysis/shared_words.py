"""Words that an edit and a failure have in common, each worth as much as it is rare among the edits that could be it.

Names are cut into their parts and the parts into stems, so that `lockAccounts`, `accounts.lock` and `relation
"accounts"` speak of the same. What half of the edits speak of tells nothing (the inverse document frequency of Sparck
Jones, 1972, over the edits of one incident in place of a corpus).
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from os.path import splitext
from typing import Final

from autodevops.analysis.common_words import STOPPED
from autodevops.analysis.diffs import Edit

_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_ENDING = re.compile(r"(ing|ion|ed|er|or|at|s|e)$")
_LEAST = 3  # letters of a part, and of what is left of it without its ending
_ID = re.compile(r"\b(?=\w*\d)[0-9a-fA-F]{6,}\b|\b0x\w+")
_ASIDE: Final = 0.5  # a word that stands beside what changed: on both sides, around it, in the path


def stems(texts: Iterable[str]) -> frozenset[str]:
    """The parts of all names in the texts, without endings: `index_bookings_on_room` has `index`, `book`, `room`."""
    parts = {part.lower() for text in texts for part in _PART.findall(_ID.sub(" ", text)) if len(part) >= _LEAST}
    return frozenset(stem(part) for part in parts - STOPPED)


def stem(word: str) -> str:
    """`validat` and more is cut off alike from `validate`, `validated` and `validation`; never below three letters."""
    cut = word.lower()
    while (shorter := _ENDING.sub("", cut)) != cut and len(shorter) >= _LEAST:
        cut = shorter
    return cut


def spelled(edits: Iterable[Edit]) -> Mapping[str, str]:
    """For each stem a word that has it, as an edit writes it."""
    found: dict[str, str] = {}
    for edit in edits:
        for text in (*edit.added, *edit.removed, *edit.places, *edit.context, edit.path):
            for part in _PART.findall(text):
                found.setdefault(stem(part), part.lower())
    return found


def spoken_of(edits: Iterable[Edit]) -> Mapping[str, float]:
    """The stems of an edit: 1 for what stands on one side of a file alone, less for what only stands around that."""
    edits = tuple(edits)
    moved = {line for edit in edits for line in edit.added} & {line for edit in edits for line in edit.removed}
    changed: set[str] = set()
    around: set[str] = set()
    for edit in edits:
        there, gone = (stems(line for line in side if line not in moved) for side in (edit.added, edit.removed))
        changed |= there ^ gone
        around |= (there & gone) | stems((splitext(edit.path)[0], *edit.context, *edit.places))
    found = dict.fromkeys(around, _ASIDE)
    found.update(dict.fromkeys(changed, 1.0))
    return found


def rarity(corpus: Sequence[Iterable[Edit]]) -> Callable[[str], float]:
    """How much a stem tells apart edits of the corpus: towards 1 for what one of many speaks of, 0 for what all do."""
    number = Counter(word for edits in corpus for word in spoken_of(edits))
    of = len(corpus)
    return lambda word: max(0.0, math.log((of + 1) / (number[word] + 0.5)) / math.log(of + 1)) if of else 0.0


def in_common(
    spoken: Mapping[str, float], said: frozenset[str], done: frozenset[str], rare: Callable[[str], float]
) -> dict[str, float]:
    """The stems that the failure speaks of too, with their worth of 0 to 1.

    Those of what is done worse than before (`done`) count in full wherever the edit speaks of them.
    """
    return {
        word: (1.0 if word in done else share) * rare(word)
        for word, share in spoken.items()
        if word in said or word in done
    }
