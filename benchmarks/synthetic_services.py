"""Made-up service metrics with a known culprit: call graphs, traffic, slowness and failures as they travel along calls.

A system is a random call graph of 20 to 60 services. Requests flow down the calls, time and failures flow up; rates are
counted (Poisson), failures drawn (binomial), latency has a heavy tail. A case is a stretch of it with one fault, or
with none, seen the way monitoring sees it: samples each 5 minutes, or each 30 s over a sliding two minutes; some
services without metrics, some with one kind only, some that drift or get a background job without harm to anybody.

Everything follows from the seed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import numpy as np

from autodevops.analysis.samples import FloatArray

Fault: TypeAlias = Literal["none", "latency", "errors", "availability", "traffic"]
Metric: TypeAlias = Literal["error_ratio", "latency_mean", "latency_p95", "request_rate"]

FAULTS: Final[tuple[Fault, ...]] = ("latency", "errors", "availability", "traffic")
_SEEDS: Final[dict[Fault, int]] = {"none": 0, "latency": 1, "errors": 2, "availability": 3, "traffic": 4}
_EPOCH: Final = 1_700_000_000.0


@dataclass(frozen=True)
class Case:
    """`calls` are (caller, callee). `window` is the first sample asked about; `onset` the first of the fault."""

    services: tuple[str, ...]
    calls: tuple[tuple[str, str], ...]
    times: FloatArray
    series: dict[tuple[str, Metric], FloatArray]
    step: float
    window: int
    onset: int
    fault: Fault
    culprit: str


@dataclass
class _World:
    random: np.random.Generator
    count: int
    weights: FloatArray  # calls of row to column for each request of row; rows come before columns
    passes: FloatArray  # probability that a failure of column fails the request of row
    own_time: FloatArray  # seconds
    own_error: FloatArray
    entry_rate: FloatArray  # requests a second from outside
    spread: FloatArray  # p95 over mean
    noise: FloatArray  # relative, of latency


def make(seed: int, step: float, fault: Fault) -> Case:
    """One case: 240 samples, the last of them the window (5 samples of 5 minutes, or an hour of 30 s).

    An incident that nobody can see is none: one in which no failures and no latency leave their usual range is drawn
    again.
    """
    attempt = 0
    while True:
        case = _draw(np.random.default_rng([seed, round(step), _SEEDS[fault], attempt]), step, fault)
        if fault == "none" or _visible(case):
            return case
        attempt += 1


def _visible(case: Case) -> bool:
    for (_, metric), values in case.series.items():
        past, now = values[: case.onset], values[case.onset : case.onset + 3]
        past, now = past[np.isfinite(past)], now[np.isfinite(now)]
        if metric == "request_rate" or len(past) < 8 or not len(now):
            continue
        low, middle, high = np.quantile(past, (0.25, 0.5, 0.75))
        least = 0.01 if metric == "error_ratio" else 0.3 * middle
        if float(np.median(now)) - middle > max(6 * float(high - low), least):
            return True
    return False


def _draw(random: np.random.Generator, step: float, fault: Fault) -> Case:
    world = _world(random)
    coarse = step >= 300
    samples, window = 240, 235 if coarse else 120
    length = int(random.integers(2, 4)) if coarse else int(random.integers(12, 50))
    end = samples - int(random.integers(0, 3 if coarse else 4))
    onset = end - length
    culprit = _culprit(world)
    active = np.zeros(samples)
    if fault != "none":
        active[onset:end] = 1.0
        if coarse:  # a fault does not wait for the sample to begin
            active[onset] = random.uniform(0.3, 1.0)
    series = _observe(world, active, fault, culprit, step, window)
    names = tuple(f"s{index:02d}" for index in random.permutation(world.count))
    times = _EPOCH + np.arange(samples) * step
    callers, callees = np.nonzero(world.weights)
    return Case(
        services=names,
        calls=tuple((names[caller], names[callee]) for caller, callee in zip(callers, callees, strict=True)),
        times=times,
        series={(names[index], metric): values for (index, metric), values in series.items()},
        step=step,
        window=window,
        onset=onset,
        fault=fault,
        culprit=names[culprit],
    )


def _world(random: np.random.Generator) -> _World:
    count = int(random.integers(20, 61))
    entries = int(random.integers(1, 4))
    weights = np.zeros((count, count))
    for callee in range(entries, count):
        # Callers are mostly near: systems are layered, and a few services are called by many.
        near = np.exp(-np.arange(callee)[::-1] / max(3.0, count / 4))
        callers = random.choice(
            callee, size=min(callee, int(random.choice([1, 1, 2, 3]))), replace=False, p=near / near.sum()
        )
        weights[callers, callee] = random.choice([0.1, 0.3, 1.0, 1.0, 1.0, 1.5], size=len(callers))
    rate = np.zeros(count)
    rate[:entries] = random.uniform(2.0, 40.0, entries)
    canaries = random.random(count) < 0.1
    rate[canaries] += random.uniform(0.05, 0.5, int(canaries.sum()))
    return _World(
        random=random,
        count=count,
        weights=weights,
        passes=np.where(weights > 0, random.choice([1.0, 1.0, 0.7, 0.2], size=weights.shape), 0.0),
        own_time=np.exp(random.normal(np.log(0.012), 0.9, count)),
        own_error=np.where(random.random(count) < 0.1, random.uniform(0.002, 0.01, count), 0.0003),
        entry_rate=rate,
        spread=random.uniform(1.6, 3.5, count),
        noise=random.uniform(0.03, 0.15, count),
    )


def _culprit(world: _World) -> int:
    """Any service that is asked at least twelve times a minute: a fault that nobody meets is no incident."""
    rates = _flow(world, world.entry_rate[:, None])[:, 0]
    return int(world.random.choice(np.nonzero(rates > 0.2)[0]))


def _flow(
    world: _World, external: FloatArray, arriving: FloatArray | None = None, going_on: FloatArray | None = None
) -> FloatArray:
    """Requests a second at each service; `arriving` is the share that reaches it, `going_on` what it calls on for."""
    rates = external.copy()
    calling = np.zeros_like(rates)
    for service in range(world.count):
        rates[service] += world.weights[:, service] @ calling
        if arriving is not None:
            rates[service] *= arriving[service]
        calling[service] = rates[service] if going_on is None else rates[service] * going_on[service]
    return rates


def _observe(
    world: _World, active: FloatArray, fault: Fault, culprit: int, step: float, window: int
) -> dict[tuple[int, Metric], FloatArray]:
    random, count, samples = world.random, world.count, len(active)
    weather = 1 + 0.15 * np.sin(2 * np.pi * (np.arange(samples) * step / 86400 + random.random()))
    external = world.entry_rate[:, None] * weather * np.exp(random.normal(0, 0.04, (count, samples)))
    arriving, going_on, blocked = np.ones((count, samples)), np.ones((count, samples)), np.zeros((count, samples))
    time = world.own_time[:, None] * np.exp(random.normal(0, 1, (count, samples)) * world.noise[:, None])
    tail = random.random((count, samples)) < 0.01
    time *= np.where(tail, random.uniform(1.2, 2.5, (count, samples)), 1.0)
    errors = np.repeat(world.own_error[:, None], samples, axis=1) * np.exp(random.normal(0, 0.4, (count, samples)))
    delay, hit = np.zeros((count, samples)), np.zeros((count, samples))
    _harmless(world, time, external, window)
    if fault == "latency":
        delay[culprit] = max(0.05, world.own_time[culprit] * random.uniform(3, 20))
        hit[culprit] = random.choice([0.05, 0.2, 1.0]) * active
    elif fault == "errors":
        share = random.choice([0.04, 0.1, 0.3, 0.6]) * active
        errors[culprit] += share
        if random.random() < 0.5:  # it fails before it calls
            going_on[culprit] -= share
    elif fault == "availability":
        blocked[culprit] = random.choice([0.3, 0.7, 1.0]) * active
        arriving -= blocked
    elif fault == "traffic":
        usual = _flow(world, world.entry_rate[:, None])[culprit, 0]
        external[culprit] += usual * random.uniform(1.5, 4.0) * active
        time[culprit] *= 1 + random.uniform(2, 10) * active
        errors[culprit] += random.choice([0.0, 0.05, 0.2]) * active
    rates = _flow(world, external, arriving, going_on)
    mean, slow, failing = np.zeros((count, samples)), np.zeros((count, samples)), np.zeros((count, samples))
    share = np.zeros((count, samples))  # of requests that meet the delay
    for service in reversed(range(count)):
        callees = np.nonzero(world.weights[service])[0]
        calls = world.weights[service, callees][:, None]
        base = time[service] + (calls * slow[callees]).sum(axis=0)
        share[service] = 1 - (1 - hit[service]) * np.prod((1 - share[callees]) ** np.minimum(calls, 1.0), axis=0)
        slow[service] = base
        mean[service] = time[service] + delay[service] * hit[service] + (calls * mean[callees]).sum(axis=0)
        broken = 1 - (1 - failing[callees]) * (1 - blocked[callees])
        survive = np.prod((1 - world.passes[service, callees][:, None] * broken) ** np.minimum(calls, 1.0), axis=0)
        failing[service] = 1 - (1 - errors[service]) * survive
    reach = 1 / (1 + np.exp(-(share - 0.05) / 0.01))  # whether the 95th percentile meets the delay
    p95 = slow * world.spread[:, None] * np.exp(random.normal(0, 0.05, (count, samples))) + delay.max(axis=0) * reach
    asked = random.poisson(np.maximum(rates, 0) * step).astype(np.float64)
    failed = random.binomial(asked.astype(np.int64), np.clip(failing, 0, 1)).astype(np.float64)
    if step < 300:  # a rate over two minutes, sampled each 30 s
        asked, failed, mean, p95 = (_sliding(one, round(120 / step)) for one in (asked, failed, mean, p95))
    return _seen(world, asked / step, failed, asked, mean, p95)


def _harmless(world: _World, time: FloatArray, external: FloatArray, window: int) -> None:
    """Two services whose own work drifts at the window or before it, one background job that stops or starts."""
    random = world.random
    for service in random.choice(world.count, 2, replace=False):
        time[service, window - int(random.integers(0, 60)) :] *= random.uniform(0.6, 1.35)
    job = int(random.integers(world.count))
    external[job, int(random.integers(0, window)) :] += 0.2


def _sliding(values: FloatArray, width: int) -> FloatArray:
    padded = np.pad(values, ((0, 0), (width - 1, 0)), mode="edge")
    return np.asarray(np.lib.stride_tricks.sliding_window_view(padded, width, axis=1).mean(axis=2))


def _seen(
    world: _World, rates: FloatArray, failed: FloatArray, asked: FloatArray, mean: FloatArray, p95: FloatArray
) -> dict[tuple[int, Metric], FloatArray]:
    """What monitoring has: nothing of every tenth service, only latency or no latency of every fourth."""
    found: dict[tuple[int, Metric], FloatArray] = {}
    for service in range(world.count):
        draw = world.random.random()
        if draw < 0.1:
            continue
        none = asked[service] <= 0
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.where(none, np.nan, failed[service] / asked[service])
        if draw < 0.9:
            found[service, "request_rate"] = rates[service]
        if not 0.1 <= draw < 0.22:
            found[service, "error_ratio"] = ratio
        if not 0.22 <= draw < 0.35:
            found[service, "latency_mean"] = np.where(none, np.nan, mean[service])
            found[service, "latency_p95"] = np.where(none, np.nan, p95[service])
    return found
