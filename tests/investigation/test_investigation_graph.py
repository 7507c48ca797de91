"""Ways along edges: that there is one is told without walking it anew, and is never told where there is none."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from autodevops.domain.evidence import EvidenceId
from autodevops.domain.subject import Subject
from autodevops.investigation.graph import CallGraph, Edge
from autodevops.investigation.weigh import Candidate

_NAMES = "abcdef"
_PAIRS = st.lists(st.tuples(st.sampled_from(_NAMES), st.sampled_from(_NAMES)), max_size=14)


def _subject(name: str) -> Subject:
    return Subject(kind="Deployment", name=name, namespace="shop", api_version="apps/v1")


def _edges(pairs: list[tuple[str, str]]) -> list[Edge]:
    return [Edge(_subject(one), _subject(other), "calls", EvidenceId("ev-1")) for one, other in pairs]


@given(_PAIRS)
def test_what_is_reached_is_what_has_a_path(pairs: list[tuple[str, str]]) -> None:
    graph = CallGraph.of(_edges(pairs))
    for one in map(_subject, _NAMES):
        for other in map(_subject, _NAMES):
            assert graph.reaches(one, other) == bool(graph.path(one, other))


@given(_PAIRS, _PAIRS)
def test_edges_added_later_are_as_if_they_had_been_there(
    first: list[tuple[str, str]], later: list[tuple[str, str]]
) -> None:
    graph = CallGraph.of(_edges(first))
    graph.reaches(_subject("a"), _subject("b"))
    assert graph.having(_edges(later)) == CallGraph.of(_edges([*first, *later]))


def test_nothing_reaches_itself() -> None:
    graph = CallGraph.of(_edges([("a", "b"), ("b", "a")]))
    assert not graph.reaches(_subject("a"), _subject("a"))


def test_a_workloads_own_service_does_not_suffer_with_it() -> None:
    cart, caller = _subject("cart"), _subject("frontend")
    door = Subject(kind="Service", name="cart", namespace="shop", api_version="v1")
    found = Candidate(cart, (), None, None, None, {}, 0.0, explains=(caller, door))
    assert found.suffering == (caller,)
