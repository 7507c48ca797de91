"""Amazon's PetShop incidents through the engine's rules and weighing.

The adapter makes of each incident what an investigation would have gathered: request rate, error ratio, mean and 95th
percentile of latency of each component as golden signals, and the call graph as edges. An incident has five samples,
its quiet period was recorded at another time; it is put before the incident as the past the engine compares with, at
the density of an investigation (240 samples in all). The same is asked about stretches of the quiet period itself:
whoever is named there is named wrongly. All incidents have one culprit, so faults are made at every component that
is asked often, in the quiet period's series (`petshop_faults.py`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
from petshop_faults import INCIDENT, SAMPLES, made

from autodevops.domain.evidence import EvidenceId
from autodevops.domain.subject import Subject
from autodevops.domain.window import TimeWindow
from autodevops.investigation.graph import CallGraph, Edge
from autodevops.investigation.inventory import Inventory
from autodevops.investigation.picture import Picture, Signal, SignalKind
from autodevops.investigation.request import Span
from autodevops.investigation.rules import apply_all
from autodevops.investigation.weigh import Candidate, weigh

_STEP = 300.0  # seconds between two samples
_EVIDENCE = EvidenceId("case")


def run(folder: Path) -> list[str]:
    first = third = named = cases = quiet = silent = 0
    of_made: dict[str, list[tuple[bool, bool]]] = {}
    for traffic in sorted(path for path in folder.iterdir() if path.is_dir()):
        calls = pd.read_csv(traffic / "graph.csv", index_col=0)
        graph = _graph(calls)
        calm = _table(traffic / "noissue" / "metrics.csv")
        for case in sorted(traffic.glob("train/*")):
            truth = json.loads((case / "target.json").read_text())["root_cause"]["node"]
            ranked = judge(_joined(calm, _table(case / "metrics.csv")), graph)
            names = [one.subject.name for one in ranked]
            cases, named = cases + 1, named + bool(names)
            first, third = first + (names[:1] == [truth]), third + (truth in names[:3])
        for stretch in _stretches(calm):
            quiet, silent = quiet + 1, silent + (not judge(stretch, graph))
        for kind, culprit, table in made(calm, calls):
            names = [one.subject.name for one in judge(table, graph)]
            of_made.setdefault(kind, []).append((names[:1] == [culprit], culprit in names[:3]))
    return [
        f"{cases} incidents: top-1 {first / cases:.2f} ({first}), top-3 {third / cases:.2f} ({third}), "
        f"somebody named in {named}",
        f"{quiet} quiet stretches: silent in {silent} (specificity {silent / quiet:.2f})",
        *(
            f"{len(found)} made faults at all components, {kind}: top-1 {np.mean([one for one, _ in found]):.2f}, "
            f"top-3 {np.mean([three for _, three in found]):.2f}"
            for kind, found in of_made.items()
        ),
    ]


def judge(table: pd.DataFrame, graph: CallGraph) -> tuple[Candidate, ...]:
    """The engine's ranking for a table whose last rows are the window asked about."""
    picture = Picture(
        span=_span(table), inventory=Inventory(namespace="petshop"), signals=tuple(_signals(table)), graph=graph
    )
    return weigh(picture, apply_all(picture))


def _span(table: pd.DataFrame) -> Span:
    times = [
        datetime.fromtimestamp(float(one), UTC) for one in (table.index[0], table.index[-INCIDENT], table.index[-1])
    ]
    return Span(window=TimeWindow(start=times[1], end=times[2]), baseline=TimeWindow(start=times[0], end=times[1]))


def _signals(table: pd.DataFrame) -> Iterator[Signal]:
    times = table.index.to_numpy(dtype=np.float64)
    columns: Mapping[tuple[str, str], tuple[SignalKind, float, float]] = {
        ("availability", "Average"): ("error_ratio", -0.01, 1.0),
        ("latency", "p95"): ("latency_p95", 1.0, 0.0),
        ("latency", "Average"): ("latency_mean", 1.0, 0.0),
        ("requests", "Sum"): ("request_rate", 1.0 / _STEP, 0.0),
    }
    for name, metric, statistic in table.columns:
        if (metric, statistic) in columns:
            kind, factor, offset = columns[metric, statistic]
            values = table[name, metric, statistic].to_numpy(dtype=np.float64) * factor + offset
            if np.isfinite(values).any():
                yield Signal(_subject(name), kind, times, values, {}, _EVIDENCE)


def _graph(calls: pd.DataFrame) -> CallGraph:
    return CallGraph.of(
        Edge(_subject(str(caller)), _subject(str(callee)), "calls", _EVIDENCE)
        for caller, row in calls.iterrows()
        for callee, calling in row.items()
        if calling
    )


def _subject(name: str) -> Subject:
    return Subject(kind="Service", name=name, namespace="petshop", api_version="opentelemetry.io")


def _table(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, header=[0, 1, 2], index_col=0).sort_index()


def _joined(calm: pd.DataFrame, incident: pd.DataFrame) -> pd.DataFrame:
    """The quiet period, moved to end right before the incident."""
    past = calm.iloc[-(SAMPLES - len(incident)) :].copy()
    past.index = past.index - past.index[-1] + incident.index[0] - _STEP
    return pd.concat([past, incident])


def _stretches(calm: pd.DataFrame) -> Iterator[pd.DataFrame]:
    for end in range(SAMPLES, len(calm) + 1, INCIDENT):
        yield calm.iloc[end - SAMPLES : end]
