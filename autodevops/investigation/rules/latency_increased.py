"""LatencyIncreased (MET003, symptom): a workload answers more slowly than before.

What: the 95th percentile left its baseline: at least one and a half times it and 20 ms above it, five noise scales
off. Or, where it did not, the mean: at least one and a half times it and 10 ms above it, because a delay that meets
fewer than one request in twenty leaves the percentile where it was. What the series did time and again before is no
increase, and one that none of its callers notices is context.

Why it matters: users wait, callers run into time limits and retry. Like errors, slowness travels up the calls.

Example: `payments needs 840 ms for its slowest 5 % of requests since 03:25 UTC, 120 ms before`.

What to do: compare where the time goes in a slow trace and an ordinary one; look at CPU throttling.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.analysis.changepoints import Episode
from autodevops.domain.finding import Finding, Severity
from autodevops.domain.subject import Subject
from autodevops.investigation.felt import felt, harm_of
from autodevops.investigation.picture import Picture, Signal, SignalKind
from autodevops.investigation.rules.base import Rule, seconds
from autodevops.investigation.rules.episodes import end_of, episodes_of, is_over, mean_between, onset_of, step_of, when

_KINDS: tuple[SignalKind, ...] = ("latency_mean", "latency_p95")
_LEAST_REQUESTS = 40  # a 95th percentile of fewer rests on two requests


def _percentile_limit(baseline: float) -> float:
    return max(1.5 * baseline, baseline + 0.02)


def _mean_limit(baseline: float) -> float:
    return max(1.5 * baseline, baseline + 0.01)


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    percentiles = {s.subject: s for s in picture.signals_of("latency_p95")}
    means = {s.subject: s for s in picture.signals_of("latency_mean")}
    for subject in dict.fromkeys((*percentiles, *means)):
        signals = (found for found in (percentiles.get(subject), means.get(subject)) if found is not None)
        for signal, episodes in ((signal, _episodes(signal, picture)) for signal in signals):
            for episode in episodes:
                yield _finding(signal, episode, _felt(picture, subject, means.get(subject), episode))
            if episodes:
                break


def _episodes(signal: Signal, picture: Picture) -> list[Episode]:
    rate = picture.signal(signal.subject, "request_rate")
    limit, floor = (_mean_limit, 0.001) if signal.kind == "latency_mean" else (_percentile_limit, 0.002)
    found = []
    for episode in episodes_of(signal, picture, limit=limit, floor=floor, habits=True):
        end = episode.end or picture.span.window.end.timestamp()
        mean_rate = mean_between(rate, episode.onset, end) if rate else None
        if mean_rate is None or mean_rate * max(end - episode.onset, step_of(signal)) >= _LEAST_REQUESTS:
            found.append(episode)
    return found


def _felt(picture: Picture, subject: Subject, mean: Signal | None, episode: Episode) -> bool:
    """What a percentile tells of the slowest says little of how long callers wait: the mean does."""
    until = episode.end or picture.span.window.end.timestamp()
    harm = None
    if mean is not None:
        now, before = mean_between(mean, episode.onset, until), mean_between(mean, 0.0, episode.onset)
        harm = (
            harm_of(picture, mean, now, before, episode.onset, until)
            if now is not None and before is not None
            else None
        )
    return felt(picture, subject, episode.onset, episode.end, _KINDS, harm=harm)


def _finding(signal: Signal, episode: Episode, noticed: bool) -> Finding:
    severity: Severity = "error" if episode.level >= 3 * episode.baseline else "warning"
    tense = "needs" if episode.active else "needed"
    what = _WORDS[signal.kind]
    return RULE.finding(
        signal.subject,
        f"{signal.subject.name} {tense} {seconds(episode.level)} {what} {when(episode)},"
        f" {seconds(episode.baseline)} before{'' if noticed else '; none of its callers waits longer'}.",
        severity=severity if noticed and not is_over(episode, signal) else "info",
        confidence=episode.confidence,
        evidence=[signal.evidence],
        onset=onset_of(episode),
        ended=end_of(episode),
    )


_WORDS: dict[SignalKind, str] = {
    "latency_p95": "for its slowest 5 % of requests",
    "latency_mean": "for a request on average",
}

RULE = Rule("MET003", "LatencyIncreased", "symptom", _check, specificity=0.25, documentation=__doc__)
