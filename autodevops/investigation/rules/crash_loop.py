"""CrashLoopBackOff (K8S001, state): a container ends again and again, and the kubelet waits before it starts it anew.

What: a container (or init container) whose state is waiting with reason CrashLoopBackOff, or that has ended with an
error at least three times and did so in the last fifteen minutes.

Why it matters: the pod is not serving, and the kubelet's back-off grows to five minutes.

Example: `Container app of cart crashes: 7 restarts in 2 pods, last with exit code 1 (Error)`.

What to do: read the logs of the previous container (`kubectl logs --previous`); its last lines hold the reason.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.domain.subject import Subject
from autodevops.investigation.picture import Picture
from autodevops.investigation.rollouts import parse_time
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.pods import ContainerState, containers, count_of, created, events, is_recent

_OFTEN = 3
_EXIT_CODES = {
    126: "its command cannot be executed",
    127: "its command was not found",
    137: "killed by SIGKILL",
    139: "segmentation fault",
    143: "ended by SIGTERM",
}


def _crashing(state: ContainerState, picture: Picture) -> bool:
    if state.waiting.get("reason") == "CrashLoopBackOff":
        return True
    ended = state.terminated
    failed = ended.get("exitCode") not in (0, None)
    return failed and state.restarts >= _OFTEN and is_recent(parse_time(ended.get("finishedAt")), picture)


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    groups: dict[tuple[Subject, str], list[ContainerState]] = {}
    for state in containers(picture):
        if _crashing(state, picture):
            groups.setdefault((state.subject, state.name), []).append(state)
    for (subject, container), states in sorted(groups.items(), key=lambda item: (str(item[0][0]), item[0][1])):
        worst = max(states, key=lambda s: (s.restarts, s.pod_name))
        ended = worst.terminated
        code = ended.get("exitCode")
        how = f", last with exit code {code} ({ended.get('reason') or 'Error'})" if code is not None else ""
        if isinstance(code, int) and code in _EXIT_CODES:
            how += f", {_EXIT_CODES[code]}"
        pods = {s.pod_name for s in states}
        began = [moment for s in states if (moment := created(s.pod)) is not None]
        began += [e.first for e in events(picture, "BackOff") if e.kind == "Pod" and e.name in pods]
        starts = [moment for s in states if (moment := parse_time(s.terminated.get("startedAt"))) is not None]
        onset = min(began, default=None)
        if onset is not None and onset < picture.span.window.start and starts:
            onset = min(starts)  # an old pod: it ran well before, and the first crash seen is the best we know
        restarts = sum(s.restarts for s in states)
        yield RULE.finding(
            subject,
            f"Container {container} of {subject.name} crashes: {restarts} restarts in {count_of(pods)}{how}.",
            severity="critical" if len(pods) == max(1, len(picture.inventory.pods_of(subject))) else "error",
            confidence=0.95,
            evidence=picture.evidence_of("Pod", "Event"),
            onset=onset,
        )


RULE = Rule("K8S001", "CrashLoopBackOff", "state", _check, specificity=0.5, general=True, documentation=__doc__)
