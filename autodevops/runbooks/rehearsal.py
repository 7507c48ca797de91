"""What can be said of a run without running it: its values, what must hold for it, and what will be asked about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from autodevops.domain.base import Json, Noun
from autodevops.runbooks.catalogue import Precondition, Runbook, read_notebook, tags_of
from autodevops.runbooks.gates import GATED
from autodevops.runbooks.parameters import resolve

# `unknown`: only a person can tell, no system has been named
State = Literal["met", "not met", "unknown"]


class Answered(Noun):
    """A precondition, and what its system said."""

    precondition: Precondition
    state: State
    message: str = ""
    next_step: str = ""


class Rehearsal(Noun):
    runbook: str
    parameters: dict[str, Json]
    preconditions: tuple[Answered, ...]
    gated_cells: tuple[int, ...]  # counted from 1: a gate is asked before each of them

    @property
    def ready(self) -> bool:
        return all(answered.state != "not met" for answered in self.preconditions)


def rehearsal(runbook: Runbook, given: Mapping[str, Json], preconditions: tuple[Answered, ...]) -> Rehearsal:
    """Raises UsageError when a parameter is wrong."""
    cells = read_notebook(runbook.path, runbook.source)["cells"]
    gated = (number for number, cell in enumerate(cells, start=1) if set(GATED) & set(tags_of(cell)))
    values = resolve(runbook.name, runbook.front.parameters, given)
    return Rehearsal(
        runbook=runbook.name, parameters=dict(values), preconditions=preconditions, gated_cells=tuple(gated)
    )
