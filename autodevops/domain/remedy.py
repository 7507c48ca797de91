"""A typed action that answers a cause, as it is offered; the executor's table makes them, whoever asks proposes one."""

from __future__ import annotations

from typing import Literal

from autodevops.domain.action import Action
from autodevops.domain.base import Noun


class Remedy(Noun):
    """An action for a hypothesis, and in words what it does about it."""

    action: Action
    kind: Literal["mitigation", "remediation"]
    why: str
