"""ErrorRateIncreased (MET001, symptom): a workload fails a larger share of its requests than before.

What: the ratio of failed requests (HTTP 5xx, gRPC server-side codes) left its baseline: at least three times it and
one percentage point above it, or five points above it; five noise scales off, and at least ten failed requests more
than chance allows.

Why it matters: this is what users notice. It says that a workload fails, not why: a caller of a failing workload
fails too.

Example: `payments fails 31 % of its requests since 03:25 UTC, 0.2 % before`.

What to do: look at who fails first along the calls, and at what was changed just before.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.analysis.counts import poisson_surprise
from autodevops.domain.finding import Finding, Severity
from autodevops.investigation.felt import felt, harm_of
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule, percent
from autodevops.investigation.rules.episodes import end_of, episodes_of, is_over, mean_between, onset_of, step_of, when

_RATIO_NOISE = 0.001  # a tenth of a percent: below this nobody can tell a ratio from zero
_LEAST_FAILURES = 10
_LEAST_SURPRISE = 5.0  # standard deviations


def _limit(baseline: float) -> float:
    return min(max(3 * baseline, baseline + 0.01), baseline + 0.05)


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    for signal in picture.signals_of("error_ratio"):
        rate = picture.signal(signal.subject, "request_rate")
        for episode in episodes_of(signal, picture, limit=_limit, floor=_RATIO_NOISE):
            end = episode.end or picture.span.window.end.timestamp()
            mean_rate = mean_between(rate, episode.onset, end) if rate else None
            if mean_rate is not None:
                requests = mean_rate * max(end - episode.onset, step_of(signal))
                failures = requests * episode.level
                if (
                    failures < _LEAST_FAILURES
                    or poisson_surprise(failures, requests * episode.baseline) < _LEAST_SURPRISE
                ):
                    continue
            severity: Severity = "critical" if episode.level >= 0.2 else "error" if episode.level >= 0.02 else "warning"
            harm = harm_of(picture, signal, episode.level, episode.baseline, episode.onset, end)
            if not felt(picture, signal.subject, episode.onset, episode.end, ["error_ratio"], harm=harm):
                severity = "warning"
            tense = "fails" if episode.active else "failed"
            yield RULE.finding(
                signal.subject,
                f"{signal.subject.name} {tense} {percent(episode.level)} of its requests {when(episode)},"
                f" {percent(episode.baseline)} before.",
                severity="info" if is_over(episode, signal) else severity,
                confidence=episode.confidence,
                evidence=[signal.evidence, *([rate.evidence] if rate else [])],
                onset=onset_of(episode),
                ended=end_of(episode),
            )


RULE = Rule("MET001", "ErrorRateIncreased", "symptom", _check, specificity=0.3, documentation=__doc__)
