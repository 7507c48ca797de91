"""How well and how quickly changes in series are found, beside ruptures and never alarming. Prints, judges nothing.

Usage: python benchmarks/bench_detect.py [--seeds N] [--series N]

The series are made (`synthetic_series.py`), their changes known, their seeds fixed and others than those looked at
while the detector was written. All detectors get the same finite samples; a counter comes as rates.

`found` counts changes that have a detection of their own within five samples. F1 is over all changes; the score is the
mean over series of the F1 in which the series' start counts as found (van den Burg and Williams, An evaluation of
change point detection algorithms, 2020), under which never alarming has a good score where there is nothing to find.
PELT with a Gaussian kernel runs in C (`KernelCPD`, the same cost and pruning as `Pelt(model="rbf")`), once with
a usual penalty and once with the one that suits these series best, which nobody knows before.
"""

from __future__ import annotations

import argparse
import tracemalloc
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import ruptures
import synthetic_series
from synthetic_series import KINDS, STEP, Made, make

from autodevops.analysis.level_changes import find_changes
from autodevops.analysis.samples import clean
from autodevops.analysis.scan import scan
from autodevops.kernel.clock import monotonic_ms

_FIRST_SEED = 1000
_TOLERANCE = 5  # samples
_USUAL = 10.0
_PENALTIES = (3.0, 5.0, 10.0, 15.0, 20.0, 30.0, 50.0, 80.0)

Detector = Callable[[Made], list[int]]


@dataclass(frozen=True)
class Tally:
    true: int
    detected: int
    hit: int
    score: float
    ms: float  # a series

    @property
    def f1(self) -> float:
        return 2 * self.hit / (self.true + self.detected) if self.true + self.detected else 1.0

    def __str__(self) -> str:
        ratio = f"{self.hit / self.detected:.2f}" if self.detected else "   -"
        recall = f"{self.hit / self.true:.2f}" if self.true else "   -"
        return f"{ratio} {recall}  {self.f1:.2f}   {self.score:.3f} {self.ms:6.1f} ms"


def ours(made: Made) -> list[int]:
    return [round(change.onset / STEP) for change in find_changes(made.times, made.values)]


def pelt(penalty: float) -> Detector:
    def detect(made: Made) -> list[int]:
        times, values = clean(made.times, made.values)
        cuts = ruptures.KernelCPD(kernel="rbf", min_size=2).fit(values).predict(pen=penalty)
        return [round(times[cut] / STEP) for cut in cuts[:-1]]

    return detect


def never(_made: Made) -> list[int]:
    return []


def tally(detector: Detector, series: Sequence[Made]) -> Tally:
    start = monotonic_ms()
    detections = [detector(made) for made in series]
    spent = monotonic_ms() - start
    hits = [_hits(made.onsets, found) for made, found in zip(series, detections, strict=True)]
    scores = [
        2 * (hit + 1) / (len(made.onsets) + len(found) + 2)
        for made, found, hit in zip(series, detections, hits, strict=True)
    ]
    return Tally(
        true=sum(len(made.onsets) for made in series),
        detected=sum(map(len, detections)),
        hit=sum(hits),
        score=float(np.mean(scores)),
        ms=spent / len(series),
    )


def _hits(onsets: Iterable[int], found: Iterable[int]) -> int:
    left, hits = list(found), 0
    for onset in onsets:
        near = [one for one in left if abs(one - onset) <= _TOLERANCE]
        if near:
            left.remove(min(near, key=lambda one: abs(one - onset)))
            hits += 1
    return hits


def changes(seeds: int) -> Iterable[str]:
    series = {kind: [make(kind, _FIRST_SEED + seed) for seed in range(seeds)] for kind in KINDS}
    everything = [made for some in series.values() for made in some]
    best = max(_PENALTIES, key=lambda penalty: tally(pelt(penalty), everything).score)
    detectors: dict[str, Detector] = {
        "ours": ours,
        f"PELT rbf, penalty {_USUAL:g} (usual)": pelt(_USUAL),
        f"PELT rbf, penalty {best:g} (best here)": pelt(best),
        "never alarming": never,
    }
    yield f"{len(everything)} series of {synthetic_series.SAMPLES} samples, an onset counts within {_TOLERANCE} samples"
    for name, detector in detectors.items():
        yield ""
        yield f"{name:36} prec. rec.  F1     score   time"
        for kind, some in series.items():
            yield f"  {kind:34} {tally(detector, some)}"
        yield f"  {'all':34} {tally(detector, everything)}"


def throughput(count: int) -> Iterable[str]:
    """A tenth of the series change, a tenth has gaps; noise of every size."""
    random = np.random.default_rng(_FIRST_SEED)
    table = random.standard_normal((count, 120)) * random.lognormal(0, 2, (count, 1))
    onsets = np.where(np.arange(count) % 10 == 0, random.integers(65, 110, count), 10_000)
    table += (np.arange(120) >= onsets[:, None]) * 6 * np.std(table[:, :60], axis=1, keepdims=True)
    table[1::10, 20:40] = np.nan
    start = monotonic_ms()
    found = scan(table, baseline=60)
    spent = (monotonic_ms() - start) / 1000
    tracemalloc.start()
    scan(table, baseline=60)
    peak = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    true = onsets < 120
    right = found.changed & true & (np.abs(found.onset - onsets) <= _TOLERANCE)
    yield ""
    yield f"scan of {count:,} series x 120 samples: {spent:.1f} s ({count / spent:,.0f} series/s), one thread"
    yield f"  peak memory of the scan {peak:.0f} MB, beside the table's {table.nbytes / 1e6:.0f} MB"
    yield (
        f"  changes found {np.sum(right) / np.sum(true):.3f},"
        f" series without change called changed {np.mean(found.changed[~true]):.4f}"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=20, help="series of each kind (default: 20)")
    parser.add_argument("--series", type=int, default=100_000, help="series of the scan (default: 100000)")
    arguments = parser.parse_args()
    for line in (*changes(arguments.seeds), *throughput(arguments.series)):
        print(line, flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
