"""Whether those who use a system notice the trouble of one workload in it.

A dependency that answers more slowly while nobody waits longer for it, or that fails where its callers have another
way, is worth knowing and hurts no one. To say so takes three things: those at the head of the calls have metrics, these
show nothing over the very stretch, and they would have: its extra failures or waiting, spread over their requests, are
more than their noise. Where any of it is missing, its trouble counts as it is.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from autodevops.analysis.departures import usual
from autodevops.analysis.samples import FloatArray
from autodevops.domain.subject import Subject
from autodevops.investigation.picture import Picture, Signal, SignalKind

_NOTICEABLE = 3.0  # noise scales
_FLOORS: dict[SignalKind, float] = {"error_ratio": 0.002, "latency_mean": 0.001, "latency_p95": 0.002}
_RELATIVE_FLOOR = 0.03


def felt(
    picture: Picture,
    subject: Subject,
    start: float,
    end: float | None,
    kinds: Iterable[SignalKind],
    *,
    harm: float | None,
) -> bool:
    """Whether anybody at the head of its calls is worse by one of `kinds` in the stretch, or may be unseen.

    `start` and `end` are unix seconds. `harm` is what the workload fails (requests a second) or waits (seconds a
    second) more than usual, None where that is not known.
    """
    until, wanted = end if end is not None else picture.span.window.end.timestamp(), tuple(kinds)
    callers, heads = picture.graph.callers(subject), _heads(picture, subject)
    told = [_worse(picture, head, start, until, wanted, harm) for head in heads]
    if all(worse is None for worse in told):
        told = [_worse(picture, caller, start, until, wanted, harm) for caller in callers]
    return any(told) or all(worse is None for worse in told)


def harm_of(picture: Picture, signal: Signal, level: float, baseline: float, start: float, end: float) -> float | None:
    """The excess of a signal over a stretch, a second; None where its unit or its rate does not give one."""
    rate = picture.signal(signal.subject, "request_rate")
    asked = _during(rate, start, end) if rate is not None else np.empty(0)
    if not len(asked) or signal.kind == "latency_p95":
        return None
    return float(np.mean(asked)) * abs(level - baseline) if signal.kind != "request_rate" else abs(level - baseline)


def _heads(picture: Picture, subject: Subject) -> list[Subject]:
    """Who depends on it and is called by nobody else."""
    seen, waiting, heads = {subject}, [subject], []
    while waiting:
        here = waiting.pop()
        onward = [caller for caller in picture.graph.callers(here) if caller not in seen]
        if here != subject and not picture.graph.callers(here):
            heads.append(here)
        seen.update(onward)
        waiting.extend(onward)
    return heads


def _worse(
    picture: Picture, caller: Subject, start: float, end: float, kinds: tuple[SignalKind, ...], harm: float | None
) -> bool | None:
    """None where it cannot be told."""
    found = [
        _signal_worse(picture, signal, start, end, harm)
        for kind in kinds
        if (signal := picture.signal(caller, kind)) is not None
    ]
    return True if any(found) else False if any(one is False for one in found) else None


def _signal_worse(picture: Picture, signal: Signal, start: float, end: float, harm: float | None) -> bool | None:
    """Compared with before the window or with the rest of it, whichever was better."""
    split = picture.span.window.start.timestamp()
    past = signal.values[signal.times < min(split, start)]
    before = usual(past, floor=_FLOORS.get(signal.kind, 0.0), relative_floor=_RELATIVE_FLOOR)
    during = _during(signal, start, end)
    if before is None or not len(during):
        return None
    outside = (signal.times >= split) & ((signal.times < start) | (signal.times > end))
    rest = signal.values[outside & np.isfinite(signal.values)]
    level = min(before.level, float(np.median(rest))) if len(rest) >= 2 else before.level
    if float(np.mean(during)) >= level + _NOTICEABLE * before.scale:
        return True
    rate = picture.signal(signal.subject, "request_rate")
    asked = _during(rate, start, end) if rate is not None else np.empty(0)
    if harm is None or signal.kind == "latency_p95" or not len(asked) or float(np.mean(asked)) <= 0:
        return None
    visible = harm / float(np.mean(asked)) >= 2 * _NOTICEABLE * before.scale
    return False if visible else None


def _during(signal: Signal, start: float, end: float) -> FloatArray:
    inside = (signal.times >= start) & (signal.times <= end) & np.isfinite(signal.values)
    return np.asarray(signal.values[inside], dtype=np.float64)
