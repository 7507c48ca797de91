"""Where the extra failures and the extra time begin, from service metrics and the call graph alone.

Requests flow down the calls; failures and waiting flow up them. What a workload fails more (failed requests a second)
or waits more (seconds a second) than usual is its excess. A callee accounts for as much of its caller's excess as its
own excess is a share of it; what no callee accounts for begins in the workload itself. Walking from those who suffer
down to those who account for it, each workload keeps what begins in it: its share of the trouble.

Three things stand in for a callee's own numbers. One that several suffering callers have in common, and that has no
metrics, is likelier than so many faults at once. One whose requests no longer arrive misses what its callers fail. One
that is slow makes callers give up, and one that fails makes them retry: that counts, but less than like for like.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from autodevops.analysis.departures import Usual, usual
from autodevops.analysis.samples import FloatArray, noise_scale
from autodevops.domain.subject import Subject
from autodevops.investigation.picture import Picture, Signal, SignalKind

Harm: TypeAlias = Literal["errors", "time"]

_KINDS: Mapping[Harm, tuple[SignalKind, ...]] = {
    "errors": ("error_ratio",),
    "time": ("latency_mean", "latency_p95"),
}
_FLOORS: Mapping[Harm, tuple[float, float]] = {"errors": (0.002, 0.0), "time": (0.001, 0.03)}  # absolute, relative
_STANDS_OUT = 4.0  # noise scales
_NOTICEABLE = 2.0  # noise scales, in a caller of somebody who stands out
_FULL = 0.8  # of a caller's excess: a callee with that much accounts for all of it, within the noise
_OTHER_HARM = 0.4  # how far slowness stands in for errors, and errors for slowness
_ALIKE = 0.6  # cosine of two courses' angle from which they count as one
_ONLY = 0.6  # that requests do not arrive at a callee rather than that its one caller, or an unseen one, asks less
_INDEPENDENT = 4  # samples; a rate over a window shares its events with that many neighbours
_ALONE = 0.15  # that a workload without metrics is at fault where only one caller suffers
_MOST_STEPS = 40  # along calls; cycles end there


@dataclass(frozen=True)
class Excess:
    """How much worse a workload was than usual, in one kind of harm. `flow` is per second; None without a rate."""

    level: float  # per request
    usual: float
    score: float  # in noise scales
    flow: float | None
    course: FloatArray  # scores over the window

    @property
    def more(self) -> float:
        return self.level - self.usual


class Attribution:
    """The shares of one kind of harm over `trouble`, the stretch of time (unix seconds, both ends in) it lasted."""

    def __init__(self, picture: Picture, harm: Harm, trouble: tuple[float, float]) -> None:
        self._picture, self._harm, self._trouble = picture, harm, trouble
        self._excess: dict[tuple[Subject, Harm], Excess | None] = {}
        self._gone: dict[Subject, tuple[float | None, float] | None] = {}
        self._split: dict[Subject, tuple[float, dict[Subject, float]]] = {}

    def suffers(self, subject: Subject) -> bool:
        excess = self.excess(subject)
        return excess is not None and excess.score >= _STANDS_OUT

    def above(self, subject: Subject, least: float = _STANDS_OUT) -> list[Subject]:
        """The workloads at which its harm comes out: up along callers that are worse by `least` noise scales."""
        found, seen, waiting = [], {subject}, [subject]
        while waiting:
            here = waiting.pop()
            worse = [
                caller
                for caller in self._picture.graph.callers(here)
                if (excess := self.excess(caller)) is not None and excess.score >= least
            ]
            if not worse:
                found.append(here)
            for caller in worse:
                if caller not in seen:
                    seen.add(caller)
                    waiting.append(caller)
        return sorted(found, key=str) or [subject]

    def comes_out(self, subject: Subject) -> bool:
        """Whether anybody whom nobody calls is noticeably worse with it."""
        return any(not self._picture.graph.callers(top) for top in self.above(subject, _NOTICEABLE))

    def shares(self, symptoms: Mapping[Subject, float]) -> dict[Subject, float]:
        """How much of the harm at `symptoms` (subject to weight) begins in whom. Adds up to at most one."""
        total = sum(symptoms.values())
        if total <= 0:
            return {}
        moving = {subject: weight / total for subject, weight in symptoms.items()}
        kept: dict[Subject, float] = {}
        for _ in range(_MOST_STEPS):
            onward: dict[Subject, float] = {}
            for subject, weight in moving.items():
                own, passed = self.split(subject)
                kept[subject] = kept.get(subject, 0.0) + weight * own
                for callee, share in passed.items():
                    onward[callee] = onward.get(callee, 0.0) + weight * share
            moving = {subject: weight for subject, weight in onward.items() if weight > 0.001}
            if not moving:
                break
        return kept

    def split(self, subject: Subject) -> tuple[float, dict[Subject, float]]:
        """What of a workload's excess begins in itself, and what in which callee. Adds up to one."""
        if subject not in self._split:
            self._split[subject] = self._measured(subject)
            self._split[subject] = self._inferred(subject, *self._split[subject])
        return self._split[subject]

    def _measured(self, subject: Subject) -> tuple[float, dict[Subject, float]]:
        mine = self.excess(subject)
        if mine is None:
            return 1.0, {}
        found = {}
        for callee in self._reached(subject):
            theirs = self.excess(callee)
            if theirs is not None and theirs.score >= _STANDS_OUT and theirs.more > 0:
                share = _ratio(theirs, mine) / _FULL * _alike(theirs.course, mine.course)
                found[callee] = min(1.0, share)
        total = sum(found.values())
        if total > 1:
            found = {callee: share / total for callee, share in found.items()}
        return max(0.0, 1.0 - total), found

    def _reached(self, subject: Subject) -> list[Subject]:
        """Whom it calls, and through those of whom nothing is known, whom they call."""
        found, waiting = [], list(self._picture.graph.callees(subject))
        while waiting:
            callee = waiting.pop(0)
            if callee in found or callee == subject:
                continue
            found.append(callee)
            if self._blind(callee):
                waiting.extend(self._picture.graph.callees(callee))
        return found

    def _blind(self, subject: Subject) -> bool:
        return all(self._signal(subject, kind) is None for kind in _KINDS[self._harm])

    def _inferred(
        self, subject: Subject, own: float, passed: dict[Subject, float]
    ) -> tuple[float, dict[Subject, float]]:
        """What is left is looked for in callees that have no excess of this kind to show."""
        claims: dict[Subject, float] = {}
        for callee in self._reached(subject):
            if callee in passed:
                continue
            claim = max(self._unseen(callee), self._missed(subject, callee), self._other_harm(subject, callee))
            if claim > 0:
                claims[callee] = claim
        strongest, total = max(claims.values(), default=0.0), sum(claims.values())
        if own <= 0.2 or not total:
            return own, passed
        given = own * strongest
        more = {callee: given * claim / total for callee, claim in claims.items()}
        return own - given, {**passed, **more}

    def _unseen(self, callee: Subject) -> float:
        """A callee without metrics of this kind that most of its callers suffer with."""
        if not self._blind(callee):
            return 0.0
        known = [caller for caller in self._picture.graph.callers(callee) if self.excess(caller) is not None]
        suffering = [caller for caller in known if self.suffers(caller)]
        puzzled = sum(1 for caller in suffering if self._measured(caller)[0] > 0.3)
        if not puzzled:
            return 0.0
        below = [other for other in self._picture.graph.callees(callee) if self._signal(other, "request_rate")]
        if self._harm == "errors" and len(below) >= 2 and all(self._share_gone(other) > 0 for other in below):
            puzzled += 2  # all that it calls is asked less: as good as two callers more
        common = _ALONE if puzzled == 1 else 1.0 - 0.5**puzzled
        return common * (len(suffering) / len(known)) ** 2

    def _missed(self, caller: Subject, callee: Subject) -> float:
        """A callee whose requests do not arrive, while its caller's other callees get theirs."""
        mine, missing = self.excess(caller), self._missing(callee)
        if self._harm != "errors" or mine is None or missing is None:
            return 0.0
        lost, gone = missing
        if any(
            self._share_gone(other) > 0 and self._picture.graph.reaches(other, callee)
            for other in self._reached(caller)
            if other != callee
        ):
            return 0.0  # it is asked less because one before it is
        siblings = [
            self._share_gone(other)
            for other in self._reached(caller)
            if other != callee
            and self._signal(other, "request_rate") is not None
            and not self._picture.graph.reaches(callee, other)
        ]
        drop = gone - max(self._share_gone(caller), min(siblings, default=0.0))
        if drop <= 0.3 * gone:
            return 0.0  # it is asked less, like the others: its caller fails before it asks
        share = 1.0 if lost is None or not mine.flow else min(1.0, lost * drop / gone / mine.flow / _FULL)
        callers = [other for other in self._picture.graph.callers(callee) if self.excess(other) is not None]
        suffering = [other for other in callers if self.suffers(other)]
        share *= (max(1, len(suffering)) / max(1, len(callers))) ** 2
        ambiguous = (len(suffering) <= 1 and not siblings) or callee not in self._picture.graph.callees(caller)
        return share * (_ONLY if ambiguous else 1.0)

    def _share_gone(self, subject: Subject) -> float:
        missing = self._missing(subject)
        return missing[1] if missing is not None else 0.0

    def _missing(self, subject: Subject) -> tuple[float | None, float] | None:
        """Requests that no longer arrive: how many a second, where that is known, and as a share of the usual ones.

        None where none are missing, or not clearly. Without a rate, a workload whose other series end or pause is one
        that is not asked, or does not answer.
        """
        if subject not in self._gone:
            self._gone[subject] = self._compute_missing(subject)
        return self._gone[subject]

    def _compute_missing(self, subject: Subject) -> tuple[float | None, float] | None:
        rate = self._signal(subject, "request_rate")
        since, (start, end) = self._picture.span.window.start.timestamp(), self._trouble
        if rate is None:
            kinds = [kind for group in _KINDS.values() for kind in group]
            signal = next((s for kind in kinds if (s := self._signal(subject, kind)) is not None), None)
            if signal is None:
                return None
            past = np.isfinite(signal.values[signal.times < since])
            inside = np.isfinite(signal.values[(signal.times >= start) & (signal.times <= end)])
            expected = round((end - start) / max(self._step(signal), 1.0)) + 1
            absent = 1.0 - float(inside.sum()) / expected
            if len(past) and past.mean() > 0.95 and absent >= 0.3:
                return None, absent
            below = [other for other in self._picture.graph.callees(subject) if self._signal(other, "request_rate")]
            own = [other for other in below if self._picture.graph.callers(other) == (subject,)]
            gone = min((self._share_gone(other) for other in own), default=0.0)
            return (None, gone) if gone > 0 else None
        before = self._usual(rate, 0.01, 0.0)
        if before is None or before.level <= 0:
            return None
        past = rate.values[(rate.times < since) & np.isfinite(rate.values)]
        scale = max(noise_scale(past, _INDEPENDENT), 0.02 * before.level, 0.005)
        inside = self._inside(rate)
        lost = before.level - (float(np.mean(inside)) if len(inside) else 0.0)
        return (lost, lost / before.level) if lost >= _STANDS_OUT * scale else None

    @staticmethod
    def _step(signal: Signal) -> float:
        return float(np.median(np.diff(signal.times))) if len(signal.times) > 1 else 1.0

    def _other_harm(self, caller: Subject, callee: Subject) -> float:
        other: Harm = "time" if self._harm == "errors" else "errors"
        mine, theirs = self.excess(caller), self.excess(callee, other)
        if mine is None or theirs is None or theirs.score < 1.5 * _STANDS_OUT:
            return 0.0
        if other == "time" and theirs.level < 2 * theirs.usual:
            return 0.0  # not slow enough for anybody to give up
        return _OTHER_HARM * _alike(theirs.course, mine.course)

    def excess(self, subject: Subject, harm: Harm | None = None) -> Excess | None:
        key = (subject, harm or self._harm)
        if key not in self._excess:
            self._excess[key] = self._compute(*key)
        return self._excess[key]

    def _compute(self, subject: Subject, harm: Harm) -> Excess | None:
        signal = next((s for kind in _KINDS[harm] if (s := self._signal(subject, kind)) is not None), None)
        if signal is None:
            return None
        before = self._usual(signal, *_FLOORS[harm])
        inside = self._inside(signal)
        if before is None or not len(inside):
            return None
        since = self._picture.span.window.start.timestamp()
        course = (signal.values[signal.times >= since] - before.level) / before.scale
        level = float(np.mean(inside))
        rate = self._signal(subject, "request_rate")
        asked = self._inside(rate) if rate is not None else np.empty(0)
        flow = float(np.mean(asked)) * (level - before.level) if len(asked) else None
        return Excess(level, before.level, before.score(level), flow, course)

    def _usual(self, signal: Signal, floor: float, relative: float) -> Usual | None:
        """As it was before the window; but no better than it was within the window before and after the trouble.

        What has been otherwise since before the trouble is a drift, and does not tell of it.
        """
        since, (start, end) = self._picture.span.window.start.timestamp(), self._trouble
        past = usual(signal.values[signal.times < since], floor=floor, relative_floor=relative)
        around = signal.values[(signal.times >= since) & ((signal.times < start) | (signal.times > end))]
        around = around[np.isfinite(around)]
        if past is None or len(around) < 2:
            return past
        level = float(np.median(around))
        if signal.kind == "request_rate":
            return Usual(level, past.scale)
        return Usual(max(past.level, level), past.scale)

    def _inside(self, signal: Signal) -> FloatArray:
        start, end = self._trouble
        values = signal.values[(signal.times >= start) & (signal.times <= end)]
        return np.asarray(values[np.isfinite(values)], dtype=np.float64)

    def _signal(self, subject: Subject, kind: SignalKind) -> Signal | None:
        return self._picture.signal(subject, kind)


def _ratio(theirs: Excess, mine: Excess) -> float:
    """What share of `mine` `theirs` is: in what flows where both flows are known, else per request."""
    if theirs.flow is not None and mine.flow is not None and mine.flow > 0:
        return theirs.flow / mine.flow
    return theirs.more / mine.more if mine.more > 0 else 0.0


def _alike(one: FloatArray, other: FloatArray) -> float:
    """Whether two courses of scores are above usual at the same times, from 0 to 1.

    Usual is zero. Around their own means two courses that are high throughout would be compared by their noise alone.
    """
    if len(one) != len(other):
        return 1.0
    both = np.isfinite(one) & np.isfinite(other)
    length = float(np.linalg.norm(one[both]) * np.linalg.norm(other[both]))
    if both.sum() < 4 or length == 0:
        return 1.0
    return min(1.0, max(0.0, float(one[both] @ other[both])) / length / _ALIKE)
