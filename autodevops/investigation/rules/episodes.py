"""What the rules over golden signals share: from an episode to moments and words."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np

from autodevops.analysis.changepoints import Episode
from autodevops.investigation.picture import Picture, Signal
from autodevops.investigation.rules.base import clock


def onset_of(episode: Episode) -> datetime:
    return datetime.fromtimestamp(episode.onset, UTC)


def when(episode: Episode) -> str:
    """`since 03:25 UTC`, or `from 03:25 UTC to 03:40 UTC`."""
    if episode.end is None:
        return f"since {clock(onset_of(episode))}"
    return f"from {clock(onset_of(episode))} to {clock(datetime.fromtimestamp(episode.end, UTC))}"


def in_window(episode: Episode, picture: Picture) -> bool:
    """Whether any of it lies in the window that was asked about."""
    return episode.end is None or episode.end >= picture.span.window.start.timestamp()


def mean_between(signal: Signal, start: float, end: float) -> float | None:
    """The mean of a signal over a stretch; None where it has no sample."""
    chosen = signal.values[(signal.times >= start) & (signal.times <= end)]
    chosen = chosen[np.isfinite(chosen)]
    return float(np.mean(chosen)) if len(chosen) else None
