"""Whether trouble follows a node: pods of several workloads are unwell on it, and well elsewhere.

Each workload with pods on the node and elsewhere has a voice. It accuses the node where its pods there are not ready,
crash, fail more requests or are slower than its others; it clears it where they are no worse.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from statistics import median
from typing import Final

from autodevops.domain.subject import Subject
from autodevops.investigation.inventory import Inventory, has_condition, name_of, section
from autodevops.investigation.picture import Picture
from autodevops.investigation.rollouts import parse_time
from autodevops.investigation.rules.pods import containers, is_recent

_MORE_ERRORS: Final = 0.02
_MORE_SECONDS: Final = 0.02
_SLOWER: Final = 1.5


@dataclass(frozen=True)
class Votes:
    """How the workloads of one node speak about it: by errors, by latency, by state; and those that are well there."""

    node: str
    erring: tuple[Subject, ...] = ()
    slow: tuple[Subject, ...] = ()
    broken: tuple[Subject, ...] = ()
    well: tuple[Subject, ...] = ()

    @property
    def unwell(self) -> int:
        return len({*self.erring, *self.slow, *self.broken})


def votes(picture: Picture) -> list[Votes]:
    """For every node with pods here, those against whom most is said first."""
    placed = picture.inventory.once(_placed)
    broken = set(_broken(picture))
    errors = {signal.pod: signal.value for signal in picture.pod_signals if signal.kind == "error_ratio"}
    seconds = {signal.pod: signal.value for signal in picture.pod_signals if signal.kind == "latency"}
    said: dict[str, dict[str, list[Subject]]] = {node: {} for nodes in placed.values() for node in nodes}
    telling = broken | errors.keys() | seconds.keys()
    for owner, nodes in placed.items():
        quiet = telling.isdisjoint(chain.from_iterable(nodes.values()))  # then all are well, whoever the others are
        for node, here in nodes.items() if len(nodes) > 1 else ():
            others = [] if quiet else [pod for other, pods in nodes.items() if other != node for pod in pods]
            for word in _voice(here, others, broken, errors, seconds):
                said[node].setdefault(word, []).append(owner)
    found = [Votes(node, **{word: tuple(owners) for word, owners in words.items()}) for node, words in said.items()]
    return sorted(found, key=lambda one: (-one.unwell, one.node))


def _placed(inventory: Inventory) -> dict[Subject, dict[str, list[str]]]:
    """The pods of each workload by node."""
    placed: dict[Subject, dict[str, list[str]]] = {}
    for pod in inventory.pods:
        owner, node = inventory.of_owner("Pod", name_of(pod)), str(section(pod, "spec").get("nodeName") or "")
        if owner is not None and node and section(pod, "status").get("phase") in {"Running", "Pending"}:
            placed.setdefault(owner, {}).setdefault(node, []).append(name_of(pod))
    return placed


def suspect(picture: Picture) -> Votes | None:
    """The one node of which at least two workloads, and most of those on it, complain, and no other node."""
    ranked = picture.once(votes)
    if not ranked or ranked[0].unwell < 2 or ranked[0].unwell <= len(ranked[0].well):
        return None
    return ranked[0] if len(ranked) > 1 and ranked[0].unwell >= 2 * ranked[1].unwell else None


def _voice(
    here: list[str], others: list[str], broken: set[str], errors: Mapping[str, float], seconds: Mapping[str, float]
) -> Iterator[str]:
    bad = False
    if all(pod in broken for pod in here) and not any(pod in broken for pod in others):
        bad = True
        yield "broken"
    for word, values, margin, factor in (
        ("erring", errors, _MORE_ERRORS, 3.0),
        ("slow", seconds, _MORE_SECONDS, _SLOWER),
    ):
        mine, theirs = [values[p] for p in here if p in values], [values[p] for p in others if p in values]
        if mine and theirs and min(mine) > max(median(theirs) * factor, median(theirs) + margin):
            bad = True
            yield word
    if not bad:
        yield "well"


def _broken(picture: Picture) -> Iterator[str]:
    for pod in picture.inventory.pods:
        if has_condition(pod, "Ready", "False"):
            yield name_of(pod)
    for state in containers(picture):
        ended = parse_time(state.terminated.get("finishedAt"))
        if state.waiting.get("reason") == "CrashLoopBackOff" or (state.restarts and is_recent(ended, picture)):
            yield state.pod_name
