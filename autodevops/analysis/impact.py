"""How much an incident hurt, from rates: requests, failures, the error budget they took, and when it was over.

Rates are requests a second as Prometheus gives them; a rate over two minutes shows the end up to two minutes late, and
its integral is right all the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median

from autodevops.domain.series import Series

_STILL_BAD = 0.1  # of the way from usual to the worst


@dataclass(frozen=True)
class Requests:
    """Counts over a stretch of `seconds`. `ratio` is failed of total, 0 where nothing was asked."""

    total: float
    failed: float
    seconds: float

    @property
    def ratio(self) -> float:
        return self.failed / self.total if self.total else 0.0


def integral(series: Series, start: float, end: float) -> float:
    """Requests in `[start, end]`, Unix seconds, by the trapezium rule over a rate a second; a gap counts as nothing."""
    area = 0.0
    for (left, low), (right, high) in zip(series.samples, series.samples[1:], strict=False):
        begin, finish = max(left, start), min(right, end)
        if low is None or high is None or finish <= begin:
            continue
        slope = (high - low) / (right - left)
        area += (finish - begin) * (low + slope * ((begin + finish) / 2 - left))
    return area


def requests(total: Series, failed: Series, start: float, end: float) -> Requests:
    """Raises ValueError when `end` is not after `start`."""
    if end <= start:
        raise ValueError(f"a stretch ends at {end} but starts at {start}")
    return Requests(integral(total, start, end), integral(failed, start, end), end - start)


def recovered_at(failed: Series, onset: float) -> float | None:
    """Unix seconds from when on failures stay near what they were before `onset`; None while they do not."""
    before = [value for at, value in failed.samples if at < onset and value is not None]
    after = [(at, value) for at, value in failed.samples if at >= onset and value is not None]
    usual = median(before) if before else 0.0
    worst = max((value for _, value in after), default=usual)
    if worst <= usual:
        return None
    bar = usual + _STILL_BAD * (worst - usual)
    bad = [place for place, (_, value) in enumerate(after) if value > bar]
    return after[bad[-1] + 1][0] if bad[-1] + 1 < len(after) else None


def burn_rate(ratio: float, objective: float) -> float:
    """How many times faster than allowed the error budget went. Google SRE Workbook, chapter 5."""
    if not 0 < objective < 1:
        raise ValueError(f"an objective is between 0 and 1, not {objective}")
    return ratio / (1 - objective)


def budget_spent(ratio: float, objective: float, seconds: float, period_seconds: float) -> float:
    """The part of a period's error budget that was spent, with traffic as even as it was meanwhile; 1 is all of it."""
    return burn_rate(ratio, objective) * seconds / period_seconds
