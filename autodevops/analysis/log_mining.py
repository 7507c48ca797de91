"""Which log lines were written by the same statement: templates, with one setting for every kind of system.

In the family of Drain (He et al., Drain: An online log parsing approach with fixed depth tree, ICWS 2017) and Brain
(Yu et al., Brain: Log parsing with bidirectional parallel tree, TSC 2023), but over all lines at once, so that their
order decides nothing. Lines of one shape (log_shapes) are of one template. Then words are compared: where shapes
differ in one place alone, or in two, and many words stand there, it is a variable. Few words are one only where they
are known as values from elsewhere: `opened` and `closed` are not, users are. Last, what follows a colon may be free
text, and pairs of `key=value` may be left out.
"""

from __future__ import annotations

import hashlib
import itertools
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

from autodevops.analysis.log_shapes import ANY, Shapes, tidy

Words: TypeAlias = tuple[str, ...]
Moves: TypeAlias = dict[Words, Words]

_MANY: Final = 4  # different words in one place: statements that differ in one word come in twos and threes
_MANY_ALONE: Final = 8  # where hardly anything else is said
_MANY_VERBS: Final = 12  # in places of `started, stopping, killed`: programs say what they do in parallel sentences
_TAILS: Final = 6  # different endings after a colon
_LONGEST_TAIL: Final = 12  # words
_LONGEST: Final = 80  # words compared; a longer line is told by its first
_LONGEST_FOR_PAIRS: Final = 24
_MOST_FOR_PAIRS: Final = 3000  # shapes of one length
_BARE_PLACES: Final = 4  # of a line without any word of its own, such as one of an access log
_POINTS: Final = ".,:;"
_VERB = re.compile(r"(?:ed|ing)$")
_WORD = re.compile(r"[A-Za-z]{2,}")
_PAIR = re.compile(r"[\w.-]+=\"?<\*>\"?[,;]?")


@dataclass(frozen=True)
class Template:
    """`text` has `<*>` for variables. The id follows from it alone."""

    text: str
    count: int

    @property
    def id(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()[:12]


def mine(messages: Iterable[str]) -> tuple[tuple[Template, ...], list[int]]:
    """The templates of `messages` in order of their text, and for each message the place of its template there."""
    shapes = Shapes()
    numbers: dict[str, int] = {}
    number_of: list[int] = [numbers.setdefault(shapes.of(message), len(numbers)) for message in messages]
    starts = [tuple(tidy(shape).split()[:_LONGEST]) for shape in numbers]
    merged = _merge(set(starts))
    texts = [" ".join(merged[start]) for start in starts]
    places = {text: place for place, text in enumerate(sorted(set(texts)))}
    place_of = [places[text] for text in texts]
    found = [place_of[number] for number in number_of]
    counts = [0] * len(places)
    for place in found:
        counts[place] += 1
    return tuple(Template(text, counts[place]) for text, place in places.items()), found


def _merge(starts: set[Words]) -> Moves:
    """The template of each shape."""
    first = _free_tails(starts)
    final = {start: first.get(start, start) for start in starts}
    known: set[str] = set()
    for step in (_one_place, _two_places):
        while True:
            learnt: set[str] = set()
            moves: Moves = {}
            for group in _by_length(set(final.values())):
                moves |= step(group, known, learnt)
            if not moves:
                break
            known |= learnt
            final = {start: moves.get(now, now) for start, now in final.items()}
    for last in (_free_tails, _optional_ends, _optional_pairs):
        moves = last(set(final.values()))
        final = {start: moves.get(now, now) for start, now in final.items()}
    return final


def _by_length(shapes: set[Words]) -> Iterator[set[Words]]:
    found: dict[int, set[Words]] = defaultdict(set)
    for shape in shapes:
        found[len(shape)].add(shape)
    return (group for group in found.values() if len(group) > 1)


def _one_place(group: set[Words], known: set[str], learnt: set[str]) -> Moves:
    contexts: dict[tuple[int, Words], set[Words]] = defaultdict(set)
    for shape in group:
        for place in range(len(shape)):
            contexts[place, shape[:place] + shape[place + 1 :]].add(shape)
    holes: dict[Words, dict[int, str]] = defaultdict(dict)
    for (place, around), shapes in contexts.items():
        if len(shapes) > 1:
            values = {shape[place] for shape in shapes}
            if _is_variable(values, around, known):
                _dig(holes, shapes, place, values, learnt)
    return {shape: _with_holes(shape, places) for shape, places in holes.items()}


def _two_places(group: set[Words], known: set[str], learnt: set[str]) -> Moves:
    if len(group) > _MOST_FOR_PAIRS or len(next(iter(group))) > _LONGEST_FOR_PAIRS:
        return {}
    contexts: dict[tuple[int, int, Words], set[Words]] = defaultdict(set)
    for shape in group:
        wordy = [place for place, word in enumerate(shape) if word != ANY]
        for one, two in itertools.combinations(wordy, 2):
            contexts[one, two, shape[:one] + shape[one + 1 : two] + shape[two + 1 :]].add(shape)
    holes: dict[Words, dict[int, str]] = defaultdict(dict)
    for (one, two, around), shapes in contexts.items():
        if len(shapes) >= _MANY and _constants(around) >= 2:
            first, second = {shape[one] for shape in shapes}, {shape[two] for shape in shapes}
            if _is_variable(first, around, known) and _is_variable(second, around, known):
                _dig(holes, shapes, one, first, learnt)
                _dig(holes, shapes, two, second, learnt)
    return {shape: _with_holes(shape, places) for shape, places in holes.items()}


def _dig(
    holes: dict[Words, dict[int, str]], shapes: set[Words], place: int, values: set[str], learnt: set[str]
) -> None:
    learnt |= {_bare(value) for value in values}
    ends = {value[len(value.rstrip(_POINTS)) :] for value in values}
    filled = ANY + (ends.pop() if len(ends) == 1 else "")
    for shape in shapes:
        holes[shape][place] = min(filled, holes[shape].get(place, filled))


def _bare(value: str) -> str:
    return ANY if ANY in value else value.strip(_POINTS)


def _with_holes(shape: Words, places: dict[int, str]) -> Words:
    return tuple(places.get(place, word) for place, word in enumerate(shape))


def _constants(words: Words) -> int:
    return sum(1 for word in words if _WORD.search(word.replace(ANY, "")))


def _is_variable(values: set[str], around: Words, known: set[str]) -> bool:
    """Whether a place holds a variable, by the words that stand there and the constant ones around it."""
    bare = {_bare(value) for value in values}
    words, constants = bare - {ANY}, _constants(around)
    if not constants and len(around) < _BARE_PLACES:
        return False
    if constants >= 2 and (words <= known or ANY in bare):
        return True
    many = _MANY if constants >= 2 else _MANY_ALONE
    if 2 * sum(1 for word in words if _VERB.search(word)) >= len(words):
        many = _MANY_VERBS
    return len(bare) >= many


def _free_tails(shapes: set[Words]) -> Moves:
    """`rejected by <*>: any words` with words of any number."""
    tails: dict[Words, set[Words]] = defaultdict(set)
    for shape in shapes:
        for place in range(2, len(shape) - 1):
            if shape[place].endswith(":"):
                tails[shape[: place + 1]].add(shape)
    moves: Moves = {}
    for head in sorted(tails, key=lambda head: (-len(head), head)):
        found = tails[head]
        lengths = {len(shape) - len(head) for shape in found}
        worded = sum(1 for shape in found if not any(ANY in word for word in shape[len(head) :]))
        several = len(found) >= _TAILS and len(lengths) > 1 and max(lengths) <= _LONGEST_TAIL
        # Statements have variables in them, what people write has few.
        if several and _constants(head) >= 3 and worded >= 0.5 * len(found):
            moves |= dict.fromkeys(found, (*head, ANY))
    return moves


def _optional_ends(shapes: set[Words]) -> Moves:
    """A line with `, referer: <*>` at its end, which some lack."""
    moves: Moves = {}
    for shape in shapes:
        if len(shape) > 4 and shape[-2].endswith(":") and ANY in shape[-1] and shape[-3].endswith(","):
            without = (*shape[:-3], shape[-3].removesuffix(","))
            if without in shapes:
                moves[without] = shape
    return moves


def _optional_pairs(shapes: set[Words]) -> Moves:
    """Lines that differ by pairs of `key=value` that some lack are as the one that has them all."""
    groups: dict[Words, list[Words]] = defaultdict(list)
    for shape in shapes:
        groups[tuple(word for word in shape if not _PAIR.fullmatch(word))].append(shape)
    moves: Moves = {}
    for bare, found in groups.items():
        if len(found) > 1 and _constants(bare) >= 2:
            fullest = max(found, key=lambda shape: (len(shape), shape))
            keys = {word.split("=", 1)[0] for word in fullest if _PAIR.fullmatch(word)}
            for shape in found:
                if all(word.split("=", 1)[0] in keys for word in shape if _PAIR.fullmatch(word)):
                    moves[shape] = fullest
    return moves
