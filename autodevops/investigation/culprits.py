"""How well each deployed commit accounts for an incident, beside all others and beside no commit at all.

Where it was deployed, when, what it says of what fails and what kind of edit it is are clues that multiply its odds
(`analysis/odds.py`). What each clue is worth is written here, once; it was set by how such incidents come about, and
checked on made-up ones (docs/benchmarks.md). A commit is one candidate however many rollouts brought it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

from autodevops.analysis.blame import Judgement
from autodevops.analysis.common_words import COMMON
from autodevops.analysis.diffs import Edit
from autodevops.analysis.edit_kinds import only_tells, takes_minor_versions
from autodevops.analysis.odds import Clue
from autodevops.analysis.shared_words import in_common, spelled, spoken_of, stem
from autodevops.analysis.signs import Signs, numbers

_SOON: Final = timedelta(minutes=5)  # half of what fails because of a release fails within this time
_AT_ONCE, _LATER = 3.0, 0.4  # what a release just before it is worth, and one long before
_AFTER: Final = 1.0  # one a minute or two after it
_WORD: Final = 4.0  # a word that what fails and one commit alone speak of
_MOST_WORDS: Final = 2.5  # of these; more come of being about the same matter
_COMMON_WORD: Final = 0.4  # of a word
_UNSPOKEN: Final = 0.87  # each word that what fails says, to an edit that speaks of none
_SILENT: Final = 0.2  # all these words together
_ENOUGH: Final = 0.67  # of one word, to speak of what fails
_ONLY_TELLS: Final = 0.3
_VERSIONS: Final = 0.4  # only takes other versions of what it depends on, none of them a new major one
_ACCOUNTS: Final = 0.45  # a judgement of edit and failure from which on time matters less
_EVERYWHERE = re.compile(r"\d\d|[1-5]\d\d")
_KNOWN_TO: Final = 2.0  # the power of what the comparison of edit and failure leaves of doubt

NOTHING_DEPLOYED: Final = 1.0
"""The odds that no commit did it, where errors came with what fails."""
NOT_SEEN_TO_ERR: Final = 3.0
"""The same where it only became slow or uses up something: that comes of load and of age as well."""


def clues(
    place: Clue,
    at: datetime,
    onset: datetime,
    edits: Sequence[Edit],
    judged: Judgement,
    shared: dict[str, float],
    said: int,
) -> tuple[Clue, ...]:
    """`shared` are the words that it has in common with what fails, and what each is worth; `said` is how many words
    what fails says that are new."""
    when = moment(at, onset)
    if judged.score >= _ACCOUNTS and when.times < 1.0:
        when = Clue(1.0)  # what uses something up, or waits for the first request of a kind, shows long after
    found = [place, when]
    tells = only_tells(edits)
    if tells:
        shared = {}  # a line that logs is about the same matter and does nothing to it
    if judged.score > 0:
        found.append(Clue((1.0 - min(judged.score, 0.99)) ** -_KNOWN_TO, judged.why))
    if shared:
        words = sorted(shared, key=lambda word: -shared[word])
        found.append(Clue(math.pow(_WORD, min(_MOST_WORDS, sum(shared.values()))), _speaks_of(words)))
    if any(edit.kind != "dependency" for edit in edits):  # what a library changes stands in no diff of ours
        spoken = min(1.0, judged.score + sum(shared.values()) / _ENOUGH)
        found.append(Clue(max(_SILENT, _UNSPOKEN**said) ** (1.0 - spoken)))
    if judged.score < _ACCOUNTS and takes_minor_versions(edits):
        found.append(Clue(_VERSIONS))
    elif tells:
        found.append(Clue(_ONLY_TELLS))
    return tuple(found)


def words_in_common(
    edits: Sequence[Edit], signs: Signs, ordinary: frozenset[str], rare: Callable[[str], float]
) -> dict[str, float]:
    """Words of the edits that what fails speaks of too, as they are written there, each with its worth of 0 to 1."""
    nothing = frozenset(stem(word) for word in ordinary)
    found = in_common(spoken_of(edits), signs.stems - nothing, signs.done_worse - nothing, rare)
    written = spelled(edits) if found else {}
    shared = {written[word]: worth * (_COMMON_WORD if word in _COMMON else 1.0) for word, worth in found.items()}
    return shared | dict.fromkeys(_telling_numbers(edits) & signs.numbers, 1.0)


def _telling_numbers(edits: Sequence[Edit]) -> set[str]:
    """New numbers that are no chance: of three digits and more, but no status codes."""
    new = {number for edit in edits for number in numbers(edit.added) - numbers(edit.removed)}
    return {number for number in new if not _EVERYWHERE.fullmatch(number)}


_COMMON: Final = frozenset(stem(word) for word in COMMON)


def moment(at: datetime, onset: datetime) -> Clue:
    """What the time from going live to the onset is worth. Onsets are known to a scrape or two, so what came a little
    later is not ruled out, but pods need to start before they can do harm."""
    gap = onset - at
    if gap < timedelta(0):
        return Clue(_AFTER)
    return Clue(_LATER + _AT_ONCE * math.pow(0.5, gap / _SOON), _when(gap) if gap <= 2 * _SOON else "")


def _when(gap: timedelta) -> str:
    minutes = round(gap.total_seconds() / 60)
    return f"went live {minutes} min before it began" if minutes else "went live just as it began"


def _speaks_of(words: Sequence[str]) -> str:
    return f"speaks of what fails ({', '.join(words[:3])})"
