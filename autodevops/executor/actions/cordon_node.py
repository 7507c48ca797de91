"""Cordon a node: no new pods are placed on it; those on it stay.

For a machine that is suspected, before anybody is hurt by it. Refused for the last node that takes pods. Undo: pods are
placed on it again.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.action import CordonNode
from autodevops.domain.decision import Refusal
from autodevops.domain.plan import PreState
from autodevops.executor.fields import refusal
from autodevops.executor.nodes import NodeKind


class CordonNodeKind(NodeKind[CordonNode]):
    noun = CordonNode
    schedulable = False
    undo_words = "Pods are placed on it again."

    def objections(self, action: CordonNode, pre: PreState) -> Iterable[Refusal]:
        if not pre.bound["schedulable"]:
            yield refusal(f"{action.subject} is cordoned already.", "Nothing is to be done.")
        if not pre.saved["others"]:
            yield refusal("No other node is ready and takes pods.", "Bring another node up first.")
