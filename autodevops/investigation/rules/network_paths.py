"""Which calls the network holds up more than before, and what those calls share. Shared by the rules over the network.

Every call whose answer was traced has a gap: the caller's client span less the callee's server span. Calls whose gap
grew are compared with those whose gap did not: a workload, a pod or a node accounts for them as far as it is on the
way of all delayed calls (recall) and of no others (precision). What both ends spend themselves is not in the gap; a
callee that also works longer is likelier to let its callers wait than to have a slow network, and does not count.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median
from typing import Final, Literal, TypeAlias

from autodevops.analysis.span_calls import Crossing, crossings
from autodevops.analysis.span_names import pod
from autodevops.domain.evidence import EvidenceId
from autodevops.domain.finding import Finding
from autodevops.domain.subject import Subject
from autodevops.investigation.gather.traces import service_subject
from autodevops.investigation.inventory import Inventory, node_subject
from autodevops.investigation.picture import Picture, SeenTrace
from autodevops.investigation.rules.traced import compared, node_of, total

Where: TypeAlias = Literal["callee", "pod", "node", "caller"]

_LEAST_DELAY_MS: Final = 10.0
_LEAST_DELAYED: Final = 3
_LEAST_SHARE: Final = 0.4  # of what slow requests take longer
_LEAST_FIT: Final = 0.6
_HARDER: Final = {"callee": 0.0, "pod": 0.03, "node": 0.05, "caller": 0.08}
"""How much better the rarer explanation must fit to be preferred to the plainer one."""


@dataclass(frozen=True)
class NetworkPath:
    caller: Subject
    callee: Subject
    pods: tuple[str, str]  # caller's and callee's
    nodes: tuple[str, str]
    gap: float  # ms
    usual: float
    delayed: bool
    evidence: EvidenceId


@dataclass(frozen=True)
class Delay:
    """What the delayed calls share, how well it accounts for them (0 to 1), and the calls."""

    where: Where
    name: str
    subject: Subject
    fit: float
    paths: tuple[NetworkPath, ...]

    @property
    def now(self) -> float:
        return median(path.gap for path in self.paths)

    @property
    def usual(self) -> float:
        return median(path.usual for path in self.paths)


def find_delay(picture: Picture, earlier: tuple[Finding, ...]) -> Delay | None:
    """The best account of what the network holds up; None where slow requests lose their time elsewhere."""
    extras = compared(picture, earlier)
    on_network = total(extra for extra in extras if extra.place.kind == "network")
    if not extras or on_network < _LEAST_SHARE * total(extras):
        return None
    paths = network_paths(picture)
    delayed = [path for path in paths if path.delayed]
    if len(delayed) < _LEAST_DELAYED or len({path.evidence for path in delayed}) < _LEAST_DELAYED:
        return None
    found = sorted(_accounts(paths, delayed), key=lambda d: (-(d.fit - _HARDER[d.where]), d.where, d.name))
    return found[0] if found and found[0].fit >= _LEAST_FIT else None


def network_paths(picture: Picture) -> list[NetworkPath]:
    inventory = picture.inventory
    gaps: dict[tuple[Subject, Subject], list[float]] = defaultdict(list)
    works: dict[Subject, list[float]] = defaultdict(list)
    for _, crossing, caller, callee in _answered(picture.ordinary_traces, inventory):
        gaps[caller, callee].append(crossing.gap or 0.0)
        works[callee].append(crossing.own)
    everything = [gap for found in gaps.values() for gap in found]
    paths: list[NetworkPath] = []
    for seen, crossing, caller, callee in _answered((*picture.slow_traces, *picture.plain_traces), inventory):
        usual_gaps = gaps.get((caller, callee)) or everything
        if not usual_gaps or crossing.gap is None or crossing.answer is None:
            continue
        usual = median(usual_gaps)
        more = crossing.gap - usual
        work = crossing.own - median(works.get(callee) or [crossing.own])
        delayed = more > max(_LEAST_DELAY_MS, usual, 2 * (max(usual_gaps) - usual)) and work < more / 2
        ends = (crossing.call, crossing.answer)
        paths.append(
            NetworkPath(
                caller,
                callee,
                (pod(ends[0]), pod(ends[1])),
                (node_of(ends[0], inventory), node_of(ends[1], inventory)),
                crossing.gap,
                usual,
                delayed,
                seen.evidence,
            )
        )
    return paths


def _answered(
    traces: Iterable[SeenTrace], inventory: Inventory
) -> Iterable[tuple[SeenTrace, Crossing, Subject, Subject]]:
    for seen in traces:
        for crossing in crossings(seen.trace):
            if crossing.answer is not None and crossing.gap is not None:
                caller = service_subject(crossing.call, inventory)
                yield seen, crossing, caller, service_subject(crossing.answer, inventory)


def _accounts(paths: list[NetworkPath], delayed: list[NetworkPath]) -> Iterable[Delay]:
    for callee in {path.callee for path in delayed}:
        yield _fit("callee", str(callee), callee, paths, [p for p in paths if p.callee == callee])
    for caller in {path.caller for path in delayed}:
        theirs = [path for path in paths if path.caller == caller]
        if len({path.callee for path in theirs}) > 1:
            yield _fit("caller", str(caller), caller, paths, theirs)
    for name in {name for path in delayed for name in path.pods if name}:
        touching = [path for path in paths if name in path.pods]
        owner = next(p.callee if p.pods[1] == name else p.caller for p in touching)
        yield _fit("pod", name, owner, paths, touching)
    for name in {name for path in delayed for name in path.nodes if name}:
        between = [path for path in paths if path.nodes[0] != path.nodes[1]]  # on one node nothing leaves it
        touching = [path for path in between if name in path.nodes]
        slowed = [path for path in touching if path.delayed]
        on_it = {p.callee if p.nodes[1] == name else p.caller for p in slowed}
        if len(on_it) > 1:
            yield _fit("node", name, node_subject(name), between, touching)


def _fit(where: Where, name: str, subject: Subject, paths: list[NetworkPath], touching: list[NetworkPath]) -> Delay:
    hit = [path for path in touching if path.delayed]
    all_delayed = sum(1 for path in paths if path.delayed)
    precision, recall = len(hit) / len(touching), len(hit) / all_delayed if all_delayed else 0.0
    fit = 2 * precision * recall / (precision + recall) if hit else 0.0
    return Delay(where, name, subject, fit, tuple(hit))
