"""How well Scarlet does: what she noticed and what people had to find, how long it took, what her actions came to.

Every share says of how many. The time saved is an estimate, and says what it assumes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any

import numpy as np
from pydantic import BeforeValidator

from autodevops.domain.base import Noun, UtcDatetime
from autodevops.domain.outcome import TRIED
from autodevops.scarlet.learning.cases import Case, Cases, Deed
from autodevops.stores.ledger import Ledger

QUIET = timedelta(minutes=10)  # her loop enters its round every five; twice that, and nobody looks
NEAR = timedelta(minutes=30)  # a person's incident in the namespace of one of hers, so close to it, is the same


class Share(Noun):
    """`hits` of `of`; None of nothing."""

    hits: int
    of: int

    @property
    def value(self) -> float | None:
        return self.hits / self.of if self.of else None


class Times(Noun):
    """Seconds: the median, and within which nine of ten were."""

    count: int
    median: float | None
    p90: float | None


class Calibration(Noun):
    """Of decisions whose outcome is known: how sure they were on average, how many helped, and Brier's score, the mean
    of (confidence - outcome)²: 0 is perfect, 0.25 is what "fifty-fifty" always gets."""

    decisions: int
    confidence: float | None
    helped: float | None
    brier: float | None


def _counted(value: Any) -> Any:
    return len(value) if isinstance(value, list) else value


class Round(Noun):
    """The loop as it was last heard of. `late`: longer ago than it should be."""

    at: UtcDatetime
    seconds: float | None = None
    signals: int | None = None
    open: Annotated[int | None, BeforeValidator(_counted)] = None
    failed: int | None = None
    blind: tuple[str, ...] = ()
    late: bool = False


class ScarletHealth(Noun):
    """Of incidents detected and actions closed since then. `helped_alone`: ended by actions that no person asked for or
    approved, with nobody's hand in it. `by_itself`: over without anybody's action."""

    since: UtcDatetime | None
    incidents: int
    open: int
    detection: Share  # of those there were, that she noticed
    misses: tuple[str, ...]  # ids of those that people found
    to_detect: Times
    to_resolve: Times
    actions: dict[str, Share]  # verified of tried, by kind
    success: Share
    undone: Share
    automated: Share  # of those that somebody's action or word ended, those she ended alone
    by_itself: int
    escalated: int
    minutes_by_hand: float
    autonomy: dict[str, int]  # kinds of action by what machines may do with them
    calibration: Calibration
    round: Round | None
    unreadable: int

    @property
    def saved_minutes(self) -> float:
        return self.automated.hits * self.minutes_by_hand

    @property
    def saved_words(self) -> str:
        """The estimate with its formula."""
        many = f"{self.automated.hits} incident{'s' if self.automated.hits != 1 else ''}"
        return (
            f"{many} ended alone x {self.minutes_by_hand:g} min by hand (assumed: learning.minutes_by_hand) "
            f"= {self.saved_minutes / 60:.1f} h"
        )


def health_of(
    known: Cases,
    ledger: Ledger,
    *,
    since: datetime | None,
    now: datetime,
    minutes_by_hand: float,
    levels: Mapping[str, str],
) -> ScarletHealth:
    """From `known`, which has been read. `levels`: what machines may do with each kind of action."""
    cases = [one for one in known.cases.values() if since is None or one.at >= since]
    deeds = [one for one in known.deeds.values() if since is None or one.at >= since]
    noticed = [one for one in cases if one.noticed]
    misses = sorted(one.id for one in cases if _missed(one, known))
    tried = [one for one in deeds if one.result in TRIED]
    by_incident: dict[str, list[Deed]] = {}
    for deed in known.deeds.values():
        by_incident.setdefault(deed.incident, []).append(deed)
    ends = [_ended(one, by_incident.get(one.id, [])) for one in cases if one.over is not None]
    kinds = sorted({one.kind for one in tried})
    return ScarletHealth(
        since=since,
        incidents=len(cases),
        open=sum(one.over is None for one in cases),
        detection=Share(hits=len(noticed), of=len(noticed) + len(misses)),
        misses=tuple(misses),
        to_detect=_times((one.at - one.began).total_seconds() for one in noticed if one.began is not None),
        to_resolve=_times((one.over - one.at).total_seconds() for one in cases if one.over is not None),
        actions={kind: _share([one for one in tried if one.kind == kind]) for kind in kinds},
        success=_share(tried),
        undone=Share(hits=sum(one.result in ("undone", "undo_failed") for one in tried), of=len(tried)),
        automated=Share(hits=ends.count("alone"), of=len(ends) - ends.count("itself")),
        by_itself=ends.count("itself"),
        escalated=sum(one.escalated for one in cases),
        minutes_by_hand=minutes_by_hand,
        autonomy={level: list(levels.values()).count(level) for level in ("observe", "ask", "act")},
        calibration=_calibration(tried),
        round=_round(ledger, now),
        unreadable=known.unreadable,
    )


def _missed(one: Case, known: Cases) -> bool:
    """A person's, while she was watching, with none of hers there at that time."""
    if one.noticed or known.first_heard is None or one.at < known.first_heard:
        return False
    return not any(
        hers.noticed
        and hers.namespace == one.namespace
        and (hers.began or hers.at) - NEAR <= one.at
        and (hers.over is None or one.at <= hers.over + NEAR)
        for hers in known.cases.values()
    )


def _ended(one: Case, deeds: Collection[Deed]) -> str:
    """By whom: `alone` (Scarlet), `people`, or `itself`."""
    helped = [deed for deed in deeds if deed.result == "verified" and deed.touches]
    if one.by_hand or one.escalated or not one.noticed or any(deed.by_hand for deed in helped):
        return "people"
    return "alone" if helped else "itself"


def _share(tried: Collection[Deed]) -> Share:
    return Share(hits=sum(one.result == "verified" for one in tried), of=len(tried))


def _times(seconds: Iterable[float]) -> Times:
    found = [max(0.0, one) for one in seconds]
    half, most = (round(float(np.quantile(found, share)), 1) if found else None for share in (0.5, 0.9))
    return Times(count=len(found), median=half, p90=most)


def _calibration(tried: Collection[Deed]) -> Calibration:
    pairs = [(one.confidence, one.result == "verified") for one in tried if one.confidence is not None]
    if not pairs:
        return Calibration(decisions=0, confidence=None, helped=None, brier=None)
    sure, helped = np.array([one for one, _ in pairs]), np.array([one for _, one in pairs], dtype=np.float64)
    return Calibration(
        decisions=len(pairs),
        confidence=round(float(sure.mean()), 3),
        helped=round(float(helped.mean()), 3),
        brier=round(float(((sure - helped) ** 2).mean()), 3),
    )


def _round(ledger: Ledger, now: datetime) -> Round | None:
    """What the loop entered of itself; None when it never ran here, or says it otherwise than we read."""
    entry = ledger.entry("scarlet", "round")
    if entry is None:
        return None
    try:
        last = Round.model_validate({name: said for name, said in entry.value.items() if name in Round.model_fields})
    except ValueError:
        return None
    return last.model_copy(update={"late": now - last.at > QUIET})
