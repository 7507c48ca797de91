"""What the suspects' own containers last wrote, from the API server: of those that ended, and, where no log store
answers, of those that run and fail.

A container that ended is asked for its previous run, or for the present one where it was not started anew.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from autodevops.domain.evidence import Evidence
from autodevops.domain.subject import Subject
from autodevops.domain.tool_results import PodLogs
from autodevops.investigation.gather.collect import Collector
from autodevops.investigation.inventory import section
from autodevops.investigation.picture import LastWords, Picture
from autodevops.investigation.rules.pods import ContainerState, containers

_CRASHED: Final = 3  # containers whose last words are read
_LIVING: Final = 4  # containers that run whose tail is read
_TAIL_LINES: Final = 200  # of one that ended: a chained trace is longer than a hundred
_LIVE_LINES: Final = 200


async def gather_tails(collector: Collector, picture: Picture, subjects: Sequence[Subject]) -> tuple[LastWords, ...]:
    """The last words of the dead first."""
    ended = [state for state in containers(picture) if state.subject in subjects and _ended(state)]
    ended.sort(key=lambda state: (subjects.index(state.subject), -state.restarts, state.pod_name, state.name))
    asked = [_last_words(collector, picture, state) for state in ended[:_CRASHED]]
    if not picture.logs:
        spoken = {(state.subject, state.name) for state in ended[:_CRASHED]}
        asked += [_tail(collector, picture, state) for state in _living(picture, subjects, spoken)]
    found = await asyncio.gather(*asked)
    return tuple(words for words in found if words is not None)


def _ended(state: ContainerState) -> bool:
    return state.terminated.get("exitCode") not in (0, None)


def _living(picture: Picture, subjects: Sequence[Subject], spoken: set[tuple[Subject, str]]) -> list[ContainerState]:
    """One pod's container of each kind of each suspect, those that are not ready first."""
    running = [
        state
        for state in containers(picture)
        if state.subject in subjects and not state.init and section(state.status, "state", "running")
    ]
    running.sort(key=lambda s: (subjects.index(s.subject), bool(s.status.get("ready")), s.pod_name, s.name))
    chosen: dict[tuple[Subject, str], ContainerState] = {}
    for state in running:
        if (state.subject, state.name) not in spoken:
            chosen.setdefault((state.subject, state.name), state)
    return list(chosen.values())[:_LIVING]


async def _last_words(collector: Collector, picture: Picture, state: ContainerState) -> LastWords | None:
    started_anew = state.restarts > 0
    evidence = await _ask(collector, picture, state, _TAIL_LINES, previous=started_anew)
    words = _read(collector, state, evidence, lives=False)
    if words is None and started_anew and not section(state.status, "state", "running"):
        # The kubelet keeps one dead container: between two starts it is the present one.
        words = _read(collector, state, await _ask(collector, picture, state, _TAIL_LINES, previous=False), lives=False)
    return words


async def _tail(collector: Collector, picture: Picture, state: ContainerState) -> LastWords | None:
    return _read(collector, state, await _ask(collector, picture, state, _LIVE_LINES, previous=False), lives=True)


async def _ask(
    collector: Collector, picture: Picture, state: ContainerState, lines: int, *, previous: bool
) -> Evidence:
    return await collector.ask(
        "kubernetes.get_pod_logs",
        name=state.pod_name,
        namespace=picture.inventory.namespace,
        container=state.name,
        previous=previous,
        tail_lines=lines,
    )


def _read(collector: Collector, state: ContainerState, evidence: Evidence, *, lives: bool) -> LastWords | None:
    logs = collector.read(evidence, PodLogs)
    if logs is None or not any(line.strip() for line in logs.lines):
        return None
    return LastWords(state.subject, state.pod_name, state.name, logs.lines, evidence.id, lives)
