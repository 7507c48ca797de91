"""What is going to run out as a source: asked every few minutes, and held in between."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from autodevops.domain.signal import Signal
from autodevops.scarlet.learning.foresight import foresee
from autodevops.scarlet.watching.sight import Seen, Sight
from autodevops.settings import LearningSettings
from autodevops.toolbox.protocol import Tools

EVERY: Final = timedelta(minutes=5)


class Foreseen:
    system: Final = "prometheus"
    hides: Final = ("prediction/",)

    def __init__(self, tools: Tools, settings: LearningSettings) -> None:
        self._tools = tools
        self._settings = settings
        self._last: tuple[datetime, Sight] | None = None

    async def look(self, now: datetime) -> Sight:
        if self._last is not None and now - self._last[0] < EVERY and not self._last[1].blind:
            return self._last[1]
        look = await foresee(self._tools, now, self._settings)
        blind = tuple(one.model_copy(update={"hides": self.hides}) for one in look.blind)
        sight = Sight(tuple(_seen(signal) for signal in look.signals), blind)
        self._last = (now, sight)
        return sight


def _seen(signal: Signal) -> Seen:
    return Seen(
        origin="prediction",
        name=signal.name,
        subject=signal.subject,
        namespace=signal.namespace,
        severity=signal.severity,
        words=signal.words,
        since=signal.since,
        query=signal.query,
        labels=signal.labels,
    )
