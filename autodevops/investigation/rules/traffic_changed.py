"""TrafficChanged (MET004, symptom): a workload gets far fewer or far more requests than before.

What: the request rate fell below a third of its baseline, or rose above two and a half times it. A drop is trouble
where nobody is known to call it, or where a caller fails or waits; a caller that is well has simply stopped asking.

Why it matters: a drop means that somebody before it fails or that nobody can reach it; a surge explains slowness and
errors elsewhere, and hurts nobody by itself (it is reported as context).

Example: `checkout gets 2.1 requests/s since 03:25 UTC, 40 before`.

What to do: for a drop look at the callers and at the way in (ingress, DNS); for a surge at what it saturates.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from autodevops.domain.finding import Finding
from autodevops.investigation.felt import felt
from autodevops.investigation.picture import Picture, SignalKind
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.episodes import episodes_of, is_over, onset_of, when

_LEAST_RATE = 0.2  # requests a second; below this a third of the traffic is a handful of requests

_HARM: tuple[SignalKind, ...] = ("error_ratio", "latency_mean", "latency_p95")


def _fewer(baseline: float) -> float:
    return baseline / 3 if baseline >= _LEAST_RATE else -1.0


def _more(baseline: float) -> float:
    return max(2.5 * baseline, baseline + 10 * _LEAST_RATE)


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    directions: tuple[Literal["up", "down"], ...] = ("up", "down")
    for signal in picture.signals_of("request_rate"):
        for direction in directions:
            limit = _more if direction == "up" else _fewer
            for episode in episodes_of(
                signal, picture, limit=limit, floor=_LEAST_RATE / 10, direction=direction, habits=True
            ):
                tense = "gets" if episode.active else "got"
                hurts = (
                    direction == "down"
                    and not is_over(episode, signal)
                    and felt(
                        picture,
                        signal.subject,
                        episode.onset,
                        episode.end,
                        _HARM,
                        harm=episode.baseline - episode.level,
                    )
                )
                yield RULE.finding(
                    signal.subject,
                    f"{signal.subject.name} {tense} {episode.level:.3g} requests/s {when(episode)},"
                    f" {episode.baseline:.3g} before.",
                    severity="warning" if hurts else "info",
                    confidence=episode.confidence,
                    evidence=[signal.evidence],
                    onset=onset_of(episode),
                )


RULE = Rule("MET004", "TrafficChanged", "symptom", _check, specificity=0.15, documentation=__doc__)
