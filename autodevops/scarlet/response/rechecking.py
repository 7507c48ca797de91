"""Whether what people said yes to still has its reason: minutes to hours pass between a question and its answer.

A plan that is bound to what was there (its digest) says that the object is as it was, not that it is still at fault: a
queue may drain by now, a workload have recovered. So the incident is investigated once more right before it is done.
"""

from __future__ import annotations

from collections.abc import Awaitable
from datetime import datetime
from typing import Final, NamedTuple, Protocol

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

_STAYS: Final = ("LOG", "TRC", "CHG")  # rules of what was said or done
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


class Objection(NamedTuple):
    """Why an action is not to be done by now. `over`: what it was for has ended."""

    words: str
    over: bool = False


async def why_not_any_more(
    investigate: Investigates, remedies: Remedies, incident: Incident, proposal: Proposal, now: datetime
) -> Objection | None:
    """Nothing where an action's cause is still there.

    Another reason on the same subject will do as long as the same action is offered for it: a leak is a container
    killed for memory a little later.
    """
    if incident.phase == "closed":
        return Objection("What it was for is over.", over=True)
    try:
        found = await investigate(incident.namespace, cases.window_of(incident.signals, now))
    except AutoDevOpsError as error:
        return Objection(f"Whether its cause is still there cannot be told: {error}")
    if dark := unseen(found):
        return Objection(f"Whether its cause is still there cannot be told: {' and '.join(dark)} cannot be seen.")
    newer, cause = cause_for(incident, found), incident.cause
    if newer is None:
        return Objection(f"Its cause is not seen any more: {found.summary}")
    if cause is None or not same(newer.subject, cause.subject):
        return Objection(f"Another cause is likelier by now: {newer.summary}")
    if ended := _ended(found, newer):
        return Objection(f"It is over: {ended}", over=True)
    if newer.reason == proposal.reason:
        return None
    try:
        offered = await remedies(newer)
    except ToolError as error:
        return Objection(f"Whether it still helps cannot be told: {error}")
    if any(proposal.is_as(one) for one in offered):
        return None
    return Objection(f"It does not help against what is wrong by now: {newer.summary}")


def _ended(found: Investigation, cause: Hypothesis) -> str:
    """What was measured of those who are hurt and is over, if nothing measured goes on: lines, traces and a release
    stay in the window of an investigation for long after."""
    hurt = (cause.subject, *cause.suffering)
    about = [one for one in found.findings if any(same(one.subject, subject) for subject in hurt)]
    if any(one.severity != "info" and not one.rule_id.startswith(_STAYS) for one in about):
        return ""
    ended = [one for one in about if one.ended is not None]
    return min(ended, key=lambda one: (one.subject != cause.subject, one.message)).message if ended else ""
