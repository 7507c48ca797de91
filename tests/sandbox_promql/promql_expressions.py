"""Expressions for the differential test, and the samples they are about.

The samples have counters with resets, gauges below zero, a series that ends, one with gaps, one with NaN and Inf, and
histograms; each instance is scraped at its own offset.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator

from autodevops.sandbox.promql.labels import NAME, Labels, make_labels

STEP_MS = 15_000
START_MS = 1_700_006_400_000  # a multiple of an hour, so that steps and subqueries begin on round times
SAMPLES = 400
END_MS = START_MS + SAMPLES * STEP_MS
BOUNDS = ("0.05", "0.1", "0.25", "0.5", "1", "+Inf")


def samples(seed: int = 7) -> dict[Labels, dict[int, float]]:
    """Label set -> {milliseconds: value}."""
    rng = random.Random(seed)
    found: dict[Labels, dict[int, float]] = {}

    def times(instance: int) -> list[int]:
        return [START_MS + k * STEP_MS + 3_217 + 1_013 * instance for k in range(SAMPLES)]

    for job in ("api", "web"):
        for instance in range(3):
            labels = {"job": job, "instance": f"{instance}"}
            for code in ("200", "404", "500"):
                total, values = 0.0, {}
                for at in times(instance):
                    total = 0.0 if rng.random() < 0.01 else total + rng.expovariate(0.5)
                    values[at] = total
                found[make_labels({NAME: "requests_total", "code": code, **labels})] = values
            level, gauge = 10.0 * instance, {}
            for at in times(instance):
                level += rng.gauss(0, 3)
                gauge[at] = round(level, 3)
            found[make_labels({NAME: "temperature", **labels})] = gauge
            found[make_labels({NAME: "capacity", **labels})] = dict.fromkeys(times(instance), 50.0 + instance)
            cumulative = [0.0] * len(BOUNDS)
            buckets: dict[str, dict[int, float]] = {bound: {} for bound in BOUNDS}
            for at in times(instance):
                for _ in range(rng.randint(0, 6)):
                    delay = rng.lognormvariate(-2, 1)
                    for index, bound in enumerate(BOUNDS):
                        cumulative[index] += delay <= float(bound)
                for index, bound in enumerate(BOUNDS):
                    buckets[bound][at] = cumulative[index]
            for bound, values in buckets.items():
                found[make_labels({NAME: "latency_bucket", "le": bound, **labels})] = values
    gone = times(0)[: SAMPLES // 2]
    found[make_labels({NAME: "sometimes", "kind": "ends"})] = {at: float(i % 7) for i, at in enumerate(gone)}
    gaps = [at for i, at in enumerate(times(1)) if i % 60 < 20]
    found[make_labels({NAME: "sometimes", "kind": "gaps"})] = {at: float(i) for i, at in enumerate(gaps)}
    odd = {at: (math.nan, math.inf, -math.inf, 1.5, -2.0)[i % 5] for i, at in enumerate(times(2))}
    found[make_labels({NAME: "sometimes", "kind": "odd"})] = odd
    found[make_labels({NAME: "version", "instance": "0", "version": "1.2"})] = dict.fromkeys(times(0), 1.0)
    found[make_labels({NAME: "version", "instance": "1", "version": "1.3"})] = dict.fromkeys(times(0), 1.0)
    found[make_labels({NAME: "version", "instance": "2", "version": "1.3"})] = dict.fromkeys(times(0), 1.0)
    return found


_RANGE = "rate increase irate delta idelta deriv changes resets"
_OVER_TIME = "avg sum min max count stddev stdvar last present"
_MATH = (
    "abs ceil floor exp sqrt ln log2 log10 sgn round "
    "acos acosh asin asinh atan atanh cos cosh sin sinh tan tanh deg rad"
)
_DATES = "minute hour day_of_week day_of_month day_of_year days_in_month month year"
_AGGREGATIONS = "sum avg min max count group stddev stdvar"


def expressions() -> Iterator[str]:
    """A few hundred expressions that Prometheus 2.42 and the engine both know."""
    for window in ("1m", "5m", "17m"):
        for name in _RANGE.split():
            yield f"{name}(requests_total[{window}])"
        for name in _OVER_TIME.split():
            yield f"{name}_over_time(temperature[{window}])"
            yield f"{name}_over_time(sometimes[{window}])"
    for name in ("rate", "increase", "delta", "changes", "resets", "deriv", "irate"):
        yield f"{name}(temperature[5m] offset 7m)"
        yield f"{name}(sometimes[10m])"
        yield f"{name}(requests_total[10m] @ {START_MS // 1000 + 3000})"
    for name in _MATH.split():
        yield f"{name}(temperature)"
        yield f"{name}(temperature / 100)"
    for name in _DATES.split():
        yield f"{name}()"
        yield f"{name}(vector(1456790400) + temperature * 86400)"
    for name in _AGGREGATIONS.split():
        yield f"{name}(temperature)"
        yield f"{name} by (job) (rate(requests_total[5m]))"
        yield f"{name} without (code, instance) (requests_total)"
        # A lone NaN or Inf deviates by 0 in 2.x and by NaN in 3.x, whose cases are elsewhere: keep them out here.
        yield f'{name}(sometimes{{kind!="odd"}})' if name.startswith("std") else f"{name}(sometimes)"
        yield f"{name} by (job, code) (max_over_time(requests_total[3m]))"
    for k in ("1", "2", "5"):
        yield f"topk({k}, temperature)"
        yield f"bottomk by (job) ({k}, requests_total)"
    for q in ("0", "0.3", "0.5", "0.99", "1", "-1", "2", "NaN"):
        yield f"quantile({q}, temperature)"
        yield f"quantile by (job) ({q}, requests_total)"
        yield f"quantile_over_time({q}, temperature[9m])"
        yield f"histogram_quantile({q}, rate(latency_bucket[5m]))"
        yield f"histogram_quantile({q}, sum by (job, le) (rate(latency_bucket[10m])))"
    for op in ("+", "-", "*", "/", "%", "^", "atan2"):
        yield f"temperature {op} capacity"
        yield f"temperature {op} 3"
        yield f"2.5 {op} temperature"
        yield f"requests_total {op} on (job, instance) group_left temperature"
        yield f"7 {op} 3"
    for op in ("==", "!=", ">", "<", ">=", "<="):
        yield f"temperature {op} capacity"
        yield f"temperature {op} bool capacity"
        yield f"temperature {op} 10"
        yield f"10 {op} bool temperature"
        yield f"sometimes {op} 1.5"
        yield f"3 {op} bool 4"
    for op in ("and", "or", "unless"):
        yield f'requests_total {op} requests_total{{code="500"}}'
        yield f"temperature {op} on (instance) version"
        yield f'temperature {op} ignoring (job) capacity{{job="api"}}'
        yield f"(temperature > 10) {op} (capacity < 52)"
    yield "requests_total * on (instance) group_left (version) version"
    yield "version * on (instance) group_right (version) temperature"
    yield 'requests_total{code="500"} / ignoring (code) requests_total{code="200"}'
    yield "sum by (job) (rate(requests_total{code=~'5..'}[5m])) / sum by (job) (rate(requests_total[5m]))"
    for selector in (
        'requests_total{code!="200"}', 'requests_total{job=~"a.*"}', 'requests_total{job!~"a.*", code="404"}',
        '{__name__=~"temp.*"}', 'requests_total{nothing=""}', 'requests_total{job=~"(?i:API)"}', "sometimes",
        "nothing", "temperature offset 5m", "temperature offset -5m", "temperature @ end()", "temperature @ start()",
        f"temperature @ {START_MS // 1000 + 2000} offset 1m",
    ):  # fmt: skip
        yield selector
        yield f"count({selector})"
        yield f"absent({selector})"
    for inner, outer in (("30m", "1m"), ("20m", "3m"), ("10m", "")):
        yield f"max_over_time(rate(requests_total[5m])[{inner}:{outer}])"
        yield f"avg_over_time((temperature > 5)[{inner}:{outer}])"
        yield f"deriv(temperature[{inner}:{outer}])"
        yield f"sum_over_time(sometimes[{inner}:{outer}] offset 2m)"
        yield f"rate(requests_total[{inner}:{outer}] @ {START_MS // 1000 + 4000})"
        yield f"min_over_time(sum by (job) (temperature)[{inner}:{outer}])"
    yield "absent_over_time(nothing[5m])"
    yield 'absent_over_time(sometimes{kind="ends"}[10m])'
    yield "predict_linear(temperature[20m], 3600)"
    yield "predict_linear(temperature[20m] offset 3m, -600)"
    yield "clamp(temperature, -5, 12)"
    yield "clamp_min(temperature, 0)"
    yield "clamp_max(temperature, 0)"
    yield "clamp(temperature, 5, 1)"
    yield "round(temperature, 0.25)"
    yield "round(temperature, 7)"
    yield 'label_replace(temperature, "host", "h-$1", "instance", "(.*)")'
    yield 'label_replace(temperature, "job", "", "job", "a.*")'
    yield 'label_join(requests_total, "all", "/", "job", "instance", "code")'
    yield 'count_values("value", capacity)'
    yield 'count_values by (job) ("v", floor(temperature / 10))'
    yield "timestamp(temperature)"
    yield "timestamp(temperature + 1)"
    yield "scalar(sum(temperature)) + vector(1)"
    yield "vector(scalar(temperature))"
    yield "time()"
    yield "time() - timestamp(capacity)"
    yield "pi() * 2"
    yield "-temperature"
    yield "-(2 ^ 3) ^ 0.5"
    yield "sum(temperature > 1000) or vector(0)"
    yield "avg(temperature) by (instance) > bool avg(capacity) by (instance)"
    yield "1 - (sum(requests_total{code='500'}) / sum(requests_total))"
