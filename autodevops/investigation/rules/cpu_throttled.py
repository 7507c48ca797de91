"""CPUThrottled (MET005, state): containers of a workload are held back by their CPU limit more than before.

What: the share of scheduler periods with throttling (cAdvisor's container_cpu_cfs_*) rose to at least 25 % and twice
its baseline.

Why it matters: a throttled container is slow without being busy by its own measure; latency and failing probes
follow.

Example: `recommendation is throttled in 63 % of its CPU periods since 03:25 UTC, 4 % before`.

What to do: raise or remove the CPU limit, or find what made it work harder.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.analysis.changepoints import find_episodes
from autodevops.domain.finding import Finding
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule, percent
from autodevops.investigation.rules.episodes import in_window, onset_of, when


def _limit(baseline: float) -> float:
    return max(0.25, 2 * baseline)


def _check(picture: Picture, earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    for signal in picture.signals_of("cpu_throttling"):
        episodes = find_episodes(
            signal.times,
            signal.values,
            baseline_until=picture.span.window.start.timestamp(),
            limit=_limit,
            correlation=picture.span.correlation,
            floor=0.01,
        )
        slow = any(f.subject == signal.subject and f.severity != "info" and f.rule_id != "MET004" for f in earlier)
        for episode in episodes:
            if in_window(episode, picture):
                tense = "is" if episode.active else "was"
                yield RULE.finding(
                    signal.subject,
                    f"{signal.subject.name} {tense} throttled in {percent(episode.level)} of its CPU periods"
                    f" {when(episode)}, {percent(episode.baseline)} before.",
                    # Throttling that nobody feels is a limit doing its work.
                    severity="warning" if episode.active and slow else "info",
                    confidence=episode.confidence,
                    evidence=[signal.evidence],
                    onset=onset_of(episode),
                )


RULE = Rule("MET005", "CPUThrottled", "state", _check, specificity=0.5, stage=2, documentation=__doc__)
