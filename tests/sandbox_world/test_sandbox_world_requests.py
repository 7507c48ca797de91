"""Sampled requests: the same whenever they are asked for, found by their id."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from sandbox_world.worlds import START, make_world, shown

NOW = START.timestamp()
WORLD = shown("bad-deploy")


@settings(max_examples=30, deadline=None)
@given(start=st.floats(NOW - 1800, NOW - 300), first=st.floats(0, 300), second=st.floats(0, 300))
def test_neighbouring_windows_join_without_gap_or_overlap(start: float, first: float, second: float) -> None:
    middle, end = start + first / 2, start + first / 2 + second / 2
    whole = [request.trace_id for request in WORLD.requests(start, end)]
    parts = [r.trace_id for r in WORLD.requests(start, middle)] + [r.trace_id for r in WORLD.requests(middle, end)]
    assert parts == whole


def test_every_request_is_found_by_its_trace_id() -> None:
    found = list(WORLD.requests(NOW - 300, NOW))
    assert len({request.trace_id for request in found}) == len(found) > 200
    for request in found:
        assert WORLD.find_request(request.trace_id) == request


def test_ids_of_nobody_are_found_nowhere() -> None:
    for trace_id in ("", "0" * 32, "xyz", "f" * 32, "f" * 16):
        assert WORLD.find_request(trace_id) is None


def test_a_request_of_the_future_is_not_told() -> None:
    world, clock = make_world()
    clock.advance(120)
    later = list(world.requests(NOW + 60, NOW + 120))
    clock.advance(-120)
    assert later
    assert all(world.find_request(request.trace_id) is None for request in later)


def test_calls_lie_within_their_caller_and_follow_the_topology() -> None:
    for request in WORLD.requests(NOW - 120, NOW):
        for hop in request.root.walk():
            allowed = {(call.service, call.route) for call in hop.route.calls}
            for call in hop.calls:
                assert (call.service, call.route.name) in allowed
                assert hop.start <= call.start
                assert call.end <= hop.end + 1e-6
            if hop.failure == "upstream":
                assert hop.calls[-1].failed
                assert not hop.calls[-1].optional


def test_pods_of_another_program_do_not_answer_for_the_one_that_is_meant() -> None:
    """A Service that selects too much leads also to pods that have a route of the same name, and it is not this one."""
    for request in shown("service-of-two-apps").requests(NOW - 120, NOW):
        for hop in request.root.walk():
            assert hop.pod is None or hop.pod.service in ("", hop.service)
