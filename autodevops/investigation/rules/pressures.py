"""What the rules over pressures share: one finding for each workload and pool that is close to a limit."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import groupby

from autodevops.domain.finding import Finding
from autodevops.domain.subject import Subject
from autodevops.investigation.picture import Picture, Saturation
from autodevops.investigation.pressure_families import PressureKind
from autodevops.investigation.rules.base import Rule

_FELT = {"LatencyIncreased", "ErrorRateIncreased", "ErrorRateHigh", "CrashLoopBackOff", "CPUThrottled"}


def pressed(
    rule: Rule,
    picture: Picture,
    earlier: tuple[Finding, ...],
    kind: PressureKind,
    words: Callable[[Saturation, int], str],
    felt_from: float = float("inf"),
) -> Iterable[Finding]:
    """A warning where the workload itself is slow or failing and was not so close before; context otherwise.

    `words` gets the worst container and how many are close. From `felt_from` on it is felt whether or not anybody
    counts it.
    """
    hurt = {f.subject for f in earlier if f.severity != "info" and (f.reason in _FELT or "Probe" in f.reason)}

    def key(item: Saturation) -> tuple[str, str]:
        return str(item.subject), item.what

    close = sorted((item for item in picture.saturation if item.kind == kind), key=key)
    for _, group in groupby(close, key):
        found = sorted(group, key=lambda item: (-item.ratio, item.pod, item.container))
        worst = found[0]
        usual = any(item.before for item in found)
        yield rule.finding(
            worst.subject,
            words(worst, len({item.pod for item in found})),
            severity="error" if (worst.subject in hurt or worst.ratio >= felt_from) and not usual else "info",
            confidence=0.6 if usual else 0.85,
            evidence=[item.evidence for item in found],
        )


def in_pods(subject: Subject, count: int) -> str:
    return f"of {subject.name}" if count <= 1 else f"of {count} pods of {subject.name}"
