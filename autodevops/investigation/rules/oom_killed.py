"""OOMKilled (K8S002, state): the kernel killed a container because it wanted more memory than its limit.

What: a container whose present or last state is terminated with reason OOMKilled, in the window. It is seen also
after the container has come back, which is when it usually is looked at. Or one that waits and whose reason or message
says so, as runc's does of a limit too low to start in. Of a workload whose containers say nothing, an event about one
of its pods is enough: kubernetes-oom-event-generator and node-problem-detector's copies of the kernel's line.

Why it matters: requests in flight are lost, and it will happen again.

Example: `Container app of cart was OOMKilled at 03:41 UTC (limit 256Mi), 4 restarts in 2 pods`.

What to do: see whether memory grows without end (a leak: fix or roll back) or the limit is too low (raise it).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from autodevops.domain.finding import Finding
from autodevops.domain.subject import Subject
from autodevops.investigation.inventory import items, section
from autodevops.investigation.picture import Picture
from autodevops.investigation.rollouts import parse_time
from autodevops.investigation.rules.base import Rule, clock
from autodevops.investigation.rules.pods import ContainerState, SeenEvent, containers, count_of, events, is_recent

_SAID: Final = re.compile(r"\bOOM[- ]?[Kk]ill(?:ed|ing)\b|Memory cgroup out of memory|PreviousContainerWasOOMKilled")


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    groups: dict[tuple[Subject, str], list[ContainerState]] = {}
    for state in containers(picture):
        ended = parse_time(state.terminated.get("finishedAt"))
        if _killed(state) and (ended is None or picture.span.shows(ended)):
            groups.setdefault((state.subject, state.name), []).append(state)
    yield from _by_events(picture, {subject for subject, _ in groups})
    for (subject, container), states in sorted(groups.items(), key=lambda item: (str(item[0][0]), item[0][1])):
        moments = [moment for s in states if (moment := parse_time(s.terminated.get("finishedAt"))) is not None]
        now = any(s.waiting or is_recent(parse_time(s.terminated.get("finishedAt")), picture) for s in states)
        limit = _limit(states[0])
        at = f" at {clock(max(moments))}" if moments else ""
        yield RULE.finding(
            subject,
            f"Container {container} of {subject.name} was OOMKilled{at} ({limit}),"
            f" {sum(s.restarts for s in states)} restarts in {count_of({s.pod_name for s in states})}.",
            severity="error" if now else "info",
            confidence=0.97,
            evidence=picture.evidence_of("Pod"),
            onset=min(moments, default=None),
        )


def _killed(state: ContainerState) -> bool:
    ended, waiting = state.terminated, state.waiting
    said = (ended.get("reason"), ended.get("message"), waiting.get("reason"), waiting.get("message"))
    return any(_SAID.search(str(words)) for words in said if words)


def _by_events(picture: Picture, told: set[Subject]) -> Iterable[Finding]:
    seen: dict[Subject, list[SeenEvent]] = {}
    for event in events(picture):
        subject = event.subject if event.kind == "Pod" else None
        if subject is not None and subject not in told and _SAID.search(f"{event.reason}: {event.message}"):
            seen.setdefault(subject, []).append(event)
    for subject, found in sorted(seen.items(), key=lambda item: str(item[0])):
        last = found[-1]
        yield RULE.finding(
            subject,
            f"{last.container or 'A container'} of {subject.name} was OOMKilled at {clock(last.last)} in"
            f" {count_of({event.name for event in found})}, by its events: {last.message[:200]}",
            severity="error" if is_recent(last.last, picture) else "info",
            confidence=0.9,
            evidence=picture.evidence_of("Event"),
            onset=min(event.first for event in found),
        )


def _limit(state: ContainerState) -> str:
    for container in items(state.pod, "spec", "containers"):
        if container.get("name") == state.name:
            memory = section(container, "resources", "limits").get("memory")
            return f"limit {memory}" if memory else "no limit of its own: the node ran out of memory"
    return "limit unknown"


RULE = Rule("K8S002", "OOMKilled", "state", _check, specificity=0.7, names_cause=True, documentation=__doc__)
