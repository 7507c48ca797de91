"""Faults made in PetShop's quiet period, at each component that is asked often: its own incidents are about one.

The series and the calls are real, the fault is made: in the last five samples one component waits or fails more, and so
does everybody above it, as far as its requests come down the calls. Where a component has several callers, they share
its requests by how much each is asked itself. All rise and fall together, each with noise of its own besides.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

SAMPLES, INCIDENT = 240, 5
_LEAST_REQUESTS = 50.0  # in a sample: of what is asked less an outage is hardly noticed by anybody
_KINDS = ("slow", "slow tail", "failing", "slow and failing", "late")
_STATISTICS = {"Average": 1.0, "p50": 0.9, "p90": 1.4, "p95": 1.6, "p99": 2.0}  # a mean's share in each
_SECONDS, _SHARES = (0.25, 0.5, 1.0, 2.0), (0.1, 0.3, 0.6, 0.9)


def made(calm: pd.DataFrame, calls: pd.DataFrame, seed: int = 1) -> Iterator[tuple[str, str, pd.DataFrame]]:
    """The kind of fault, who is at fault, and the table; one of each kind and component."""
    random = np.random.default_rng(seed)
    rates = {str(name): float(np.nanmedian(calm[name, "requests", "Sum"])) for name in calm.columns.unique(0)}
    callers = {
        name: [str(caller) for caller in calls.index if calls.loc[caller, name] and rates.get(str(caller), 0.0) > 0]
        for name in rates
        if name in calls.columns
    }
    for name, above in callers.items():
        if rates[name] < _LEAST_REQUESTS or not above:
            continue
        reached = _reached(name, callers, rates)
        for kind in _KINDS:
            end = int(random.integers(SAMPLES, len(calm)))
            yield kind, name, _faulty(calm.iloc[end - SAMPLES : end].copy(), kind, reached, random)


def _reached(name: str, callers: dict[str, list[str]], rates: dict[str, float]) -> dict[str, float]:
    """How many requests to `name` each of those above it makes for one of its own."""
    found, waiting = {name: 1.0}, [name]
    while waiting:
        here = waiting.pop(0)
        above = callers.get(here, [])
        total = sum(rates[caller] for caller in above)
        for caller in above:
            if caller not in found:
                waiting.append(caller)
            found[caller] = found.get(caller, 0.0) + found[here] * min(5.0, rates[here] / total)
    return found


def _faulty(table: pd.DataFrame, kind: str, reached: dict[str, float], random: np.random.Generator) -> pd.DataFrame:
    last: Sequence[int] = table.index[-INCIDENT:]
    together = 1 + 0.1 * random.standard_normal(INCIDENT)
    seconds, share = random.choice(_SECONDS), random.choice(_SHARES)
    since = np.array([0.0, 0.0, 1.0, 1.0, 1.0]) if kind == "late" else np.ones(INCIDENT)
    for name, requests in reached.items():
        course = since * together * (1 + 0.1 * random.standard_normal(INCIDENT))
        if kind != "failing":
            for statistic, factor in _STATISTICS.items():
                part = 0.15 if kind == "slow tail" and statistic == "Average" else factor
                if (name, "latency", statistic) in table.columns:
                    table.loc[last, (name, "latency", statistic)] += seconds * requests * part * course
        if "failing" in kind and (name, "availability", "Average") in table.columns:
            before = table.loc[last, (name, "availability", "Average")].fillna(100.0)
            failed = np.clip(share * min(1.0, requests) * course, 0.0, 1.0)
            table.loc[last, (name, "availability", "Average")] = before * (1 - failed)
    return table
