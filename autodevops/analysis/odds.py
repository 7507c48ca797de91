"""Which of several changes caused a failure, or none of them: clues multiply odds, and the shares of all add up to one.

A clue is a likelihood ratio: how much more often it is seen beside the change that did it than beside one that did not
(Good, 1950). Changes compete: that one is named depends on how well the others account for it as well, and on how
likely it is that nothing that was deployed did it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod


@dataclass(frozen=True)
class Clue:
    """`times`: above 1 it speaks for a change, below against; `why` completes "it ...", where people should know."""

    times: float
    why: str = ""


def odds(clues: Sequence[Clue]) -> float:
    return prod(clue.times for clue in clues)


def shares(candidates: Sequence[Sequence[Clue]], none: float) -> list[float]:
    """Of each candidate, how likely it is the one; what is missing to 1 is that it is none, whose odds are `none`."""
    each = [odds(clues) for clues in candidates]
    return [one / (sum(each) + none) for one in each]


def told(clues: Sequence[Clue], most: int = 2) -> str:
    """What speaks for it, the strongest first."""
    strong = sorted((clue for clue in clues if clue.why and clue.times > 1.0), key=lambda clue: -clue.times)
    return " and ".join(dict.fromkeys(clue.why for clue in strong[:most]))
