"""Prometheus as a source: own baselines of what workloads are asked, fail and take."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final

from autodevops.domain.signal import Blind
from autodevops.scarlet.watching.golden import ORIGIN, Golden
from autodevops.scarlet.watching.places import Places
from autodevops.scarlet.watching.requests import Requests
from autodevops.scarlet.watching.sight import Sight
from autodevops.toolbox.protocol import Tools


class Metrics:
    system: Final = "prometheus"
    hides: Final = ("metric/", "alert/")
    """An Alertmanager whom Prometheus tells nothing resolves its alerts by itself: their end means nothing then."""

    def __init__(self, tools: Tools, places: Callable[[], Places]) -> None:
        self._places = places
        self._requests = Requests(tools)
        self._golden = Golden(self._requests)

    async def look(self, now: datetime) -> Sight:
        """Raises ToolError and ValidationError."""
        await self._requests.refresh(now, self._places())
        cut = self._requests.cut
        blind = (Blind(system=self.system, words=cut, hides=(f"{ORIGIN}/",)),) if cut else ()
        return Sight(await self._golden.look(now), blind)
