"""TroubleStartsInService (MET007, locator): what others fail or wait more begins in this workload, by their metrics.

What: failed requests a second and waiting seconds a second are compared along the calls. A callee accounts for its
caller's excess as far as its own excess goes; what no callee accounts for begins where it is seen. A callee without
metrics is named where several callers suffer and have it in common, or where its requests no longer arrive. Named is
who keeps at least a twentieth. Where failing or slow traces were read they tell it better, and this rule is silent.

Why it matters: a caller of a failing workload fails as loudly, and a leaf far off may be louder than the culprit.

Example: `94 % of what shop fails more since 03:25 UTC begins in cart, and nothing that cart calls accounts for it`.

What to do: look at what was changed in it, at its logs, and at what it calls without metrics.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from autodevops.analysis.departures import usual
from autodevops.domain.evidence import EvidenceId
from autodevops.domain.finding import Finding
from autodevops.domain.subject import Subject
from autodevops.investigation.attribution import Attribution, Harm
from autodevops.investigation.felt import felt
from autodevops.investigation.picture import Picture, SignalKind
from autodevops.investigation.rules.base import Rule, clock, percent

_LEAST_SHARE = 0.05
_INSIDE = 0.3  # what counts of trouble that nobody at the head of the calls is seen to have
_SURE = 0.8  # at most: metrics say how much, traces say which request
_INFERRED = 0.7  # of that, for one that shows nothing itself: a caller that fails before it asks looks the same
_LEAST_TRACES = 3
_STANDS_OUT = 4.0  # noise scales
_PART_OF_PEAK = 0.3
_SYMPTOMS: dict[Harm, tuple[str, tuple[SignalKind, ...]]] = {
    "errors": ("ErrorRateIncreased", ("error_ratio",)),
    "time": ("LatencyIncreased", ("latency_mean", "latency_p95")),
}


@dataclass(frozen=True)
class _Part:
    """A finding that no other accounts for: how much trouble it stands for, and where that begins."""

    finding: Finding
    harm: Harm
    weight: float
    begins: Mapping[Subject, float]


def _check(picture: Picture, earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    parts = [
        part for harm in _SYMPTOMS if not _told_by_traces(picture, harm) for part in _parts(picture, earlier, harm)
    ]
    total = sum(part.weight for part in parts)
    shares: dict[Subject, float] = {}
    leads: dict[Subject, tuple[float, _Part]] = {}
    for part in parts:
        for subject, begun in part.begins.items():
            share = begun * part.weight / total
            shares[subject] = shares.get(subject, 0.0) + share
            leads[subject] = max(leads.get(subject, (0.0, part)), (share, part), key=lambda pair: pair[0])
    troubled = {f.subject for f in earlier if f.severity != "info"}
    likely = sum(share**2 for share in shares.values())
    for subject, share in sorted(shares.items(), key=lambda item: (-item[1], str(item[0]))):
        if share >= _LEAST_SHARE:
            confidence = _SURE * share**2 / likely  # that one began it is likelier than that two share it
            seen = subject in troubled
            yield _finding(picture, subject, confidence if seen else _INFERRED * confidence, leads[subject][1])


def _parts(picture: Picture, earlier: tuple[Finding, ...], harm: Harm) -> list[_Part]:
    reason, kinds = _SYMPTOMS[harm]
    suffering = {f.subject: f for f in earlier if f.reason == reason and f.severity != "info" and f.onset}
    asked: dict[tuple[float, float], Attribution] = {}
    found: list[tuple[_Part, float | None]] = []
    for finding in _tops(picture, suffering):
        trouble = _stretch(picture, finding, kinds)
        if trouble is None:
            continue
        attribution = asked.setdefault(trouble, Attribution(picture, harm, trouble))
        own = attribution.excess(finding.subject)
        if not felt(picture, finding.subject, *trouble, kinds, harm=own.flow if own else None):
            continue
        tops = attribution.above(finding.subject)
        flows = [excess.flow for top in tops if (excess := attribution.excess(top)) is not None]
        flow = None if None in flows or not flows else sum(one for one in flows if one)
        weight = finding.confidence * (1.0 if attribution.comes_out(finding.subject) else _INSIDE)
        found.append((_Part(finding, harm, weight, attribution.shares(dict.fromkeys(tops, 1.0))), flow))
    flows = [flow for _, flow in found]
    largest = 0.0 if None in flows else max((flow or 0.0 for flow in flows), default=0.0)
    if largest <= 0:
        return [part for part, _ in found]
    return [replace(part, weight=part.weight * flow / largest) for part, flow in found if flow]


def _told_by_traces(picture: Picture, harm: Harm) -> bool:
    read = (picture.error_traces,) if harm == "errors" else (picture.slow_traces, picture.ordinary_traces)
    return min(len(traces) for traces in read) >= _LEAST_TRACES


def _tops(picture: Picture, suffering: dict[Subject, Finding]) -> Iterator[Finding]:
    """Those who suffer and are called by nobody who does; of those who call each other, all."""
    reaches = picture.graph.reaches
    for subject, finding in suffering.items():
        if not any(reaches(other, subject) and not reaches(subject, other) for other in suffering if other != subject):
            yield finding


def _stretch(picture: Picture, finding: Finding, kinds: tuple[SignalKind, ...]) -> tuple[float, float] | None:
    """From the first to the last sample of the window in which it suffers."""
    split = picture.span.window.start.timestamp()
    for kind in kinds:
        signal = picture.signal(finding.subject, kind)
        before = usual(signal.values[signal.times < split], relative_floor=0.03) if signal is not None else None
        if signal is None or before is None:
            continue
        inside = (signal.times >= split) & np.isfinite(signal.values)
        scores = (signal.values[inside] - before.level) / before.scale
        if not len(scores) or scores.max() < _STANDS_OUT:
            continue
        times = signal.times[inside][scores >= max(_STANDS_OUT, _PART_OF_PEAK * float(scores.max()))]
        return float(times[0]), float(times[-1])
    return None


def _finding(picture: Picture, subject: Subject, confidence: float, part: _Part) -> Finding:
    lead, what = part.finding, "fails more" if part.harm == "errors" else "takes longer"
    since = f" since {clock(lead.onset)}" if lead.onset else ""
    where, who = ("in itself", "it") if subject == lead.subject else (f"in {subject.name}", subject.name)
    share = percent(min(1.0, part.begins[subject]))
    evidence: list[EvidenceId] = [*lead.evidence, *(e.evidence for e in picture.graph.path(lead.subject, subject))]
    evidence += [signal.evidence for signal in picture.signals if signal.subject == subject]
    return RULE.finding(
        subject,
        f"{share} of what {lead.subject.name} {what}{since} begins {where}: nothing {who} calls accounts for it.",
        severity="error",
        confidence=confidence,
        evidence=evidence,
        onset=lead.onset,
    )


RULE = Rule("MET007", "TroubleStartsInService", "locator", _check, specificity=0.4, stage=2, documentation=__doc__)
