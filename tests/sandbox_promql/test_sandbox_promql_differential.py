"""The engine against a real Prometheus: the same samples, the same expressions, the same numbers to 1e-9 relative."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
from sandbox_promql.promql_expressions import END_MS, START_MS, expressions, samples
from sandbox_promql.promql_reference import serving

from autodevops.sandbox.promql.engine import instant, range_query
from autodevops.sandbox.promql.labels import Labels, make_labels
from autodevops.sandbox.promql.memory import MemorySource
from autodevops.sandbox.promql.values import PROMETHEUS_2, PROMETHEUS_3, QueryResult

TOLERANCE = 1e-9
STEP_MS = 90_000
Answer = dict[Labels, dict[int, float]]


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    with serving(tmp_path_factory.mktemp("prometheus"), samples()) as client:
        yield client


def test_every_expression_answers_as_the_real_prometheus_does(
    prometheus: httpx.Client, capsys: pytest.CaptureFixture[str]
) -> None:
    source = MemorySource(samples())
    different = []
    chosen = list(dict.fromkeys(expressions()))
    compared = 0
    # Off the scrape instants and on round times, where windows begin and end exactly on subquery steps.
    moments = (START_MS + 3_000_000, START_MS + 4_567_891, END_MS + 120_000)
    for text in chosen:
        bounds = (START_MS + 600_000, END_MS + 400_000)
        theirs = _matrix(prometheus, text, *bounds)
        ours = _answer(range_query(text, source, *bounds, STEP_MS, PROMETHEUS_2))
        compared += sum(len(values) for values in theirs.values())
        different += [f"{text} (range): {why}" for why in _differences(ours, theirs)]
        for at in moments:
            theirs = _vector(prometheus, text, at)
            ours = _answer(instant(text, source, at, PROMETHEUS_2))
            different += [f"{text} (at {at}): {why}" for why in _differences(ours, theirs)]
    with capsys.disabled():
        wrong = len({line.split(" (")[0] for line in different})
        print(f"\n{len(chosen) - wrong} of {len(chosen)} expressions equal to 1e-9, {compared} range samples compared")
    assert not different, "\n".join(different[:40])


def test_left_open_windows_differ_from_closed_ones_only_at_their_edge() -> None:
    source = MemorySource(samples())
    open_window = replace(PROMETHEUS_2, left_open=True)
    for text in ("avg_over_time(temperature[5m])", "temperature", "deriv(temperature[17m])"):
        bounds = (START_MS + 600_000, END_MS, STEP_MS)  # no sample lies on an edge: scrape offsets are odd
        assert _answer(range_query(text, source, *bounds, open_window)) == _answer(
            range_query(text, source, *bounds, PROMETHEUS_2)
        )
    exact = MemorySource({make_labels({"__name__": "m"}): {t * 60_000: float(t) for t in range(11)}})
    closed = instant("count_over_time(m[5m])", exact, 600_000, PROMETHEUS_2).series[0].values[0]
    opened = instant("count_over_time(m[5m])", exact, 600_000, PROMETHEUS_3).series[0].values[0]
    assert (closed, opened) == (6, 5)


def _matrix(client: httpx.Client, text: str, start: int, end: int) -> Answer:
    form = {"query": text, "start": f"{start / 1000}", "end": f"{end / 1000}", "step": f"{STEP_MS / 1000}"}
    data = _data(client.post("/api/v1/query_range", data=form), text)
    return {make_labels(row["metric"]): dict(map(_sample, row["values"])) for row in data["result"]}


def _vector(client: httpx.Client, text: str, at: int) -> Answer:
    data = _data(client.post("/api/v1/query", data={"query": text, "time": f"{at / 1000}"}), text)
    if data["resultType"] == "scalar":
        return {(): dict([_sample(data["result"])])}
    return {make_labels(row["metric"]): dict([_sample(row["value"])]) for row in data["result"]}


def _data(response: httpx.Response, text: str) -> dict[str, Any]:
    body = response.json()
    assert body["status"] == "success", f"{text}: {body}"
    return dict(body["data"])


def _sample(pair: list[Any]) -> tuple[int, float]:
    return round(pair[0] * 1000), float(pair[1])


def _answer(result: QueryResult) -> Answer:
    return {s.labels: dict(zip(s.times.tolist(), s.values.tolist(), strict=True)) for s in result.series}


def _differences(ours: Answer, theirs: Answer) -> Iterator[str]:
    if ours.keys() != theirs.keys():
        yield f"series {sorted(ours.keys() ^ theirs.keys())[:3]}"
        return
    for labels, values in theirs.items():
        if ours[labels].keys() != values.keys():
            yield f"{labels}: samples at {sorted(ours[labels].keys() ^ values.keys())[:5]}"
            continue
        for at, value in values.items():
            if not _equal(ours[labels][at], value):
                yield f"{labels} at {at}: {ours[labels][at]!r}, Prometheus {value!r}"
                break


def _equal(left: float, right: float) -> bool:
    if math.isnan(left) or math.isnan(right):
        return math.isnan(left) and math.isnan(right)
    # What cancels to about nothing (a deviation of equal values) has no relative error to speak of.
    return left == right or math.isclose(left, right, rel_tol=TOLERANCE, abs_tol=1e-12)
