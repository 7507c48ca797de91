"""The language by itself: scripts in promqltest notation, refusals, and the speed a dashboard needs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autodevops.sandbox.promql.engine import instant, range_query
from autodevops.sandbox.promql.labels import NAME, anchored, make_labels
from autodevops.sandbox.promql.memory import MemorySource
from autodevops.sandbox.promql.script import check, load
from autodevops.sandbox.promql.values import (
    ExecutionError,
    ParseError,
    PromQLError,
    UnsupportedError,
)

NOTHING = MemorySource({})


def _statements(text: str) -> Iterator[tuple[tuple[str, ...], str, tuple[str, ...]]]:
    """(load blocks so far, statement, expectations) of a script."""
    loaded: list[str] = []
    for paragraph in text.split("\n\n"):
        lines = [line for line in paragraph.splitlines() if line.strip() and not line.startswith("#")]
        if not lines:
            continue
        if lines[0].startswith("clear"):
            loaded = []
        elif lines[0].startswith("load"):
            loaded.append("\n".join(lines))
        else:
            yield tuple(loaded), lines[0], tuple(lines[1:])


@pytest.mark.parametrize(
    ("blocks", "statement", "expected"),
    [pytest.param(*case, id=case[1]) for case in _statements((Path(__file__).parent / "language.test").read_text())],
)
def test_statement_gives_what_the_script_says(
    blocks: tuple[str, ...], statement: str, expected: tuple[str, ...]
) -> None:
    assert check(statement, expected, load(blocks)) == ""


def test_a_wrong_expectation_is_noticed() -> None:
    source = load(["load 1m\n  m 1 2 3"])
    assert check("eval instant at 2m m", ["m 4"], source)
    assert check("eval instant at 2m m", [], source)
    assert check("eval instant at 2m m", ["m 3", "other 3"], source)
    assert not check("eval instant at 2m m", ["m 3"], source)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sum(up", "1:7: parse error: unclosed left parenthesis"),
        ("sum(up))", "1:8: parse error: unexpected right parenthesis ')'"),
        ("up down", '1:4: parse error: unexpected identifier "down"'),
        ("up +", "1:5: parse error: unexpected end of input"),
        ("nosuch(up)", '1:1: parse error: unknown function with name "nosuch"'),
        ("rate(up)", '1:6: parse error: expected type range vector in call to function "rate", got instant vector'),
        ("", "unknown position: parse error: no expression found in input"),
    ],
)
def test_a_parse_error_says_where_and_what(text: str, message: str) -> None:
    with pytest.raises(ParseError) as error:
        instant(text, NOTHING, 0)
    assert str(error.value) == message


@pytest.mark.parametrize(
    "text", ["info(up)", "limit_ratio(0.5, up)", "up @ -5", "histogram_quantiles(up, 'q', 0.5, 0.9)"]
)
def test_what_is_unsupported_is_refused_and_never_a_number(text: str) -> None:
    source = load(["load 1m\n  up 1"])
    with pytest.raises(PromQLError) as error:
        instant(text, source, 0)
    assert isinstance(error.value, UnsupportedError)


def test_many_to_many_matching_names_the_series() -> None:
    source = load(['load 1m\n  a{x="1"} 1\n  b{y="1"} 1\n  b{y="2"} 1'])
    with pytest.raises(ExecutionError, match=r"match group \{\} on the right hand-side"):
        instant("a + on () b", source, 0)


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        ("a((?i)b)c", "aBc", True),
        ("a((?i)b)c", "aBC", False),
        ("(?i:x).*", "Xyz", True),
        (r"\d+", "12", True),
        ("a.b", "a\nb", True),
        ("b", "abc", False),
    ],
)
def test_regular_expressions_are_anchored_re2(pattern: str, text: str, matches: bool) -> None:
    assert (anchored(pattern).match(text) is not None) == matches


def test_back_references_are_refused_as_re2_refuses_them() -> None:
    with pytest.raises(ParseError):
        instant('up{a=~"(x)\\\\1"}', NOTHING, 0)


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=40), st.integers(1, 7))
def test_a_range_query_is_its_instant_queries_side_by_side(values: list[float], minutes: int) -> None:
    labels = make_labels({NAME: "m"})
    source = MemorySource({labels: {60_000 * i + 7_000: value for i, value in enumerate(values)}})
    for text in (f"avg_over_time(m[{minutes}m])", f"rate(m[{minutes}m])", "m > 0", f"max_over_time(m[{minutes}m:1m])"):
        whole = range_query(text, source, 0, 600_000, 45_000).series
        found = dict(zip(whole[0].times.tolist(), whole[0].values.tolist(), strict=True)) if whole else {}
        for at in range(0, 600_001, 45_000):
            alone = instant(text, source, at).series
            assert [found[at]] == alone[0].values.tolist() if alone else at not in found
