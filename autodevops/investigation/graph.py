"""Who depends on whom: calls seen in traces, addresses configured in pod templates, pods on nodes.

An edge points from what suffers to what it depends on. Edges seen in traces are facts; those read from
configuration are used as well, because traces are sampled and Tempo may be away.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from autodevops.domain.evidence import EvidenceId
from autodevops.domain.subject import Subject

CALLS = {"calls", "is configured to call"}


@dataclass(frozen=True)
class Edge:
    origin: Subject
    target: Subject
    how: str  # "calls", "is configured to call", "runs on"; more in object_edges
    evidence: EvidenceId


@dataclass(frozen=True)
class CallGraph:
    edges: tuple[Edge, ...] = ()
    _next: Mapping[Subject, tuple[Edge, ...]] = field(default_factory=dict)
    _calling: Mapping[Subject, tuple[Subject, ...]] = field(default_factory=dict)
    _below: dict[Subject, frozenset[Subject]] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def of(cls, edges: Iterable[Edge]) -> CallGraph:
        """One edge a pair: the first `how` in the order calls, is configured to call, runs on wins."""
        order = {"calls": 0, "is configured to call": 1, "runs on": 2}
        best: dict[tuple[Subject, Subject], Edge] = {}
        for edge in sorted(edges, key=lambda e: (order.get(e.how, 9), str(e.origin), str(e.target), e.evidence)):
            if edge.origin != edge.target:
                best.setdefault((edge.origin, edge.target), edge)
        following: dict[Subject, list[Edge]] = {}
        calling: dict[Subject, list[Subject]] = {}
        for edge in best.values():
            following.setdefault(edge.origin, []).append(edge)
            if edge.how in CALLS:
                calling.setdefault(edge.target, []).append(edge.origin)
        return cls(
            tuple(best.values()),
            {subject: tuple(found) for subject, found in following.items()},
            {subject: tuple(found) for subject, found in calling.items()},
        )

    def having(self, edges: Iterable[Edge]) -> CallGraph:
        """This graph and further edges."""
        more = list(edges)
        return CallGraph.of([*self.edges, *more]) if more else self

    def callers(self, subject: Subject) -> tuple[Subject, ...]:
        """Who calls it, as seen or as configured."""
        return self._calling.get(subject, ())

    def callees(self, subject: Subject) -> tuple[Subject, ...]:
        """Whom it calls, as seen or as configured."""
        return tuple(edge.target for edge in self._next.get(subject, ()) if edge.how in CALLS)

    def path(self, origin: Subject, target: Subject) -> tuple[Edge, ...]:
        """The shortest way from `origin` to `target`, or an empty tuple."""
        if origin == target:
            return ()
        came: dict[Subject, Edge] = {}
        queue = deque([origin])
        while queue:
            here = queue.popleft()
            for edge in self._next.get(here, ()):
                if edge.target in came or edge.target == origin:
                    continue
                came[edge.target] = edge
                if edge.target == target:
                    way = [edge]
                    while way[-1].origin != origin:
                        way.append(came[way[-1].origin])
                    return tuple(reversed(way))
                queue.append(edge.target)
        return ()

    def joined(self, origin: Subject, target: Subject) -> bool:
        """Whether an edge of whatever kind leads from the one to the other, without a way over others."""
        return any(edge.target == target for edge in self._next.get(origin, ()))

    def reaches(self, origin: Subject, target: Subject) -> bool:
        """Whether there is a way; every candidate is asked about every other, so each one's is walked once."""
        if origin not in self._below:
            self._below[origin] = self._walked(origin)
        return target in self._below[origin]

    def _walked(self, origin: Subject) -> frozenset[Subject]:
        seen, waiting = {origin}, [origin]
        while waiting:
            ahead = {edge.target for edge in self._next.get(waiting.pop(), ())} - seen
            seen |= ahead
            waiting += ahead
        return frozenset(seen - {origin})
