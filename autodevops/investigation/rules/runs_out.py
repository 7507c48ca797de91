"""SupplyRunsOut (MET023, state): nobody suffers, and something will be used up within a day if it goes on.

What: a container's memory, a quota, a store's connections or its storage, more than half used, of which a robust line
through the last hours meets the whole (`analysis.exhaustion`, as Scarlet foresees it). One that levels off, that is
cleaned up now and then, or rises too slowly is none. It is asked where nothing is wrong: else the trouble at hand comes
first. Context always; what is nearly full and felt has rules of its own.

Why it matters: there is time to act before anybody notices.

Example: `Memory of cart (app of cart-7d9f-x2x4k): 71 % used, 40 % 3 h ago; at this pace all of it in about 3 h`

What to do: roll back what it began with, or make room; a limit that is raised buys time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Final

from autodevops.analysis.exhaustion import runs_out
from autodevops.analysis.samples import clean
from autodevops.domain.finding import Finding
from autodevops.domain.subject import Subject
from autodevops.investigation.picture import Picture, Trend
from autodevops.investigation.rules.base import Rule, clock, percent
from autodevops.investigation.rules.stores import ratio, stores
from autodevops.investigation.supplies import FROM
from autodevops.kernel.durations import in_words, roughly

_WITHIN: Final = timedelta(hours=24)
_STALE_SECONDS: Final = 900.0  # an old rise says nothing of now


def _check(picture: Picture, earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    told = {finding.subject for finding in earlier if finding.severity != "info"}
    soonest: dict[tuple[Subject, str], Finding] = {}
    for trend in (*picture.trends, *_of_stores(picture)):
        found = _foreseen(trend, picture) if trend.subject not in told else None
        if found is not None and found.due is not None:
            known = soonest.get((trend.subject, trend.what))
            if known is None or (known.due or found.due) > found.due:
                soonest[trend.subject, trend.what] = found
    yield from (soonest[key] for key in sorted(soonest, key=str))


def _foreseen(trend: Trend, picture: Picture) -> Finding | None:
    times, values = clean(trend.times, trend.values)
    end = picture.span.window.end
    if not len(values) or values[-1] <= FROM or end.timestamp() - times[-1] > _STALE_SECONDS:
        return None
    found = runs_out(times, values, 1.0)
    left = timedelta(seconds=found.at - (end.timestamp() - times[-1])) if found is not None else _WITHIN
    if found is None or left >= _WITHIN:
        return None
    pace = end.timestamp() - found.since
    of = f"{trend.what} of {trend.subject.name}{f' ({trend.detail})' if trend.detail else ''}"
    return RULE.finding(
        trend.subject,
        f"{of}: {percent(found.level)} used, {percent(max(0.0, found.level - found.per_second * pace))}"
        f" {in_words(pace)} ago; at this pace all of it in about {roughly(left.total_seconds())}"
        f" ({clock(end + max(left, timedelta(0)))}).",
        severity="info",
        confidence=0.8,
        evidence=[trend.evidence],
        due=end + max(left, timedelta(0)),
    )


def _of_stores(picture: Picture) -> Iterator[Trend]:
    for store in stores(picture):
        used = ratio(store.of("connections"), store.of("connections_limit"))
        if used is not None:
            yield Trend(store.subject, "Connections", "", used.times, used.values, used.evidence)
        free = store.of("storage_free_ratio") or ratio(store.of("storage_free_bytes"), store.of("storage_bytes"))
        if free is not None:
            yield Trend(store.subject, "Storage", store.about, free.times, 1.0 - free.values, free.evidence)


RULE = Rule("MET023", "SupplyRunsOut", "state", _check, specificity=0.5, stage=4, documentation=__doc__)
