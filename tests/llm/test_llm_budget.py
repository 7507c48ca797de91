"""How characters become tokens, as learnt from what a server counts, and when it must have cut a prompt."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autodevops.llm.budget import BOUNDS, FIRST_RATIO, Gauge


def test_the_first_measurement_replaces_the_guess_and_later_ones_move_it() -> None:
    gauge = Gauge()
    assert gauge.tokens(3000) == round(3000 / FIRST_RATIO)
    assert not gauge.learn(8000, 2000, 8192)
    assert gauge.ratio == 4.0
    assert not gauge.learn(6000, 2000, 8192)
    assert 3.0 < gauge.ratio < 4.0


CUT = [
    ("whole context", 30_000, 8192, True),
    ("half of the context", 40_000, 4098, True),
    ("messages left out", 20_000, 1500, True),
    ("all of it", 20_000, 5000, False),
    ("dense text", 20_000, 7000, False),
    ("not told", 40_000, 0, False),
    ("a word", 4, 30, False),
]


@pytest.mark.parametrize(("characters", "tokens", "cut"), [row[1:] for row in CUT], ids=[row[0] for row in CUT])
def test_a_cut_prompt_is_seen_in_the_count_that_comes_back(characters: int, tokens: int, cut: bool) -> None:
    gauge = Gauge()
    gauge.learn(8000, 2000, 8192)
    ratio = gauge.ratio
    assert gauge.learn(characters, tokens, 8192) is cut
    assert not cut or gauge.ratio == ratio


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 10**6)), max_size=20))
def test_whatever_a_server_counts_the_estimate_stays_sane(prompts: list[tuple[int, int]]) -> None:
    gauge = Gauge()
    for characters, tokens in prompts:
        gauge.learn(characters, tokens, 8192)
    assert BOUNDS[0] <= gauge.ratio <= BOUNDS[1]
    assert gauge.characters(-5) == 0
