"""A schedule's parameters for one run: its fixed ones, its place in the matrix, and what an event says.

A value such as `"{namespace}"` takes the event's fact of that name. It becomes the text of a parameter and nothing
more: the runbook's declaration (type, pattern, choices) decides whether it may.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from autodevops.domain.base import Json
from autodevops.kernel.errors import UsageError
from autodevops.runbooks.parameters import Parameter, from_text
from autodevops.scarlet.schedule import PLACE, Schedule


def filled(
    schedule: Schedule, declared: Mapping[str, Parameter], cell: Mapping[str, Json], facts: Mapping[str, str]
) -> dict[str, Json]:
    """Raises UsageError when the event lacks a fact, or a fact is not of its parameter's type."""
    values: dict[str, Json] = {}
    for name, value in {**schedule.parameters, **cell}.items():
        if not isinstance(value, str) or not re.search(PLACE, value) or schedule.event is None:
            values[name] = value
            continue
        text = re.sub(PLACE, lambda found: _fact(schedule, found[1], facts), value)
        parameter = declared.get(name)
        values[name] = text if parameter is None else from_text(schedule.runbook, name, parameter, text)
    return values


def fixed(schedule: Schedule) -> dict[str, Json]:
    """Parameters that do not wait for an event's facts."""
    waiting = schedule.event is not None
    return {
        name: value
        for name, value in schedule.parameters.items()
        if not (waiting and isinstance(value, str) and re.search(PLACE, value))
    }


def _fact(schedule: Schedule, name: str, facts: Mapping[str, str]) -> str:
    if name not in facts:
        known = ", ".join(sorted(facts)) or "none"
        raise UsageError(f"Schedule {schedule.name} wants {{{name}}} of an event that has none.", f"It has: {known}.")
    return facts[name]
