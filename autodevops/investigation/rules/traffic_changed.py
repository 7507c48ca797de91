"""TrafficChanged (MET004, symptom): a workload gets far fewer or far more requests than before.

What: the request rate fell below a third of its baseline, or rose above two and a half times it.

Why it matters: a drop means that somebody before it fails or that nobody can reach it; a surge explains slowness and
errors elsewhere, and hurts nobody by itself (it is reported as context).

Example: `checkout gets 2.1 requests/s since 03:25 UTC, 40 before`.

What to do: for a drop look at the callers and at the way in (ingress, DNS); for a surge at what it saturates.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from autodevops.analysis.changepoints import find_episodes
from autodevops.domain.finding import Finding
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.episodes import in_window, onset_of, when

_LEAST_RATE = 0.2  # requests a second; below this a third of the traffic is a handful of requests


def _fewer(baseline: float) -> float:
    return baseline / 3 if baseline >= _LEAST_RATE else -1.0


def _more(baseline: float) -> float:
    return max(2.5 * baseline, baseline + 10 * _LEAST_RATE)


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    directions: tuple[Literal["up", "down"], ...] = ("up", "down")
    for signal in picture.signals_of("request_rate"):
        for direction in directions:
            episodes = find_episodes(
                signal.times,
                signal.values,
                baseline_until=picture.span.window.start.timestamp(),
                limit=_more if direction == "up" else _fewer,
                direction=direction,
                correlation=picture.span.correlation,
                floor=_LEAST_RATE / 10,
            )
            for episode in episodes:
                if in_window(episode, picture):
                    tense = "gets" if episode.active else "got"
                    yield RULE.finding(
                        signal.subject,
                        f"{signal.subject.name} {tense} {episode.level:.3g} requests/s {when(episode)},"
                        f" {episode.baseline:.3g} before.",
                        severity="warning" if episode.active and direction == "down" else "info",
                        confidence=episode.confidence,
                        evidence=[signal.evidence],
                        onset=onset_of(episode),
                    )


RULE = Rule("MET004", "TrafficChanged", "symptom", _check, specificity=0.15, documentation=__doc__)
