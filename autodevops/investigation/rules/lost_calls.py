"""Which calls get lost on the network, and what they share: a callee or a node. Shared by the rules over lost calls.

A call is lost that timed out or broke off without a response and without a span of the callee. To which pod it went
is not known then, only to which it may have gone. So a callee or a node is judged by likelihood: a call that touches
it is lost with some probability, any other hardly ever, and the account is taken that makes what was seen most likely.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Final

from autodevops.analysis.span_calls import Crossing, crossings
from autodevops.analysis.spans import error_origins
from autodevops.domain.evidence import EvidenceId
from autodevops.domain.finding import Finding
from autodevops.domain.subject import Subject
from autodevops.investigation.gather.traces import peer_subject, service_subject
from autodevops.investigation.inventory import Inventory, node_subject, section
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.traced import hurt_with, node_of

_BROKEN = re.compile(r"(?i)time-?d? ?-?out|deadline|etimedout|reset by peer|econnreset|broken pipe|\beof\b|no route")
_STRAY: Final = 0.01  # share of calls that get lost anywhere
_RATES: Final = tuple(step / 20 for step in range(2, 20))
_LEAST_LOST: Final = 3
_LEAST_RATE: Final = 0.1
_CLEARLY: Final = 3.0  # nats over the account by nothing in particular
_MORE: Final = 1.0  # nats over the next account
_AS_BEFORE: Final = 2.0
_TROUBLE: Final = ("K8S", "MET005", "MET01")
"""Findings about a callee by which it may leave calls unanswered itself."""


@dataclass(frozen=True)
class Call:
    callee: Subject
    near: str  # the caller's node
    far: str  # the node of who answered; empty where nobody did
    lost: bool
    answered: bool
    own: float
    words: str
    evidence: EvidenceId


@dataclass(frozen=True)
class LostCalls:
    subject: Subject
    fit: float
    lost: int
    calls: int
    lost_elsewhere: int
    calls_elsewhere: int
    workloads: int
    words: str
    evidence: tuple[EvidenceId, ...]


def lost_calls(picture: Picture, earlier: tuple[Finding, ...]) -> LostCalls | None:
    calls = picture.once(_calls)
    lost = [call for call in calls if call.lost]
    if len(lost) < _LEAST_LOST or len(lost) == len(calls):
        return None
    placed = _pods_by_node(picture.inventory)
    accounts: dict[Subject, Callable[[Call], float]] = {}
    for callee in {call.callee for call in lost}:
        accounts[callee] = lambda call, callee=callee: float(call.callee == callee)  # type: ignore[misc]  # bound now
    for name in {node for counts in placed.values() for node in counts}:
        on_it = {call.callee for call in lost if _touches(call, name, placed) > 0}
        if len(on_it) > 1:
            node = node_subject(name)
            accounts[node] = lambda call, name=name: _touches(call, name, placed)  # type: ignore[misc]
    rate = len(lost) / len(calls)
    nothing = len(lost) * math.log(rate) + (len(calls) - len(lost)) * math.log(1 - rate)
    ranked = sorted(
        ((_likelihood(calls, weight), str(other), other) for other, weight in accounts.items()),
        reverse=True,
    )
    best, _, subject = ranked[0]
    ahead = best - ranked[1][0] if len(ranked) > 1 else _CLEARLY
    if best < nothing + _CLEARLY or ahead < _MORE or not hurt_with(subject, picture, earlier):
        return None
    weight = accounts[subject]
    mine = [call for call in calls if weight(call) > 0]
    gone = [call for call in mine if call.lost]
    if len(gone) < max(_LEAST_LOST, _LEAST_RATE * len(mine)):
        return None
    if subject.kind != "Node" and not _is_well(subject, calls, picture, earlier):
        return None
    words = Counter(call.words for call in gone).most_common(1)[0][0]
    return LostCalls(
        subject,
        1 - math.exp(-ahead),
        len(gone),
        len(mine),
        len(lost) - len(gone),
        len(calls) - len(mine),
        len({call.callee for call in gone}),
        words,
        tuple(dict.fromkeys(call.evidence for call in gone)),
    )


def _calls(picture: Picture) -> list[Call]:
    inventory = picture.inventory
    found: list[Call] = []
    for seen in picture.recent_traces:
        words = {origin.span.span_id: f"{origin.message} {origin.exception}" for origin in error_origins(seen.trace)}
        for crossing in crossings(seen.trace):
            answer = crossing.answer
            callee = service_subject(answer, inventory) if answer else peer_subject(crossing.call, inventory)
            said = words.get(crossing.call.span_id, "")
            gone = crossing.lost and bool(_BROKEN.search(said))
            if callee is None or (crossing.lost and not gone):
                continue  # refused, not resolved, not let in: that is no loss
            found.append(_call(crossing, callee, gone, said.strip(), seen.evidence, inventory))
    return found


def _call(
    crossing: Crossing, callee: Subject, gone: bool, said: str, evidence: EvidenceId, inventory: Inventory
) -> Call:
    answer = crossing.answer
    far = node_of(answer, inventory) if answer else ""
    return Call(callee, node_of(crossing.call, inventory), far, gone, answer is not None, crossing.own, said, evidence)


def _pods_by_node(inventory: Inventory) -> dict[Subject, Counter[str]]:
    found: dict[Subject, Counter[str]] = defaultdict(Counter)
    for workload in inventory.workloads:
        for pod in inventory.pods_of(workload.subject):
            node = str(section(pod, "spec").get("nodeName") or "")
            if node:
                found[workload.subject][node] += 1
    return found


def _touches(call: Call, node: str, placed: dict[Subject, Counter[str]]) -> float:
    """How likely a call went over a node: for certain by its known ends, else by the callee's share of pods there."""
    if call.far:
        return float(call.near != call.far and node in {call.near, call.far})
    counts = placed.get(call.callee, Counter())
    share = counts[node] / counts.total() if counts else 0.0
    return 1.0 - share if call.near == node else share


def _likelihood(calls: list[Call], weight: Callable[[Call], float]) -> float:
    weights = [(call.lost, weight(call)) for call in calls]
    return max(
        sum(
            math.log(_STRAY + share * (rate - _STRAY)) if lost else math.log(1 - _STRAY - share * (rate - _STRAY))
            for lost, share in weights
        )
        for rate in _RATES
    )


def _is_well(callee: Subject, calls: list[Call], picture: Picture, earlier: tuple[Finding, ...]) -> bool:
    """Whether what arrives is answered as before, and nothing else is known of it by which it would not answer."""
    if any(f.subject == callee and f.severity != "info" and f.rule_id.startswith(_TROUBLE) for f in earlier):
        return False
    now = [call.own for call in calls if call.callee == callee and call.answered]
    before = [
        crossing.own
        for seen in picture.ordinary_traces
        for crossing in crossings(seen.trace)
        if crossing.answer is not None and service_subject(crossing.answer, picture.inventory) == callee
    ]
    return bool(now) and (not before or median(now) <= max(_AS_BEFORE * median(before), median(before) + 10.0))
