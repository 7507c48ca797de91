"""A schedule's parameters for one run: its fixed ones, its place in the matrix, and what an event says.

A value such as `"{namespace}"` takes the event's fact of that name. It becomes the text of a parameter and nothing
more: the runbook's declaration (type, pattern, choices) decides whether it may.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from autodevops.domain.base import Json
from autodevops.kernel.errors import AutoDevOpsError, UsageError
from autodevops.runbooks import Catalogue
from autodevops.runbooks.parameters import Parameter, from_text, resolve
from autodevops.scarlet.schedules.schedule import PLACE, Schedule


def waits(schedule: Schedule, value: Json) -> bool:
    """Whether a parameter's value has a place for a fact of the event."""
    return schedule.event is not None and isinstance(value, str) and re.search(PLACE, value) is not None


def check(schedule: Schedule, catalogue: Catalogue) -> None:
    """Raises UsageError when the schedule names no runbook, or gives parameters that it does not take.

    A value that waits for an event is only checked to be for a parameter of the runbook.
    """
    try:
        runbook = catalogue.load(schedule.runbook)
        declared = runbook.front.parameters
        for cell in schedule.cells:
            given = {**schedule.parameters, **cell}
            waiting = {name for name, value in given.items() if name in declared and waits(schedule, value)}
            resolve(
                runbook.name,
                {name: parameter for name, parameter in declared.items() if name not in waiting},
                {name: value for name, value in given.items() if name not in waiting},
            )
    except AutoDevOpsError as error:
        raise type(error)(f"Schedule {schedule.name}: {error.message}", error.next_step) from error


def filled(
    schedule: Schedule, declared: Mapping[str, Parameter], cell: Mapping[str, Json], facts: Mapping[str, str]
) -> dict[str, Json]:
    """Raises UsageError when the event lacks a fact, or a fact is not of its parameter's type."""
    values: dict[str, Json] = {}
    for name, value in {**schedule.parameters, **cell}.items():
        if not waits(schedule, value):
            values[name] = value
            continue
        text = re.sub(PLACE, lambda found: _fact(schedule, found[1], facts), str(value))
        parameter = declared.get(name)
        values[name] = text if parameter is None else from_text(schedule.runbook, name, parameter, text)
    return values


def _fact(schedule: Schedule, name: str, facts: Mapping[str, str]) -> str:
    if name not in facts:
        known = ", ".join(sorted(facts)) or "none"
        raise UsageError(f"Schedule {schedule.name} wants {{{name}}} of an event that has none.", f"It has: {known}.")
    return facts[name]
