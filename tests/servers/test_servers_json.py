"""Answers are read as the standard library reads them, also where they are no strict JSON."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autodevops.servers._json import decoded

_VALUES = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(-(2**63), 2**64 - 1), st.floats(allow_nan=False, allow_infinity=False),
        st.text(),
    ),
    lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.text(), inner)),
)  # fmt: skip


@given(_VALUES, st.booleans())
def test_what_is_json_reads_as_the_standard_library_reads_it(value: object, ascii_only: bool) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only)
    assert repr(decoded(text.encode())) == repr(json.loads(text))


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b"[Infinity]", [math.inf]),
        (rb'"\ud800"', "\ud800"),
        (b'\xef\xbb\xbf{"kind": "Pod"}', {"kind": "Pod"}),
    ],
    ids=["infinity", "half a pair", "byte order mark"],
)
def test_what_is_nearly_json_is_read_all_the_same(body: bytes, value: object) -> None:
    assert decoded(body) == value


@pytest.mark.parametrize("body", [b"", b"<html>", b"[1,]", b"\xff"])
def test_what_is_no_json_is_an_error_of_the_value(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        decoded(body)
