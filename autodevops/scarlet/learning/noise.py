"""Alerts that tell people nothing, as lessons with what to change. Asks Prometheus for what fired."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from statistics import median

from autodevops.analysis.alert_noise import AlertRecord, Episode, constant, episodes, flapping, records
from autodevops.domain.base import Json
from autodevops.domain.incident import Incident
from autodevops.domain.learned import Learned, Lesson
from autodevops.domain.tool_results import SeriesResult
from autodevops.kernel.errors import ToolRejected
from autodevops.toolbox.protocol import Tools

SHORT = timedelta(minutes=10)
FLAPS = 3
VAIN = 5  # episodes that led to nothing
_SAMPLES = 1000  # asked of each series


async def fired(tools: Tools, window: timedelta, now: datetime) -> tuple[Episode, ...]:
    """Every stretch in which an alert fired in a namespace. Raises ToolError, also when not all of it can be read."""
    step = max(30, round(window.total_seconds() / _SAMPLES))
    arguments: dict[str, Json] = {
        "query": 'max by (alertname, severity, namespace) (ALERTS{alertstate="firing"})',
        "start": (now - window).isoformat(),
        "end": now.isoformat(),
        "step_seconds": step,
    }
    answer = await tools.call("prometheus.query_range", arguments)
    if answer.truncated:
        raise ToolRejected("More alerts fired than one answer holds.", "Give fewer learning.noise_days.")
    found = SeriesResult.model_validate(answer.data).series
    return tuple(
        one
        for series in found
        for one in episodes(series.labels, [at for at, value in series.samples if value is not None], step, now)
    )


def noise(
    found: Iterable[Episode],
    incidents: Collection[Incident],
    known: Iterable[Learned],
    window: timedelta,
    *,
    watched: bool,
) -> tuple[Lesson, ...]:
    """`watched`: Scarlet looked at alerts in that time; else that none led to an incident says nothing. Of what a
    person undid, only what fired since counts."""
    undone = {one.lesson.about: one.forgotten for one in known if one.lesson.kind == "noise" and one.forgotten}
    rows = records((one for one in found if one.alert not in undone or one.since > undone[one.alert]), short=SHORT)
    led = {signal.name for incident in incidents for signal in incident.signals if signal.source == "alert"}
    said: dict[str, list[tuple[str, str]]] = {}
    for row in flapping(rows, FLAPS):
        words = f"{row.short} of {row.times} times it was over within {_minutes(SHORT)}: give it a longer `for`."
        said.setdefault(row.alert, []).append(("flaps", words))
    for row in constant(rows, window):
        words = f"It fired {_minutes(row.longest)} without a break: mend what it tells of, or delete its rule."
        said.setdefault(row.alert, []).append(("never ends", words))
    for row in rows if watched else ():
        if row.alert not in led and _in_vain(row):
            middle = timedelta(seconds=median(one.lasted.total_seconds() for one in row.episodes))
            words = f"It fired {row.times} times, for {_minutes(middle)} in the middle, and no incident had it."
            said.setdefault(row.alert, []).append(("leads to nothing", words))
    return tuple(
        Lesson(
            kind="noise",
            about=alert,
            value=", ".join(dict.fromkeys(value for value, _ in pairs)),
            reason=f"In {window.total_seconds() / 86_400:g} days: {' '.join(words for _, words in pairs)}",
        )
        for alert, pairs in sorted(said.items())
    )


def _in_vain(row: AlertRecord) -> bool:
    return row.times >= VAIN and not row.firing


def _minutes(length: timedelta) -> str:
    return f"{length.total_seconds() / 60:,.0f} minutes"
