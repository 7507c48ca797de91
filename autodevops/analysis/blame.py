"""How well an edit accounts for a failure: by places, by names, by mechanism.

Strongest is a stack frame in the edited file; then a distinctive name that the edit brought or took away and that the
failure speaks of (a table, a key, a host, a method); then an edit of the kind that makes such failures. What an edit
only mentions on both sides counts for nothing, so that moving code around is not taken for changing it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from autodevops.analysis.common_words import COMMON
from autodevops.analysis.diffs import HARMLESS, Edit, canonical, spellings, words
from autodevops.analysis.edit_effects import matches
from autodevops.analysis.mechanisms import Mechanism
from autodevops.analysis.signs import Signs, called_in, numbers

_FRAME_FILE, _FRAME_FUNCTION = 0.7, 0.6
_NAME, _NAME_TAKEN, _WORD, _GONE = 0.6, 0.45, 0.15, 0.6
_MECHANISM, _FURTHER, _NUMBER, _PLACE = 0.45, 0.15, 0.4, 0.1
_PACKAGE, _VERSION = 0.6, 0.1
_LEAST_NAME, _LEAST_WORD = 6, 5  # letters
_COUNTED = 3  # names, words

_COMPOUND = re.compile(r"[A-Za-z0-9]+[_-][A-Za-z0-9]|[a-z0-9][A-Z]|[A-Za-z0-9]\.[A-Za-z0-9]")


@dataclass(frozen=True)
class Judgement:
    """`score` is 0 to 1; `why` completes "It ..."; `path` is the file that tells most; `named` that a name of the edit,
    brought or taken away, is in what fails."""

    score: float
    why: str = ""
    path: str = ""
    named: bool = False


@dataclass(frozen=True)
class _Reason:
    weight: float
    why: str
    path: str
    named: bool = False


def judge(edits: Sequence[Edit], signs: Signs, ordinary: frozenset[str] = frozenset()) -> Judgement:
    """How well the edits account for the signs. `ordinary` are words that tell nothing here, such as service names."""
    telling = [edit for edit in edits if edit.kind not in HARMLESS and not edit.changes_nothing]
    reasons = [
        *_by_frame(telling, signs),
        *_by_name(telling, signs, ordinary),
        *_by_mechanism(telling, signs, ordinary),
    ]
    if reasons:
        reasons += _by_place(telling, signs)
    if not reasons:
        return Judgement(0.0)
    doubt = 1.0
    for reason in reasons:
        doubt *= 1.0 - reason.weight
    strongest = max(reasons, key=lambda reason: reason.weight)
    told = list(dict.fromkeys(r.why for r in sorted(reasons, key=lambda r: -r.weight) if r.weight > _WORD))[:2]
    named = any(reason.named for reason in reasons)
    return Judgement(round(1.0 - doubt, 3), " and ".join(told or [strongest.why]), strongest.path, named)


def is_harmless(edits: Sequence[Edit]) -> bool:
    """Whether nothing of it runs where requests are served: documents, tests, styles, comments."""
    return bool(edits) and all(edit.kind in HARMLESS or edit.changes_nothing for edit in edits)


def _by_frame(edits: Sequence[Edit], signs: Signs) -> Iterable[_Reason]:
    for edit in edits:
        around = [text for path, text in signs.frames if _same_file(path, edit.path)]
        if not around:
            continue
        yield _Reason(_FRAME_FILE, f"changes {edit.path} (the stack trace names it)", edit.path)
        called = frozenset().union(*(called_in(text) for text in around))
        hit = next((place for place in edit.places if canonical(place) in called), "")
        if hit:
            yield _Reason(_FRAME_FUNCTION, f"changes {hit}, in which it fails", edit.path)


def _same_file(frame: str, path: str) -> bool:
    """Whether a frame's path ends as the file's does: in two parts, or in all the parts that the shorter has."""
    one, two = frame.strip("./@").split("/"), path.split("/")
    depth = min(2, len(one), len(two))
    return one[-depth:] == two[-depth:]


def _by_name(edits: Sequence[Edit], signs: Signs, ordinary: frozenset[str]) -> Iterable[_Reason]:
    seen: set[str] = set()
    names = simple = 0
    own = [edit for edit in edits if edit.kind != "dependency"]
    there = words([line for edit in own for line in edit.added])
    gone = words([line for edit in own for line in edit.removed])
    for edit in own:
        spelled = _spelled([*edit.added, *edit.removed])
        for changed, verb in ((edit.introduced - gone, "brings"), (edit.dropped - there, "takes away")):
            for word in sorted((changed & signs.words) - ordinary - COMMON - seen):
                shown = spelled.get(word, word)
                compound = bool(_COMPOUND.search(shown)) and len(word) >= _LEAST_NAME
                if compound and names < _COUNTED:
                    names += 1
                    weight = _NAME if verb == "brings" else _NAME_TAKEN
                    yield _Reason(weight, f"{verb} {shown}, which is in what fails", edit.path, named=True)
                elif len(word) >= _LEAST_WORD and not compound and verb == "brings" and simple < _COUNTED:
                    simple += 1
                    yield _Reason(_WORD, f"{verb} the word {shown}, which is in what fails", edit.path)
                seen.add(word)
        spelled_there, spelled_gone = spellings(edit.added), spellings(edit.removed)
        for left, right, verb in ((spelled_there, spelled_gone, "brings"), (spelled_gone, spelled_there, "takes away")):
            for word in sorted((left - right) & signs.exact):
                # A key that is now written otherwise: the same word, and another name to who reads it.
                if canonical(word) in edit.introduced | edit.dropped | ordinary | seen or names >= _COUNTED:
                    continue
                if _COMPOUND.search(word) and len(word) >= _LEAST_NAME:
                    names += 1
                    seen.add(canonical(word))
                    weight = _NAME if verb == "brings" else _NAME_TAKEN
                    yield _Reason(weight, f"{verb} {word}, which is in what fails", edit.path, named=True)
        for word in sorted(((edit.dropped - there) & signs.gone) - ordinary - seen):
            seen.add(word)
            yield _Reason(
                _GONE, f"takes away {spelled.get(word, word)}, which slow or failing calls lack now", edit.path
            )


def _spelled(lines: Iterable[str]) -> dict[str, str]:
    """How a word is written in the diff, by its canonical form."""
    found: dict[str, str] = {}
    for line in lines:
        for match in re.findall(r"[A-Za-z_][A-Za-z0-9_]*(?:[-.][A-Za-z0-9_]+)*", line):
            found.setdefault(canonical(match), match)
            for part in re.split(r"[-.]", match):
                found.setdefault(canonical(part), part)
    return found


def _by_mechanism(edits: Sequence[Edit], signs: Signs, ordinary: frozenset[str]) -> Iterable[_Reason]:
    further = False
    for match in matches(signs.text, edits):
        mechanism, edit = match.mechanism, match.edit
        if mechanism.name == "dependency":
            yield from _by_package([e for e in edits if e.kind == "dependency"], signs, ordinary)
            continue
        weight = _FURTHER if further else _MECHANISM
        further = True
        yield _Reason(weight, mechanism.does, edit.path)
        number = _number_in_both(mechanism, edit, signs)
        if number:
            yield _Reason(_NUMBER, f"sets {number}, which is in what fails", edit.path)


def _by_package(edits: Sequence[Edit], signs: Signs, ordinary: frozenset[str]) -> Iterable[_Reason]:
    said = words([signs.text])
    for edit in edits:
        packages = words([*edit.removed, *edit.added]) - ordinary - COMMON
        hit = sorted(
            word for word in packages & said if len(word) >= _LEAST_WORD and not any(c.isdigit() for c in word)
        )
        if hit:
            yield _Reason(_PACKAGE, f"takes another version of {hit[0]}, of which the error speaks", edit.path)
        else:
            yield _Reason(_VERSION, "takes another version of a dependency", edit.path)


def _number_in_both(mechanism: Mechanism, edit: Edit, signs: Signs) -> str:
    """A number that the edit sets on a line of this mechanism, and that is new in what fails."""
    added = numbers(line for line in edit.added if mechanism.edit.search(line))
    return min((added - numbers(edit.removed)) & signs.numbers, default="")


def _by_place(edits: Sequence[Edit], signs: Signs) -> Iterable[_Reason]:
    for edit in edits:
        hit = next((p for p in edit.places if canonical(p) in signs.operations and len(p) >= _LEAST_WORD), "")
        if hit:
            yield _Reason(_PLACE, f"lies in {hit}, which fails", edit.path)
            return
