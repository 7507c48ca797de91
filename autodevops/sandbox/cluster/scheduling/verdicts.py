"""Why a pod was not placed, in the scheduler's words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a node does not take a pod. `helpless`: taking pods off the node would change nothing."""

    reasons: tuple[str, ...]
    helpless: bool = False


NOT_HELPFUL = Refusal(("Preemption is not helpful for scheduling",), helpless=True)


def sentence(nodes: int, refusals: Iterable[Refusal], before: str = "", preemption: str = "") -> str:
    """`0/4 nodes are available: ...`, the reasons counted and sorted as text.

    `before` is what was wrong before any node was looked at and takes the place of the reasons; `preemption` follows.
    """
    counts = Counter(reason for refusal in refusals for reason in refusal.reasons)
    said = before or ", ".join(sorted(f"{count} {reason}" for reason, count in counts.items()))
    text = f"0/{nodes} nodes are available:"
    if said:
        text += f" {said}."
    return f"{text} {preemption}" if preemption else text


def fill(nodes: Iterable[str], some: Mapping[str, Refusal], rest: Refusal) -> list[Refusal]:
    """One refusal for each node: those known, and `rest` for the others."""
    return [some.get(name, rest) for name in nodes]
