"""Making room for a pod by taking away pods of lower priority: on which node, and which ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from autodevops.sandbox.basics.moments import parse_rfc3339
from autodevops.sandbox.cluster.meta import matches
from autodevops.sandbox.cluster.scheduling.filters import Attempt, attempt, refusal
from autodevops.sandbox.cluster.scheduling.nodes import NodeInfo, PodInfo
from autodevops.sandbox.cluster.scheduling.verdicts import NOT_HELPFUL, Refusal, fill, sentence
from autodevops.sandbox.cluster.store import Json, Key, Store

_NO_VICTIMS = Refusal(("No preemption victims found for incoming pod",), helpless=True)


@dataclass(frozen=True, slots=True)
class Preemption:
    """`node` with the pods to take away from it; or no node, and why."""

    node: str = ""
    victims: tuple[PodInfo, ...] = ()
    message: str = ""


def preempt(trial: Attempt, refused: Mapping[str, Refusal]) -> Preemption:
    """Look for the node where the least is lost."""
    pod = trial.pod
    if pod.spec.get("preemptionPolicy") == "Never":
        return Preemption(message="preemption: not eligible due to preemptionPolicy=Never.")
    nominated = trial.nodes.get(pod.pod.get("status", {}).get("nominatedNodeName", ""))
    if nominated is not None and any(
        one.terminating and one.priority < pod.priority for one in nominated.pods.values()
    ):
        return Preemption(message="preemption: not eligible due to a terminating pod on the nominated node.")
    found: dict[str, tuple[PodInfo, ...]] = {}
    failed: dict[str, Refusal] = {}
    for name, why in refused.items():
        if why.helpless:
            continue
        victims = _victims(trial, trial.nodes[name])
        if isinstance(victims, Refusal):
            failed[name] = victims
        else:
            found[name] = victims
    if not found:
        return Preemption(message="preemption: " + sentence(len(trial.nodes), fill(trial.nodes, failed, NOT_HELPFUL)))
    best = min(found, key=lambda name: _cost(trial.store, found[name]))
    return Preemption(best, found[best])


def _victims(trial: Attempt, node: NodeInfo) -> tuple[PodInfo, ...] | Refusal:
    """The pods to take away from a node: all lower ones, less those that may stay after all."""
    lower = [one for one in node.pods.values() if one.priority < trial.pod.priority]
    if not lower:
        return _NO_VICTIMS
    gone = frozenset(one.key for one in lower)
    why = _tried(trial, node, gone)
    if why is not None:
        return why
    budgets = _budgets(trial.store)
    protected = {one.key for one in _violations(budgets, lower)}
    for one in sorted(lower, key=lambda one: (one.key not in protected, -one.priority, _started(one), one.key)):
        if _tried(trial, node, gone - {one.key}) is None:
            gone -= {one.key}
    return tuple(one for one in lower if one.key in gone)


def _tried(trial: Attempt, node: NodeInfo, gone: frozenset[Key]) -> Refusal | None:
    emptier = node.having(without=gone)
    return refusal(attempt(trial.store, trial.pod, {**trial.nodes, node.name: emptier}), emptier)


def _cost(store: Store, victims: Sequence[PodInfo]) -> tuple[float, ...]:
    """The order kube-scheduler compares candidates in."""
    highest = max(one.priority for one in victims)
    return (
        len(_violations(_budgets(store), victims)),
        highest,
        sum(one.priority + 2**31 for one in victims),
        len(victims),
        -min(_started(one) for one in victims if one.priority == highest),
    )


def _budgets(store: Store) -> list[Json]:
    return store.items("PodDisruptionBudget")


def _violations(budgets: Sequence[Json], victims: Sequence[PodInfo]) -> list[PodInfo]:
    """Those victims whose loss a PodDisruptionBudget does not allow."""
    left = [int(one.get("status", {}).get("disruptionsAllowed", 0)) for one in budgets]
    found = []
    for one in victims:
        broken = False
        for index, budget in enumerate(budgets):
            same = budget["metadata"]["namespace"] == one.key.namespace
            if same and matches(budget["spec"].get("selector"), one.labels):
                left[index] -= 1
                broken = broken or left[index] < 0
        if broken:
            found.append(one)
    return found


def _started(pod: PodInfo) -> float:
    text = pod.pod.get("status", {}).get("startTime") or pod.pod["metadata"].get("creationTimestamp")
    return parse_rfc3339(text) if text else 0.0
