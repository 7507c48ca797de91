"""What the rules over golden signals share: which episodes of a signal are trouble, and their moments and words."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import numpy as np

from autodevops.analysis.changepoints import Episode, find_episodes
from autodevops.analysis.departures import occurrences, stretches, usual
from autodevops.analysis.samples import Direction, median
from autodevops.investigation.picture import Picture, Signal
from autodevops.investigation.rules.base import clock

_COARSE_SECONDS = 120.0  # a sample of at least this sums up so much that two of them are an incident's worth
_LEAST_BRIEF = 2  # samples; one alone may still be a spike
_OVER_AFTER = 5  # quiet samples; before that nobody can tell a pause from the end
_HABIT = 2  # separate times before: once is an earlier incident, twice is how the series is
_OFTEN = 0.05  # of the samples before
_NEARLY = 0.8  # of the increase
_STANDS_OUT = 5.0  # noise scales


def episodes_of(
    signal: Signal,
    picture: Picture,
    *,
    limit: Callable[[float], float],
    floor: float,
    direction: Direction = "up",
    habits: bool = False,
) -> tuple[Episode, ...]:
    """The episodes of the window that was asked about: changes of level, and few samples where samples are coarse.

    Few samples are trouble only where the series has not been like that time and again; with `habits` that is asked of
    changes of level as well.
    """
    found = find_episodes(
        signal.times,
        signal.values,
        baseline_until=picture.span.window.start.timestamp(),
        limit=limit,
        direction=direction,
        correlation=picture.span.correlation,
        floor=floor,
    )
    lasting = [e for e in found if in_window(e, picture) and not (habits and _is_habit(e, signal))]
    brief = [
        e
        for e in _brief(signal, picture, limit, floor, direction)
        if not any(e.onset <= (other.end or np.inf) and (e.end or np.inf) >= other.onset for other in lasting)
    ]
    return tuple(sorted((*lasting, *brief), key=lambda e: e.onset))


def is_over(episode: Episode, signal: Signal) -> bool:
    """Whether it has been quiet for long enough since."""
    if episode.end is None:
        return False
    after = signal.values[signal.times > episode.end]
    return int(np.isfinite(after).sum()) >= _OVER_AFTER


def onset_of(episode: Episode) -> datetime:
    return datetime.fromtimestamp(episode.onset, UTC)


def end_of(episode: Episode) -> datetime | None:
    return None if episode.end is None else datetime.fromtimestamp(episode.end, UTC)


def when(episode: Episode) -> str:
    """`since 03:25 UTC`, or `from 03:25 UTC to 03:40 UTC`."""
    end = end_of(episode)
    if end is None:
        return f"since {clock(onset_of(episode))}"
    return f"from {clock(onset_of(episode))} to {clock(end)}"


def in_window(episode: Episode, picture: Picture) -> bool:
    """Whether any of it lies in the window that was asked about."""
    return episode.end is None or episode.end >= picture.span.window.start.timestamp()


def mean_between(signal: Signal, start: float, end: float) -> float | None:
    """The mean of a signal over a stretch; None where it has no sample."""
    chosen = signal.values[(signal.times >= start) & (signal.times <= end)]
    chosen = chosen[np.isfinite(chosen)]
    return float(np.mean(chosen)) if len(chosen) else None


def step_of(signal: Signal) -> float:
    """Seconds between two of its samples."""
    return median(signal.times[1:] - signal.times[:-1]) if len(signal.times) > 1 else 0.0


def _brief(
    signal: Signal, picture: Picture, limit: Callable[[float], float], floor: float, direction: Direction
) -> Iterator[Episode]:
    if step_of(signal) < _COARSE_SECONDS:
        return
    split = picture.span.window.start.timestamp()
    reach = split - _OVER_AFTER * step_of(signal)  # a window may begin late; what lasts into it is asked about
    past = signal.values[signal.times < reach]
    before = usual(past, floor=floor)
    if before is None:
        return
    sign = 1.0 if direction == "up" else -1.0
    bound = sign * max(sign * limit(before.level), sign * before.level + _STANDS_OUT * before.scale)
    last = float(signal.times[-1])
    for found in stretches(signal.times, signal.values, since=reach, limit=bound, direction=direction):
        if (
            found.last < split
            or found.samples < _LEAST_BRIEF
            or occurrences(past, found.level, found.samples, direction) >= _HABIT
        ):
            continue
        distance = abs(before.score(found.level)) * float(np.sqrt(found.samples))
        yield Episode(
            onset=found.onset,
            end=None if found.last >= last else found.last,
            level=found.level,
            peak=found.level,
            baseline=before.level,
            direction=direction,
            confidence=distance / (distance + 5.0),
        )


def _is_habit(episode: Episode, signal: Signal) -> bool:
    """Whether it was like that for as long before, or is every now and then."""
    end = episode.end if episode.end is not None else np.inf
    samples = int(((signal.times >= episode.onset) & (signal.times <= end) & np.isfinite(signal.values)).sum())
    past = signal.values[(signal.times < episode.onset) & np.isfinite(signal.values)]
    if occurrences(past, episode.level, max(1, samples), episode.direction) >= _HABIT:
        return True
    nearly = episode.baseline + _NEARLY * (episode.level - episode.baseline)
    sign = 1.0 if episode.direction == "up" else -1.0
    as_bad = float(np.mean(sign * (past - nearly) >= 0)) if len(past) else 0.0
    return as_bad >= _OFTEN and occurrences(past, nearly, 1, episode.direction) >= _HABIT**2
