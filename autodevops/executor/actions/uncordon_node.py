"""Uncordon a node: pods are placed on it again.

For a node that was forgotten after maintenance, while pods wait for room. Refused while the node is not ready; machines
ask, for nothing says who cordoned it, and why. Undo: it is cordoned again, and what was placed on it meanwhile stays.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.action import UncordonNode
from autodevops.domain.decision import Refusal
from autodevops.domain.plan import PreState
from autodevops.executor.fields import refusal
from autodevops.executor.nodes import NodeKind


class UncordonNodeKind(NodeKind[UncordonNode]):
    noun = UncordonNode
    schedulable = True
    undo_words = "It is cordoned again; what was placed on it meanwhile stays there."

    def doubts(self, pre: PreState) -> tuple[str, ...]:
        return ("Who cordoned it, and why, is not known.",)

    def objections(self, action: UncordonNode, pre: PreState) -> Iterable[Refusal]:
        if pre.bound["schedulable"]:
            yield refusal(f"{action.subject} takes pods already.", "Nothing is to be done.")
        if not all(state.ready for state in pre.nodes):
            yield refusal(f"{action.subject} is not ready.", "See what the node says first.")
