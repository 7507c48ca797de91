"""Windows that hang on an event: since the last deploy, an hour before the incident. The event is looked up."""

from __future__ import annotations

from datetime import datetime

from pydantic import ValidationError

from autodevops.domain.investigation import Investigation
from autodevops.domain.tool_results import AlertList
from autodevops.domain.window import TimeWindow
from autodevops.jamie import catalogue
from autodevops.jamie.narrator_builtin import onset_of
from autodevops.jamie.timephrase import LONGEST, Anchor, Doubt, bounded
from autodevops.kernel.errors import ToolError
from autodevops.toolbox.protocol import Tools


async def window_at(
    anchor: Anchor, phrase: str, tools: Tools, namespace: str, name: str, found: Investigation | None, now: datetime
) -> TimeWindow | Doubt:
    """The window that `anchor` means, or why there is none."""
    if anchor.event == "deploy":
        moment = await _deployed(tools, namespace, name)
        if moment is None:
            whose = f"of {name} " if name else ""
            return Doubt(
                f"I see no deploy {whose}in {namespace}. From when do you mean?", ("in the last hour", "today")
            )
    else:
        moment = await _began(tools, namespace, found)
        if moment is None:
            return Doubt(
                f"Which incident? I have found none yet, and no alert is firing in {namespace}. From when do you mean?",
                ("in the last hour", "today"),
            )
    if anchor.side == "before":
        return bounded(moment - anchor.length, moment, now, phrase)
    if anchor.side == "after":
        return bounded(moment, moment + anchor.length, now, phrase)
    if now - moment > LONGEST:
        return Doubt(
            f"That was on {moment:%Y-%m-%d %H:%M} UTC, longer ago than the {LONGEST.days} days I look at in one go. "
            "Which part of it?",
            ("in the last 7 days", "in the last 24 hours"),
        )
    return bounded(moment, now, now, phrase)


async def _deployed(tools: Tools, namespace: str, name: str) -> datetime | None:
    try:
        return await catalogue.last_rollout(tools, namespace, name)
    except ToolError:
        return None


async def _began(tools: Tools, namespace: str, found: Investigation | None) -> datetime | None:
    """When the trouble that was found last began, else since when the longest-firing alert fires."""
    onset = onset_of(found) if found is not None and found.namespace == namespace else None
    if onset is not None:
        return onset.at
    try:
        answer = await tools.call("prometheus.list_alerts", {})
        alerts = AlertList.model_validate(answer.data).alerts
    except (ToolError, ValidationError):
        return None
    firing = [
        alert.starts_at
        for alert in alerts
        if alert.state == "firing" and alert.labels.get("namespace", namespace) == namespace
    ]
    return min(firing, default=None)
