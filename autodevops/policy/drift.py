"""Whether actions of one sort fail more often than they used to: a cumulative sum over outcomes, one at a time.

Each outcome is asked how much likelier it is if the odds of failing have become `WORSE` times what they were. The
logarithms add up, and start anew whenever they say that nothing has changed (Page's CUSUM). At `ALARM` the success rate
has fallen: a machine may do one step less. Only successes lift it again, or a person who undoes it; see
docs/learning.md for the figures.
"""

from __future__ import annotations

from math import log, sqrt

from autodevops.domain.base import Noun

WORSE = 4.0  # times the odds of failing; smaller changes are found as well, only later
ALARM = 3.5  # three failures in a row after forty successes; in 1,000 outcomes of which 1 in 20 fails, 1.3 false ones
RECOVER_AFTER = 5  # successes in a row that lift one step
EXPECTED_FAILURES = 0.1  # before there is a past,
EXPECTED_WEIGHT = 10  # which counts as so many outcomes
_LEAST, _MOST = 0.02, 0.5  # rates that a past is taken for: nothing is certain
_ANEW: dict[str, float] = {"run": 0, "run_failed": 0, "score": 0.0, "lifting": 0}


class Drift(Noun):
    """`past` is what the `run`, the outcomes since the sum was last zero, is held against; `fell` was the run at the
    last alarm. `lowered`: steps that a machine may do less. `lifting`: successes in a row since."""

    past: int = 0
    past_failed: int = 0
    run: int = 0
    run_failed: int = 0
    score: float = 0.0
    lowered: int = 0
    lifting: int = 0
    fell: int = 0
    fell_failed: int = 0

    @property
    def words(self) -> str:
        """Why it is lowered; empty when it is not."""
        if not self.lowered:
            return ""
        before = f"before, {self.past_failed} of {self.past} did" if self.past else "there was nothing like it before"
        return (
            f"{self.fell_failed} of the last {self.fell} failed; {before}. "
            f"{RECOVER_AFTER} successes in a row lift it ({self.lifting} so far)."
        )


def with_outcome(drift: Drift, *, failed: bool) -> Drift:
    """One outcome more. What it fell by does not become past: the next fall is held against how it was before."""
    now = _scored(drift, failed=failed)
    if now.score >= ALARM:
        fell = {"lowered": min(2, now.lowered + 1), "fell": now.run, "fell_failed": now.run_failed}
        return now.model_copy(update={**fell, **_ANEW})
    if now.lowered:
        lifting = 0 if failed else now.lifting + 1
        now = now.model_copy(update={"lifting": lifting})
        if lifting == RECOVER_AFTER:
            return _settled(now, now.lowered - 1)
    return _settled(now, now.lowered, now.lifting) if now.score <= 0 else now


def forgiven(drift: Drift) -> Drift:
    """Not lowered any more, by a person's word: the next fall is held against all that has been."""
    fallen = {"run": drift.run + drift.fell, "run_failed": drift.run_failed + drift.fell_failed}
    return _settled(drift.model_copy(update=fallen), 0) if drift.lowered else drift


def _scored(drift: Drift, *, failed: bool) -> Drift:
    weight = drift.past + EXPECTED_WEIGHT
    mean = (drift.past_failed + EXPECTED_WEIGHT * EXPECTED_FAILURES) / weight
    usual = min(_MOST, max(_LEAST, mean + sqrt(mean * (1 - mean) / (weight + 1))))  # a short past proves little
    odds = WORSE * usual / (1 - usual)
    worse = odds / (1 + odds)
    gain = log(worse / usual) if failed else log((1 - worse) / (1 - usual))
    return drift.model_copy(
        update={
            "run": drift.run + 1,
            "run_failed": drift.run_failed + failed,
            "score": round(max(0.0, drift.score + gain), 6),
        }
    )


def _settled(drift: Drift, lowered: int, lifting: int = 0) -> Drift:
    """The run becomes past."""
    past = {"past": drift.past + drift.run, "past_failed": drift.past_failed + drift.run_failed}
    fell = {} if lowered else {"fell": 0, "fell_failed": 0}
    return drift.model_copy(update={**past, **fell, **_ANEW, "lowered": lowered, "lifting": lifting})
