"""StorageNearlyFull (DB016, state): at the pace of the last hours a volume or a database's storage is full soon.

What: less than 15 % free (where the size is not known, of the most that was free within the time looked at), and a
straight line through the window's free space meets zero within four hours. Well filled and steady is no finding; nor
is what fills up within a week, which is a ticket, not an incident.

Why it matters: there is still time to add space without an outage.

Example: `The storage of orders-db (8 % free) is full in about 2 hours at its present pace`

What to do: add space now; then see what grows.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from autodevops.analysis.samples import clean
from autodevops.domain.finding import Finding
from autodevops.domain.subject import Subject
from autodevops.investigation.picture import Picture, Reading
from autodevops.investigation.rules.base import Rule, percent
from autodevops.investigation.rules.complaints import complaints
from autodevops.investigation.rules.stores import FULL_BYTES, latest, made, now, ratio, since_beyond, stores

_FULL = 0.02
_CLOSE = 0.15
_SOON_HOURS = 4.0
_STEADY = 0.8  # share of the variance that the line must explain


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    measured: set[Subject] = set()
    for store in stores(picture):
        measured.update({store.subject} if store.evidence("storage_free_ratio", "storage_free_bytes") else ())
        left = store.of("storage_free_bytes")
        known = store.of("storage_free_ratio") or ratio(left, store.of("storage_bytes"))
        free = known or _of_most(left)
        value, lately = latest(free, picture), now(free, picture)
        if known is None and since_beyond(left, FULL_BYTES, below=True) is not None:
            continue  # VolumeFull tells it
        if free is None or value is None or lately is None or lately <= _FULL or value >= _CLOSE:
            continue
        hours = _hours_left(free, value, picture)
        if hours is not None and hours <= _SOON_HOURS:
            soon = f"{hours:.0f} hours" if hours >= 1.5 else f"{max(1.0, hours * 60):.0f} minutes"
            yield RULE.finding(
                store.subject,
                f"The storage of {store.subject.name} ({percent(value)} {'free' if known else 'of it left'}) is full in"
                f" about {soon} at its present pace.",
                severity="error",
                confidence=0.9,
                evidence=[free.evidence],
            )
    for one in complaints(picture, "disk low"):
        if one.subject not in measured:
            yield RULE.finding(
                one.subject,
                f"The storage of {one.subject.name} is low{one.since}: {one.words}",
                severity="warning",
                confidence=0.85,
                evidence=one.evidence,
                onset=one.first,
            )


def _of_most(left: Reading | None) -> Reading | None:
    """What is left of the most that was seen free, where nothing tells the size."""
    if left is None or not np.isfinite(left.values).any() or float(np.nanmax(left.values)) <= 0.0:
        return None
    return made(left, left.times, left.values / float(np.nanmax(left.values)))


def _hours_left(free: Reading, value: float, picture: Picture) -> float | None:
    times, values = clean(free.times, free.values)
    chosen = times >= picture.span.window.start.timestamp()
    times, values = times[chosen], values[chosen]
    if len(times) < 8 or float(np.ptp(values)) == 0.0:
        return None
    slope, _ = np.polyfit(times - times[0], values, 1)
    fit = float(np.corrcoef(times, values)[0, 1] ** 2)
    return value / -slope / 3600 if slope < 0 and fit >= _STEADY else None


RULE = Rule(
    "DB016", "StorageNearlyFull", "state", _check, specificity=0.9, stage=2, names_cause=True, documentation=__doc__
)
