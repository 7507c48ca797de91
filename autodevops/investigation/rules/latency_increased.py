"""LatencyIncreased (MET003, symptom): a workload answers its slowest requests more slowly than before.

What: the 95th percentile left its baseline: at least one and a half times it and 20 ms above it, five noise scales
off.

Why it matters: users wait, callers run into time limits and retry. Like errors, slowness travels up the calls.

Example: `payments needs 840 ms for its slowest 5 % of requests since 03:25 UTC, 120 ms before`.

What to do: compare where the time goes in a slow trace and an ordinary one; look at CPU throttling.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.analysis.changepoints import find_episodes
from autodevops.domain.finding import Finding, Severity
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule, seconds
from autodevops.investigation.rules.episodes import in_window, mean_between, onset_of, when

_NOISE_SECONDS = 0.002
_LEAST_REQUESTS = 40  # a 95th percentile of fewer rests on two requests


def _limit(baseline: float) -> float:
    return max(1.5 * baseline, baseline + 0.02)


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    for signal in picture.signals_of("latency_p95"):
        episodes = find_episodes(
            signal.times,
            signal.values,
            baseline_until=picture.span.window.start.timestamp(),
            limit=_limit,
            correlation=picture.span.correlation,
            floor=_NOISE_SECONDS,
        )
        rate = picture.signal(signal.subject, "request_rate")
        for episode in episodes:
            if not in_window(episode, picture):
                continue
            end = episode.end or picture.span.window.end.timestamp()
            mean_rate = mean_between(rate, episode.onset, end) if rate else None
            if mean_rate is not None and mean_rate * (end - episode.onset) < _LEAST_REQUESTS:
                continue
            severity: Severity = "error" if episode.level >= 3 * episode.baseline else "warning"
            tense = "needs" if episode.active else "needed"
            yield RULE.finding(
                signal.subject,
                f"{signal.subject.name} {tense} {seconds(episode.level)} for its slowest 5 % of requests"
                f" {when(episode)}, {seconds(episode.baseline)} before.",
                severity=severity if episode.active else "info",
                confidence=episode.confidence,
                evidence=[signal.evidence],
                onset=onset_of(episode),
            )


RULE = Rule("MET003", "LatencyIncreased", "symptom", _check, specificity=0.25, documentation=__doc__)
