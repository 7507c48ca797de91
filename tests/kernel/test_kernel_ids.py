"""Ids sort by time, digests follow from content."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from autodevops.kernel.ids import content_digest, time_sortable_id

moments = st.integers(946_684_800, 4_070_908_800).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(moments, moments)
def test_ids_sort_as_their_times_do(first: datetime, second: datetime) -> None:
    a, b = time_sortable_id(first), time_sortable_id(second)
    if (second - first).total_seconds() >= 0.001:
        assert a < b


@given(st.dictionaries(st.text(), json_values, max_size=5))
def test_digest_does_not_depend_on_key_order(value: dict[str, object]) -> None:
    assert content_digest(value) == content_digest(dict(reversed(list(value.items()))))
