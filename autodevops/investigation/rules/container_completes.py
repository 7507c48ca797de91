"""ContainerCompletes (K8S137, state): a container that should run for ever ends well, again and again.

What: a container of a Deployment, StatefulSet or DaemonSet in CrashLoopBackOff whose last run ended by itself with
exit code 0, and that no probe stopped.

Why it matters: the kubelet starts it again after ever longer waits: its command is a task, not a server, or runs in
the background and leaves the container's first process to end.

Example: `Container app of cart ends by itself with exit code 0: 7 restarts in 2 pods`

What to do: correct command and arguments (run the server in the foreground), or make it a Job.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.domain.subject import Subject
from autodevops.investigation.inventory import WORKLOAD_KINDS
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.pods import ContainerState, containers, count_of, created, events
from autodevops.investigation.rules.probes import troubles


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    stopped = {(one.subject, one.container) for one in picture.once(troubles) if one.kind != "Readiness"}
    killed = {event.name for event in events(picture, "Killing") if "failed" in event.message}
    groups: dict[tuple[Subject, str], list[ContainerState]] = {}
    for state in containers(picture):
        ended = state.terminated
        completed = ended.get("exitCode") == 0 and ended.get("reason") in (None, "Completed")
        looping = state.waiting.get("reason") == "CrashLoopBackOff" and state.subject.kind in WORKLOAD_KINDS
        key = (state.subject, state.name)
        if completed and looping and not state.init and key not in stopped and state.pod_name not in killed:
            groups.setdefault(key, []).append(state)
    for (subject, container), states in sorted(groups.items(), key=lambda item: (str(item[0][0]), item[0][1])):
        yield RULE.finding(
            subject,
            f"Container {container} of {subject.name} ends by itself with exit code 0:"
            f" {sum(s.restarts for s in states)} restarts in {count_of({s.pod_name for s in states})}.",
            severity="error",
            confidence=0.93,
            evidence=picture.evidence_of("Pod", "Event"),
            onset=min((m for s in states if (m := created(s.pod)) is not None), default=None),
        )


RULE = Rule("K8S137", "ContainerCompletes", "state", _check, specificity=0.93, names_cause=True, documentation=__doc__)
