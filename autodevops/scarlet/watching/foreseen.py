"""What is going to run out as a source."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from autodevops.domain.signal import Signal
from autodevops.scarlet.learning.foresight import Foresight
from autodevops.scarlet.watching.sight import Seen, Sight


class Foreseen:
    system: Final = "prometheus"
    hides: Final = ("prediction/",)

    def __init__(self, foresight: Foresight) -> None:
        self._foresight = foresight

    async def look(self, now: datetime) -> Sight:
        look = await self._foresight.look(now)
        blind = tuple(one.model_copy(update={"hides": self.hides}) for one in look.blind)
        return Sight(tuple(_seen(signal) for signal in look.signals), blind)


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
