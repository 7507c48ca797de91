"""How many series Scarlet's own baselines go over in a minute, on one core. Prints figures, judges nothing.

Usage: python benchmarks/bench_watch.py [--series N]

Three series a workload (requests, failures, durations), two hours of samples each, a workload in a hundred off its
level for the last ten minutes. A look is: the new samples of all series put in their places, as answers of the toolbox;
then all measures of all workloads judged. What Prometheus takes to answer is not in it.
"""

from __future__ import annotations

import argparse
import asyncio
import time
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime

import numpy as np

from autodevops.domain.series import Series
from autodevops.domain.subject import Subject
from autodevops.domain.tool_results import SeriesResult
from autodevops.investigation.request_families import FAMILIES
from autodevops.scarlet.watching.golden import Golden
from autodevops.scarlet.watching.requests import Asked, RateKind, Requests
from autodevops.scarlet.watching.sample_table import COLUMNS, OVERLAP, STEP
from autodevops.toolbox.testing import ScriptedTools

NOW = int(datetime(2026, 11, 24, 12, tzinfo=UTC).timestamp())
KINDS: tuple[RateKind, ...] = ("asked", "failed", "took")
OFF_FOR = 20  # samples
AN_ANSWER = 380  # series


def made(workloads: int) -> Iterator[tuple[RateKind, np.ndarray]]:
    """Noise around a level of each workload's own; one in a hundred fails a tenth of its requests in the end."""
    random = np.random.default_rng(7)
    rate = random.lognormal(1, 1.5, (workloads, 1))
    asked = rate * (1 + 0.08 * random.standard_normal((workloads, COLUMNS)))
    share = np.full((workloads, COLUMNS), 0.002)
    share[::100, -OFF_FOR:] = 0.1
    yield "asked", asked
    yield "failed", asked * share * random.gamma(4, 0.25, (workloads, COLUMNS))
    yield "took", asked * 0.05 * (1 + 0.1 * random.standard_normal((workloads, COLUMNS)))


def answers(values: np.ndarray) -> list[SeriesResult]:
    """The last samples of all series, as an answer each some hundred."""
    times = [float(NOW - STEP * back) for back in range(OVERLAP - 1, -1, -1)]
    lines = [
        Series(
            labels={"namespace": f"n{row // 50}", "service": f"w{row}"},
            samples=tuple(zip(times, some, strict=True)),
        )
        for row, some in enumerate(values[:, -OVERLAP:].tolist())
    ]
    return [
        SeriesResult(result_type="matrix", series=tuple(lines[at : at + AN_ANSWER]))
        for at in range(0, len(lines), AN_ANSWER)
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--series", type=int, default=100_000, help="series that are watched (default: 100000)")
    workloads = parser.parse_args().series // len(KINDS)
    asked = Asked(FAMILIES[0], "namespace", "service", 'http_response_status_code=~"5.."', timed=True, bucketed=False)
    tables = dict(made(workloads))
    for kind in KINDS:
        asked.table.fill(kind, asked.labels, [])
        for answer in answers(tables[kind]):
            asked.table.fill(kind, asked.labels, answer.series)
    asked.table.advance(NOW)
    for kind in KINDS:
        asked.table.of(kind)[:] = tables[kind]
    asked.subjects = [Subject(kind="Deployment", name=key[1], namespace=key[0]) for key in asked.table.keys]
    requests = Requests(ScriptedTools({"prometheus.query_range": {"result_type": "matrix", "series": []}}))
    requests.asked = [asked]
    new = {kind: answers(tables[kind]) for kind in KINDS}
    raw = {kind: [answer.model_dump(mode="json") for answer in some] for kind, some in new.items()}

    start = time.process_time()
    for kind in KINDS:
        for document in raw[kind]:
            asked.table.fill(kind, asked.labels, SeriesResult.model_validate(document).series)
    filled = time.process_time() - start
    start = time.process_time()
    found = asyncio.run(Golden(requests).look(datetime.fromtimestamp(NOW, UTC)))
    judged = time.process_time() - start
    tracemalloc.start()
    asyncio.run(Golden(requests).look(datetime.fromtimestamp(NOW, UTC)))
    peak = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    series, look = workloads * len(KINDS), filled + judged
    held = sum(asked.table.of(kind).nbytes for kind in KINDS) / 1e6
    off = {f"w{row}" for row in range(0, workloads, 100)}
    named = {one.subject.name for one in found if one.subject and one.name == "ErrorRateUp"}
    print(f"{series:,} series of {workloads:,} workloads, {COLUMNS} samples each, processor time on one core")
    print(f"  new samples read and put in place  {filled:6.1f} s")
    print(f"  three measures of each judged      {judged:6.1f} s")
    print(f"  a look                             {look:6.1f} s: {series * 60 / look:,.0f} series a minute")
    print(f"  memory: samples {held:.0f} MB, judging {peak:.0f} MB more")
    print(f"  of {len(off)} that fail more {len(named & off)} found, {len(found) - len(named & off)} others told")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
