"""Learning: what happened so far, as lessons, entered where they changed. It may be done at any time and by anybody."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime, timedelta
from itertools import count

from autodevops.domain.learned import Lesson, LessonKind
from autodevops.kernel.errors import ToolError
from autodevops.scarlet.learning import book
from autodevops.scarlet.learning.noise import fired, noise
from autodevops.scarlet.learning.patterns import patterns
from autodevops.settings import LearningSettings
from autodevops.stores.incidents import all_incidents
from autodevops.stores.ledger import Ledger
from autodevops.toolbox.protocol import Tools

log = logging.getLogger(__name__)

EVERY_SECONDS = 600.0
ALERTS_EVERY = 6  # times: that is a week of samples of every alert
OF_ACTIONS: tuple[LessonKind, ...] = ("autonomy", "confidence", "drift")
OF_INCIDENTS: tuple[LessonKind, ...] = ("recurring", "together", "time")


async def learn(
    ledger: Ledger,
    of_actions: Iterable[Lesson],
    settings: LearningSettings,
    *,
    zone: str,
    now: datetime,
    actor: str,
    tools: Tools | None = None,
) -> None:
    """`of_actions`: the executor's. Without `tools`, or where Prometheus does not answer, what was learned of alerts
    stays as it was."""
    incidents = await asyncio.to_thread(all_incidents, ledger, investigations=False)
    known = book.read_learned(ledger)
    mined = await asyncio.to_thread(patterns, incidents, known, settings, zone=zone, now=now)
    lessons: list[Lesson] = [*of_actions, *mined]
    kinds = [*OF_ACTIONS, *OF_INCIDENTS]
    if tools is not None:
        window = timedelta(days=settings.noise_days)
        lately = [one for one in incidents if one.detection.at > now - window]
        watched = ledger.entry("scarlet", "round") is not None or any(one.phase for one in lately)
        try:
            lessons += noise(await fired(tools, window, now), lately, known, window, watched=watched)
            kinds.append("noise")
        except (ToolError, ValueError) as error:
            log.warning("What alerts did could not be seen, so nothing new is learned of them: %s", error)
    book.settle(ledger, lessons, kinds, now=now, actor=actor)


async def learn_forever(learn_once: Callable[[bool], Awaitable[tuple[str, ...]]]) -> None:
    """Until cancelled, of alerts too now and then. What goes wrong is an error in the log, and it is tried again."""
    for number in count():
        try:
            for words in await learn_once(number % ALERTS_EVERY == 1):
                log.warning("%s", words)
        except Exception:
            log.exception("Nothing could be learned this time")
        await asyncio.sleep(EVERY_SECONDS)
