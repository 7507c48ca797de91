"""Names the culprit of made-up incidents from service metrics and the call graph, beside two plain ways of doing so.

Usage: python benchmarks/bench_culprits.py [CASES [FIRST]]

For each fault and sampling CASES incidents (default 30) of `synthetic_services`, with seeds from FIRST (default 0)
on, are asked of

- the engine: the rules over golden signals, and the weighing;
- a robust score in BARO's manner (Pham, Ha, Zhang: BARO, FSE 2024): each series against its median and interquartile
  range before the onset, services ranked by the worst of their series;
- the anomalous service whose own callees are not anomalous, of several the one whose course resembles the head of the
  calls most.

The two are told the onset, and once more one that is 60 s early (a sample, where samples are coarse); the engine is
told a window, which begins before the onset, and once more one that begins as much after it. The same is asked about
stretches without a fault: who names somebody there names him wrongly; for the two an alarm is a score of 10 and 5.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
from synthetic_services import FAULTS, Case, Fault, FloatArray, make

from autodevops.domain.evidence import EvidenceId
from autodevops.domain.subject import Subject
from autodevops.domain.window import TimeWindow
from autodevops.investigation.graph import CallGraph, Edge
from autodevops.investigation.inventory import Inventory
from autodevops.investigation.picture import Picture, Signal
from autodevops.investigation.request import Span
from autodevops.investigation.rules import apply_all
from autodevops.investigation.weigh import weigh
from autodevops.kernel.clock import monotonic_ms

_EVIDENCE = EvidenceId("case")
_STEPS = (300.0, 30.0)
_BARO_ALARM, _PLAIN_ALARM = 10.0, 5.0
_FLOORS = {"error_ratio": 0.002, "latency_mean": 0.001, "latency_p95": 0.002, "request_rate": 0.02}


def picture_of(case: Case) -> Picture:
    moments = [datetime.fromtimestamp(float(case.times[at]), UTC) for at in (0, case.window, -1)]
    signals = (
        Signal(_subject(name), kind, case.times, values, {}, _EVIDENCE)
        for (name, kind), values in sorted(case.series.items())
    )
    return Picture(
        span=Span(
            window=TimeWindow(start=moments[1], end=moments[2]), baseline=TimeWindow(start=moments[0], end=moments[1])
        ),
        inventory=Inventory(namespace="made-up"),
        signals=tuple(signals),
        graph=CallGraph.of(Edge(_subject(one), _subject(other), "calls", _EVIDENCE) for one, other in case.calls),
    )


def engine(case: Case) -> list[str]:
    picture = picture_of(case)
    return [candidate.subject.name for candidate in weigh(picture, apply_all(picture))]


def _late(case: Case, seconds: float) -> Case:
    """Asked about a window that begins after the fault did, and has at least two samples."""
    window = min(case.onset + round(seconds / case.step), len(case.times) - 2)
    return case if case.fault == "none" else replace(case, window=window)


def _subject(name: str) -> Subject:
    return Subject(kind="Service", name=name, namespace="made-up", api_version="opentelemetry.io")


def _scores(case: Case, onset: int) -> dict[str, tuple[float, FloatArray]]:
    """For each service its worst score from the onset on, and the course of that series."""
    found: dict[str, tuple[float, FloatArray]] = {}
    for (name, metric), values in sorted(case.series.items()):
        past, now = values[:onset], values[onset:]
        past, now = past[np.isfinite(past)], now[np.isfinite(now)]
        if len(past) < 8 or not len(now):
            continue
        low, middle, high = np.quantile(past, (0.25, 0.5, 0.75))
        scale = max(float(high - low), _FLOORS[metric], 0.03 * abs(float(middle)))
        score = float(np.max(np.abs(now - middle))) / scale
        if score > found.get(name, (-1.0, values))[0]:
            found[name] = (score, (values - middle) / scale)
    return found


def robust(case: Case, onset: int) -> list[str]:
    scores = _scores(case, onset)
    return [name for name in sorted(scores, key=lambda n: (-scores[n][0], n)) if scores[name][0] >= _BARO_ALARM]


def plain(case: Case, onset: int) -> list[str]:
    scores = _scores(case, onset)
    anomalous = {name for name, (score, _) in scores.items() if score >= _PLAIN_ALARM}
    callees: dict[str, set[str]] = {}
    for caller, callee in case.calls:
        callees.setdefault(caller, set()).add(callee)
    called = {callee for _, callee in case.calls}
    heads = [name for name in scores if name not in called] or sorted(scores)
    head = scores[max(heads, key=lambda n: (scores[n][0], n))][1]

    def likeness(name: str) -> float:
        mine = scores[name][1]
        both = np.isfinite(mine) & np.isfinite(head)
        if both.sum() < 3 or np.ptp(mine[both]) == 0 or np.ptp(head[both]) == 0:
            return 0.0
        return abs(float(np.corrcoef(mine[both], head[both])[0, 1]))

    def order(name: str) -> tuple[bool, float, str]:
        return (bool(callees.get(name, set()) & anomalous), -likeness(name), name)

    return sorted(anomalous, key=order)


def main() -> int:
    cases = int(sys.argv[1]) if len(sys.argv) > 1 else 30
    seeds = range(first := int(sys.argv[2]) if len(sys.argv) > 2 else 0, first + cases)
    early = {step: 60 if step < 60 else 300 for step in _STEPS}
    ways: Mapping[str, Callable[[Case], list[str]]] = {
        "engine": engine,
        "engine, window late": lambda case: engine(_late(case, early[case.step])),
        "robust score": lambda case: robust(case, case.onset),
        "robust score, onset early": lambda case: robust(case, case.onset - round(early[case.step] / case.step)),
        "anomalous callee": lambda case: plain(case, case.onset),
        "anomalous callee, onset early": lambda case: plain(case, case.onset - round(early[case.step] / case.step)),
    }
    for step in _STEPS:
        print(f"samples each {step:.0f} s, {cases} incidents of each fault: top-1 / top-3")
        print(f"{'':32}" + "".join(f"{fault:>16}" for fault in FAULTS) + f"{'all':>16}{'silent in quiet':>18}{'ms':>8}")
        told = {fault: [make(seed, step, fault) for seed in seeds] for fault in FAULTS}
        quiet = [make(seed, step, "none") for seed in seeds]
        for name, rank in ways.items():
            print(f"{name:32}" + _row(rank, told, quiet))
    return 0


def _row(rank: Callable[[Case], list[str]], told: Mapping[Fault, list[Case]], quiet: list[Case]) -> str:
    start, cells, total = monotonic_ms(), [], np.zeros(2)
    for cases in told.values():
        ranked = [(case.culprit, rank(case)) for case in cases]
        right = np.array(
            [sum(culprit in names[:place] for culprit, names in ranked) / len(cases) for place in (1, 3)], np.float64
        )
        total += right / len(told)
        cells.append(f"{right[0]:.2f} / {right[1]:.2f}")
    cells.append(f"{total[0]:.2f} / {total[1]:.2f}")
    silent = sum(not rank(case) for case in quiet) / len(quiet)
    spent = (monotonic_ms() - start) / (sum(len(cases) for cases in told.values()) + len(quiet))
    return "".join(f"{cell:>16}" for cell in cells) + f"{silent:>18.2f}{spent:>8.0f}"


if __name__ == "__main__":
    raise SystemExit(main())
