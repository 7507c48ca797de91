"""Which figures of a sentence are said not to be in the text it cites."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from autodevops.jamie.numbers import unsupported

TEXT = """Errors of basket rose from 0.1% to 34.27% (1,204 of 3,513 requests).
p99 latency: 0.25 s at 15:10, duration_ms: 1840, memory 512Mi of 536870912, version 2.4.0, status 503
{"restarts": 7, "at": "2026-11-24T15:28:10Z"} three pods, cpu 250m, load 0.337"""

SUPPORTED = [
    "Errors rose to 34%",
    "Errors rose to 34.3%",
    "Errors rose to 34.2 percent",
    "a ratio of 0.34",
    "a ratio of 0.343",
    "1204 requests failed",
    "1,204 of 3,513 requests",
    "about 1200 of 3500 requests",
    "nearly 35% of requests",
    "latency of 250 ms",
    "latency of 250ms",
    "1.84 s long",
    "1.8 seconds long",
    "it has 0.5Gi",
    "it has 512 MiB",
    "since 15:10",
    "since 15:10:00 UTC",
    "at 15:11",
    "for 18 minutes",
    "an 18-minute span, of 18 min",
    "version 2.4.0 is broken",
    "it is v9.9.9, checkout-7d9f8, p95, http2 and 5xx that have digits",
    "answered 503",
    "7 restarts",
    "3 pods",
    "one pod, 1 of them",
    "on 2026-11-24",
    "cpu of 0.25 cores",
    "a load of 34%",
    "It is 34.27%.",
    "(34.27%), 7; 503!",
]
MISSING = [
    ("Errors rose to 43%", ("43%",)),
    ("Errors rose to 35%", ("35%",)),
    ("Errors rose to 34.4%", ("34.4%",)),
    ("latency of 250 s", ("250 s",)),
    ("latency of 900 ms", ("900 ms",)),
    ("1,300 requests failed", ("1,300",)),
    ("1210 requests", ("1210",)),
    ("since 14:10", ("14:10",)),
    ("for 45 minutes", ("45 minutes",)),
    ("version 2.5.0 is broken", ("2.5.0",)),
    ("answered 500", ("500",)),
    ("9 restarts and 12 pods", ("9", "12")),
    ("on 2026-11-25", ("2026-11-25",)),
    ("it has 9Gi", ("9 Gi",)),
]


@pytest.mark.parametrize("sentence", SUPPORTED)
def test_figures_that_the_text_has_in_other_clothes_pass(sentence: str) -> None:
    assert unsupported(sentence, [TEXT]) == ()


@pytest.mark.parametrize(("sentence", "missing"), MISSING)
def test_figures_that_the_text_does_not_have_are_named(sentence: str, missing: tuple[str, ...]) -> None:
    assert unsupported(sentence, [TEXT]) == missing


@settings(deadline=None)
@example("2K")
@example("2-K0")
@given(st.text(max_size=60))
def test_any_text_supports_itself(text: str) -> None:
    assert unsupported(text, [text]) == ()


@settings(deadline=None)
@given(st.floats(0.001, 1e6), st.integers(0, 3))
def test_a_figure_is_found_again_however_it_was_rounded(value: float, digits: int) -> None:
    said = f"{value:.{digits}f}"
    assert unsupported(f"It was {said} in all", [f"value {value!r}"]) == ()
