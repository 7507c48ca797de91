"""Whether what people said yes to still has its reason: minutes to hours pass between a question and its answer.

A plan that is bound to what was there (its digest) says that the object is as it was, not that it is still at fault: a
queue may drain by now, a workload have recovered. So the incident is investigated once more right before it is done.
"""

from __future__ import annotations

from collections.abc import Awaitable
from datetime import datetime
from typing import Final, Protocol

from autodevops.domain.hypothesis import Hypothesis
from autodevops.domain.incident import Incident
from autodevops.domain.investigation import Investigation
from autodevops.domain.operation import Proposal
from autodevops.domain.remedy import Remedy
from autodevops.domain.window import TimeWindow
from autodevops.kernel.errors import AutoDevOpsError, ToolError
from autodevops.scarlet.response import cases
from autodevops.scarlet.response.causes import cause_for, same
from autodevops.scarlet.response.hands import BESIDE, Place

_NEEDED: Final = ("kubernetes", "prometheus")
_NEEDED_BESIDE: Final = ("prometheus",)


class Investigates(Protocol):
    def __call__(self, place: Place, window: TimeWindow, /) -> Awaitable[Investigation]: ...


class Remedies(Protocol):
    def __call__(self, hypothesis: Hypothesis, /) -> Awaitable[tuple[Remedy, ...]]: ...


def needed(place: Place) -> tuple[str, ...]:
    """The systems without which nothing is done: what cannot be seen cannot be verified."""
    return _NEEDED_BESIDE if place == BESIDE else _NEEDED


def unseen(found: Investigation) -> tuple[str, ...]:
    return tuple(name for name in found.silent_systems if name in needed(found.namespace))


async def why_not_any_more(
    investigate: Investigates, remedies: Remedies, incident: Incident, proposal: Proposal, now: datetime
) -> str:
    """In words, why an action for an incident is not to be done by now; empty where its cause is still there.

    Another reason on the same subject will do as long as the same action is offered for it: a leak is a container
    killed for memory a little later.
    """
    if incident.phase == "closed":
        return "What it was for is over."
    try:
        found = await investigate(incident.namespace, cases.window_of(incident.signals, now))
    except AutoDevOpsError as error:
        return f"Whether its cause is still there cannot be told: {error}"
    if dark := unseen(found):
        return f"Whether its cause is still there cannot be told: {' and '.join(dark)} cannot be seen."
    newer, cause = cause_for(incident, found), incident.cause
    if newer is None:
        return f"Its cause is not seen any more: {found.summary}"
    if cause is None or not same(newer.subject, cause.subject):
        return f"Another cause is likelier by now: {newer.summary}"
    if newer.reason == proposal.reason:
        return ""
    try:
        offered = await remedies(newer)
    except ToolError as error:
        return f"Whether it still helps cannot be told: {error}"
    if any(proposal.is_as(one) for one in offered):
        return ""
    return f"It does not help against what is wrong by now: {newer.summary}"
