"""Prometheus as a source: own baselines of what workloads are asked, fail and take, and how fast their error budgets
are spent. Both read the samples that were fetched once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Final

from autodevops.domain.signal import Blind
from autodevops.scarlet.watching.burn import Burn
from autodevops.scarlet.watching.golden import Golden
from autodevops.scarlet.watching.places import Places
from autodevops.scarlet.watching.pressures import NEEDS, Pressures
from autodevops.scarlet.watching.requests import Requests
from autodevops.scarlet.watching.sight import Sight
from autodevops.settings import WatchSettings
from autodevops.toolbox.protocol import Tools


class Metrics:
    system: Final = "prometheus"
    hides: Final = ("metric/", "slo/", "alert/")
    """An Alertmanager whom Prometheus tells nothing resolves its alerts by itself: their end means nothing then."""

    def __init__(self, tools: Tools, settings: WatchSettings, places: Callable[[], Places]) -> None:
        self.told: bool | None = None  # whether failures were counted by a metric at the latest look
        self._places = places
        self._requests = Requests(tools, NEEDS)
        self._lookers: list[Golden | Pressures | Burn] = []
        if "metrics" in settings.sources:
            self._lookers += [Golden(self._requests), Pressures(self._requests, places)]
        if "slo" in settings.sources:
            self._lookers.append(Burn(self._requests, settings))

    @property
    def jobs(self) -> frozenset[str]:
        """Those whose targets are scraped beside Kubernetes."""
        return self._requests.jobs

    async def look(self, now: datetime) -> Sight:
        """Raises ToolError and ValidationError."""
        try:
            await self._requests.refresh(now, self._places())
        except BaseException:  # the deadline's cancellation included
            self.told = False
            raise
        self.told = any(asked.failure for asked in self._requests.asked)
        cut = self._requests.cut
        blind = (Blind(system=self.system, words=cut, hides=("metric/", "slo/")),) if cut else ()
        seen = await asyncio.gather(*(looker.look(now) for looker in self._lookers))
        return Sight(tuple(one for some in seen for one in some), blind)
