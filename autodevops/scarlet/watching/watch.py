"""One look at everything: all sources at once, each with a deadline, what is muted set apart, what is blind said."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Sequence
from datetime import datetime, tzinfo
from typing import Final

from pydantic import ValidationError

from autodevops.domain.signal import Blind, Look, Signal, merged
from autodevops.kernel.errors import ToolError
from autodevops.scarlet.learning.foresight import Foresight
from autodevops.scarlet.watching.alerts import Alerts, pending
from autodevops.scarlet.watching.foreseen import Foreseen
from autodevops.scarlet.watching.logs import Logs
from autodevops.scarlet.watching.metrics import Metrics
from autodevops.scarlet.watching.muting import Muting
from autodevops.scarlet.watching.objects import Objects
from autodevops.scarlet.watching.places import Places
from autodevops.scarlet.watching.sight import Seen, Sight, Source, signals
from autodevops.scarlet.watching.traces import Traces
from autodevops.settings import LearningSettings, WatchSettings, WatchSource
from autodevops.toolbox.protocol import Tools

SYSTEMS: Final = ("kubernetes", "prometheus", "alertmanager", "loki", "tempo")

log = logging.getLogger(__name__)


class Watch:
    """`zone` is that in which maintenance hours are read; `systems` are those that there are; `foresight` may
    be shared with others who look ahead. What the other sources remember lives in this object."""

    def __init__(
        self,
        tools: Tools,
        settings: WatchSettings,
        *,
        foresight: Foresight | None = None,
        zone: tzinfo | None = None,
        systems: Collection[str] = SYSTEMS,
    ) -> None:
        self._tools = tools
        self._settings = settings
        self._warned = "prometheus" in systems and "alerts" in settings.sources
        self._objects = Objects(tools, cluster="kubernetes" in systems)
        self._muting = Muting(tools if "alertmanager" in systems else None, settings, zone)
        metrics = self._metrics = Metrics(tools, settings, self._places)
        metered = "prometheus" in systems and bool({"metrics", "slo"} & set(settings.sources))
        offered: Sequence[tuple[Source, set[WatchSource]]] = (
            (self._objects, {"objects"}),
            (Alerts(tools, grouped="alertmanager" in systems), {"alerts"}),
            (metrics, {"metrics", "slo"}),
            (Logs(tools, self._places), {"logs"}),
            (Traces(tools, self._places, lambda: metrics.told if metered else False), {"traces"}),
            (Foreseen(foresight or Foresight(tools, LearningSettings())), {"predictions"}),
        )
        self._sources = tuple(
            source for source, names in offered if names & set(settings.sources) and source.system in systems
        )

    def _places(self) -> Places:
        return self._objects.places

    async def look(self, now: datetime) -> Look:
        """All that is the case now. Never raises: what cannot be seen is in `blind`."""
        sources, sights = list(self._sources), list[Sight]()
        if self._objects in sources and not self._objects.places.known:
            sources.remove(self._objects)
            sights.append(await self._sight(self._objects, now))  # the others ask whose pods there are
        sights += await asyncio.gather(*(self._sight(source, now) for source in (self._muting, *sources)))
        seen = [one for sight in sights for one in sight.seen]
        found = self._signals(seen)
        muted = {signal.key for signal in found if self._muting.mutes(signal, now)}
        return Look(
            at=now,
            signals=tuple(signal for signal in found if signal.key not in muted),
            muted=tuple(signal for signal in found if signal.key in muted),
            blind=merged(one for sight in sights for one in sight.blind),
        )

    async def pending(self, now: datetime) -> tuple[Signal, ...]:
        """Alerts that would fire if it went on as it is. Raises ToolError."""
        if not self._warned:
            return ()
        async with asyncio.timeout(self._settings.seconds):
            found = self._signals(await pending(self._tools))
        return tuple(one for one in found if not self._muting.mutes(one, now))

    def _signals(self, seen: Sequence[Seen]) -> list[Signal]:
        """Of what is watched."""
        found = signals(seen, self._places(), self._metrics.jobs)
        return [one for one in found if self._settings.watches(one.namespace, beside=one.beside)]

    async def _sight(self, source: Source, now: datetime) -> Sight:
        try:
            async with asyncio.timeout(self._settings.seconds):
                return await source.look(now)
        except Exception as error:  # noqa: BLE001  # the supervisor of the sources
            words = self._words(source.system, error)
            return Sight(blind=(Blind(system=source.system, words=words, hides=source.hides),))

    def _words(self, system: str, error: Exception) -> str:
        match error:
            case ToolError():
                return error.message
            case TimeoutError():
                return f"{system} did not answer within {self._settings.seconds:g} s."
            case ValidationError():
                return f"{system} answered something of another shape: {error.errors()[0]['msg']}."
        log.warning("Looking at %s failed", system, exc_info=error)
        return f"Its answer could not be read: {type(error).__name__}."
