"""Line filters by regular expression find what Python's matcher finds, however they do it."""

from __future__ import annotations

import re

from hypothesis import assume, example, given
from hypothesis import strategies as st

from autodevops.sandbox.loki.regex_test import regex_test

PIECES = ("a", "b", "K", "s", " ", "]", ":", "|", "(", "(?:", ")", "?", "??", "[ab]", ".", "a*", "(?-i:", r"\S", "{2}")
LETTERS = "abkKsS :]xſK\n"


@given(
    flag=st.sampled_from(("", "(?i)")),
    pieces=st.lists(st.sampled_from(PIECES), max_size=12),
    line=st.text(LETTERS, max_size=12),
)
@example("(?i)", ["a", "|", "b", "?", "(", "K", "|", "s", ")", "]"], "xS]")
@example("(?i)", ["K"], "K")  # the Kelvin sign, of which k is the small form
@example("", ["a", "?"] * 10, "")
def test_a_line_is_found_as_the_matcher_finds_it(flag: str, pieces: list[str], line: str) -> None:
    pattern = flag + "".join(pieces)
    try:
        matcher = re.compile(pattern)
    except re.error:
        assume(False)
    assert regex_test(pattern)(line) == (matcher.search(line) is not None)
