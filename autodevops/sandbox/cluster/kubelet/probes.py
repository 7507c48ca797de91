"""Probes without ticking: when thresholds are reached and when failures are told, computed from a program's answers.

A prober asks every `periodSeconds`; a program's answers are pieces of time with one answer each. So the moments at
which a state flips follow from counting, however long a piece is.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from autodevops.sandbox.cluster.store import Json
from autodevops.sandbox.cluster.surroundings import Answer

_MOST_QUIET = 600.0  # seconds between two writes of an event about a probe that goes on failing
KINDS = {"startupProbe": "Startup", "readinessProbe": "Readiness", "livenessProbe": "Liveness"}


def period_of(probe: Json) -> float:
    """Seconds between two questions."""
    return max(1.0, float(probe.get("periodSeconds") or 10))


def flips(
    probe: Json, answers: Sequence[Answer], started: float, first: float, state: bool | None
) -> tuple[tuple[float, bool], ...]:
    """(moment, whether it succeeds) at which a threshold is reached and the state becomes another.

    `started` is the program's start, `first` the first question, `state` what is held true before it.
    """
    period = period_of(probe)
    needed = {True: int(probe.get("successThreshold") or 1), False: int(probe.get("failureThreshold") or 3)}
    found: list[tuple[float, bool]] = []
    streak, before = 0, None
    for begin, end, failure in _questions(answers, started, first, period):
        good = not failure
        streak = streak if good == before else 0
        if good != state:
            index = begin + max(0, needed[good] - streak - 1)
            if index < end:
                found.append((first + index * period, good))
                state = good
        streak += 0 if end == math.inf else int(end - begin)
        before = good
    return tuple(found)


def complaints(
    probe: Json, answers: Sequence[Answer], started: float, first: float, until: float
) -> Iterator[tuple[float, str, int]]:
    """(moment, failure, how many more times it failed) at which an event is written, up to `until`.

    The first failure of a piece is told at once, then after growing pauses; a piece that ends is told to its end.
    """
    period = period_of(probe)
    longest = max(1, int(_MOST_QUIET / period))
    stop = math.inf if until == math.inf else math.floor((until - first) / period + 1e-9) + 1
    for begin, end, failure in _questions(answers, started, first, period):
        end = min(end, stop)
        if not failure or begin >= end:
            continue
        told, index, pause = -1.0, 0.0, 1
        while True:
            yield first + (begin + index) * period, failure, int(index - told)
            if begin + index >= end - 1:
                break
            told, index = index, min(index + pause, end - 1 - begin)
            pause = min(pause * 2, longest)


def _questions(
    answers: Sequence[Answer], started: float, first: float, period: float
) -> Iterator[tuple[float, float, str]]:
    """(first question, question after the last, failure) of each piece; numbers of questions, the last infinite."""
    for number, answer in enumerate(answers):
        begin = max(0, math.ceil((started + answer.after - first) / period - 1e-9))
        end: float = math.inf
        if number + 1 < len(answers):
            end = max(0, math.ceil((started + answers[number + 1].after - first) / period - 1e-9))
        if begin < end:
            yield begin, end, answer.failure
