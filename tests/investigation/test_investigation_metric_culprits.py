"""Who is named where there are service metrics and a call graph and nothing else, and where nobody is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

import numpy as np
import pytest

from autodevops.domain.evidence import EvidenceId
from autodevops.domain.finding import Finding
from autodevops.domain.subject import Subject
from autodevops.domain.window import TimeWindow
from autodevops.investigation.graph import CallGraph, Edge
from autodevops.investigation.inventory import Inventory
from autodevops.investigation.picture import Picture, Signal, SignalKind
from autodevops.investigation.request import Span
from autodevops.investigation.rules import apply_all
from autodevops.investigation.weigh import weigh

STEP, PAST = 300.0, 120
EVIDENCE = EvidenceId("made")
Values = Sequence[float]


@dataclass(frozen=True)
class Service:
    """Its usual values, and what it shows in the five samples of the window; a kind left out is not monitored."""

    rate: float | None = 20.0
    errors: float | None = 0.001
    mean: float | None = 0.05
    calls: tuple[str, ...] = ()
    now: Mapping[Literal["rate", "errors", "mean"], Values] = field(default_factory=dict)
    before: Mapping[Literal["rate", "errors", "mean"], Values] = field(default_factory=dict)


UNSEEN = Service(rate=None, errors=None, mean=None)
KINDS: dict[Literal["rate", "errors", "mean"], SignalKind] = {
    "rate": "request_rate",
    "errors": "error_ratio",
    "mean": "latency_mean",
}


def _subject(name: str) -> Subject:
    return Subject(kind="Service", name=name, namespace="made", api_version="opentelemetry.io")


def _judge(services: Mapping[str, Service], samples: int = 5) -> tuple[list[str], tuple[Finding, ...]]:
    times = np.asarray(1.7e9 + np.arange(PAST + samples) * STEP, dtype=np.float64)
    random, signals, edges = np.random.default_rng(5), [], []
    for name, service in services.items():
        edges += [Edge(_subject(name), _subject(callee), "calls", EVIDENCE) for callee in service.calls]
        for part, level in (("rate", service.rate), ("errors", service.errors), ("mean", service.mean)):
            if level is None:
                continue
            key: Literal["rate", "errors", "mean"] = part  # type: ignore[assignment]  # the three names above
            values = level * (1 + 0.05 * random.standard_normal(len(times)))
            if key in service.before:
                values[PAST - len(service.before[key]) : PAST] = service.before[key]
            if key in service.now:
                values[PAST:] = service.now[key]
            signals.append(Signal(_subject(name), KINDS[key], times, values, {}, EVIDENCE))
    moments = [datetime.fromtimestamp(float(times[at]), UTC) for at in (0, PAST, -1)]
    picture = Picture(
        span=Span(
            window=TimeWindow(start=moments[1], end=moments[2]), baseline=TimeWindow(start=moments[0], end=moments[1])
        ),
        inventory=Inventory(namespace="made"),
        signals=tuple(signals),
        graph=CallGraph.of(edges),
    )
    findings = apply_all(picture)
    return [candidate.subject.name for candidate in weigh(picture, findings)], findings


def _failing(share: float, usual: float = 0.001) -> Values:
    return [usual, usual, share, share, usual]


def _slow(mean: float, usual: float = 0.05) -> Values:
    return [usual, usual, mean, mean, usual]


NAMED: dict[str, tuple[str, dict[str, Service]]] = {
    "failures travel up from a callee": (
        "stock",
        {
            "shop": Service(calls=("cart", "search"), now={"errors": _failing(0.1)}),
            "cart": Service(calls=("stock",), now={"errors": _failing(0.1)}),
            "stock": Service(now={"errors": _failing(0.1)}),
            "search": Service(),
        },
    ),
    "failures that last through the whole window, each sampled with a noise of its own": (
        "stock",
        {
            "shop": Service(calls=("cart", "search"), now={"errors": [0.30, 0.33, 0.29, 0.32, 0.30]}),
            "cart": Service(calls=("stock",), now={"errors": [0.33, 0.29, 0.32, 0.29, 0.31]}),
            "stock": Service(now={"errors": [0.29, 0.32, 0.30, 0.31, 0.29]}),
            "search": Service(),
        },
    ),
    "a louder leaf that few requests reach accounts for little": (
        "cart",
        {
            "shop": Service(mean=0.1, calls=("cart", "mail"), now={"mean": _slow(0.25, 0.1)}),
            "cart": Service(now={"mean": _slow(0.2)}),
            "mail": Service(rate=0.2, now={"mean": _slow(0.9)}),
        },
    ),
    "a caller that fails by itself is not excused by a sound callee": (
        "cart",
        {
            "shop": Service(calls=("cart",), now={"errors": _failing(0.2)}),
            "cart": Service(calls=("stock",), now={"errors": _failing(0.2)}),
            "stock": Service(),
        },
    ),
    "what three suffering callers have in common, though nothing is known of it": (
        "vault",
        {
            "cart": Service(calls=("vault",), now={"errors": _failing(0.3)}),
            "mail": Service(calls=("vault",), now={"errors": _failing(0.3)}),
            "search": Service(calls=("vault",), now={"errors": _failing(0.3)}),
            "vault": UNSEEN,
        },
    ),
    "a callee whose requests no longer arrive": (
        "stock",
        {
            "cart": Service(calls=("stock", "prices"), now={"errors": _failing(0.5)}),
            "stock": Service(now={"rate": [20, 20, 10, 10, 20]}),
            "prices": Service(),
        },
    ),
    "a caller that fails before it asks leaves all its callees without requests": (
        "cart",
        {
            "cart": Service(calls=("stock", "prices"), now={"errors": _failing(0.5)}),
            "stock": Service(now={"rate": [20, 20, 10, 10, 20]}),
            "prices": Service(now={"rate": [20, 20, 10, 10, 20]}),
        },
    ),
    "through a service without metrics": (
        "stock",
        {
            "shop": Service(calls=("cart",), now={"errors": _failing(0.2)}),
            "cart": Service(rate=None, errors=None, mean=None, calls=("stock",)),
            "stock": Service(now={"errors": _failing(0.2)}),
        },
    ),
    "a drift since before does not hide who began when it began": (
        "cart",
        {
            "shop": Service(mean=0.1, calls=("cart", "ads"), now={"mean": _slow(0.3, 0.1)}),
            "cart": Service(now={"mean": _slow(0.25)}),
            "ads": Service(now={"mean": [0.09, 0.09, 0.09, 0.09, 0.09]}),
        },
    ),
}

NOBODY: dict[str, dict[str, Service]] = {
    "nothing happened": {"shop": Service(calls=("cart",)), "cart": Service()},
    "a lone sample": {"shop": Service(now={"errors": [0.001, 0.001, 0.1, 0.001, 0.001]})},
    "slower for nobody: the caller would wait visibly and does not": {
        "shop": Service(calls=("report",)),
        "report": Service(rate=5.0, mean=0.5, now={"mean": [2.5, 2.5, 2.5, 2.5, 2.5]}),
    },
    "it was like that twice this morning": {
        "shop": Service(
            now={"mean": _slow(0.12)},
            before={"mean": [0.12, 0.12, *[0.05] * 40, 0.12, 0.12, *[0.05] * 30]},
        ),
    },
    "a caller that is well has stopped asking": {
        "shop": Service(calls=("promo",)),
        "promo": Service(now={"rate": [20, 20, 0, 0, 0]}),
    },
}


@pytest.mark.parametrize("case", NAMED)
def test_the_culprit_is_named_first(case: str) -> None:
    truth, services = NAMED[case]
    assert _judge(services)[0][0] == truth


@pytest.mark.parametrize("case", NOBODY)
def test_nobody_is_named(case: str) -> None:
    assert _judge(NOBODY[case])[0] == []


@pytest.mark.parametrize(("quiet", "present"), [(2, True), (4, True), (5, False), (20, False)])
def test_what_is_over_is_history_once_enough_quiet_samples_say_so(quiet: int, present: bool) -> None:
    errors = [*[0.001] * 3, 0.2, 0.2, 0.2, *[0.001] * quiet]
    named, findings = _judge({"shop": Service(now={"errors": errors})}, samples=len(errors))
    told = [f for f in findings if f.reason == "ErrorRateIncreased"]
    assert len(told) == 1
    assert "20 % of its requests" in told[0].message
    assert (named == ["shop"]) is present
    assert (told[0].severity == "info") is not present


def test_the_share_is_told_with_what_it_is_a_share_of() -> None:
    _, findings = _judge(NAMED["failures travel up from a callee"][1])
    starts = next(f for f in findings if f.reason == "TroubleStartsInService" and f.subject.name == "stock")
    assert starts.message.startswith("100 % of what shop fails more since ")
    assert starts.message.endswith("begins in stock: nothing stock calls accounts for it.")
