"""People are told what is going to run out: once a day while it lasts, and again when it is near.

That nothing is wrong yet makes it no incident. What was told is in the ledger, so that of two daemons one tells.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from autodevops.domain.base import Json
from autodevops.domain.ledger import SCARLET, NewEvent
from autodevops.domain.signal import Look, Signal
from autodevops.kernel.errors import LedgerConflict
from autodevops.settings import WatchSettings
from autodevops.stores.ledger import Ledger

log = logging.getLogger(__name__)

KIND, KEY = "scarlet", "foreseen"
AGAIN = timedelta(days=1)
EVERY_SECONDS = 300.0
Tell = Callable[[str, Mapping[str, str]], Awaitable[None]]


async def announce_forever(
    foresee: Callable[[], Awaitable[Look]], ledger: Ledger, tell: Tell, *, seconds: float = EVERY_SECONDS
) -> None:
    """Until cancelled. What goes wrong is an error in the log, and it is tried again."""
    while True:
        try:
            look = await foresee()
            for blind in look.blind:
                log.warning("What runs out cannot be foreseen. %s", blind.words)
            for signal in enter_news(ledger, look):
                log.warning("%s", signal.words)
                await tell(signal.words, {"signal": signal.name, "namespace": signal.namespace, "query": signal.query})
        except Exception:
            log.exception("What runs out could not be foreseen this time")
        await asyncio.sleep(seconds)


def watched(look: Look, settings: WatchSettings) -> Look:
    """Without those whose trouble is left alone."""
    signals = tuple(one for one in look.signals if settings.watches(one.namespace))
    return look.model_copy(update={"signals": signals})


def enter_news(ledger: Ledger, look: Look) -> tuple[Signal, ...]:
    """Those that people have yet to be told of, entered as told; none when another process was quicker."""
    entry = ledger.entry(KIND, KEY)
    told = {key: one for key, one in (entry.value if entry else {}).items() if _holds(one, look.at)}
    news = tuple(one for one in look.signals if one.key not in told or _nearer(told[one.key], one))
    if not news:
        return ()
    now: dict[str, Json] = {one.key: {"at": look.at.isoformat(), "severity": one.severity} for one in news}
    words: list[Json] = [one.words for one in news]
    event = NewEvent(at=look.at, kind="scarlet", what="foresaw", actor=SCARLET, data={"words": words})
    try:
        ledger.change(KIND, KEY, {**told, **now}, expected=entry.version if entry else 0, event=event)
    except LedgerConflict:
        return ()
    return news


def _holds(told: Any, now: datetime) -> bool:
    try:
        return now - datetime.fromisoformat(told["at"]) < AGAIN
    except (KeyError, TypeError, ValueError):
        return False


def _nearer(told: Any, signal: Signal) -> bool:
    return signal.severity == "major" and told.get("severity") == "minor"
