"""InitContainerFailing (K8S091, state): an init container does not end well, so the others never start.

What: an init container that fails again and again, or that has run for five minutes while the pod's own containers
wait for it; and a sidecar among the init containers (restartPolicy Always) that does not become started. Its last words
are told with it. What has a more telling reason (image, configuration, command, memory, what its log says) has
that one.

Why it matters: init containers run one after the other before the program; the pod is of no use until all have ended.

Example: `Init container migrate of orders fails in 1 pod (orders-x), exit code 1: relation "users" does not exist`

What to do: read its log (`kubectl logs POD -c INIT-CONTAINER`); one that waits for another service points to that.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from autodevops.domain.evidence import EvidenceId
from autodevops.domain.finding import Finding
from autodevops.domain.subject import Subject
from autodevops.investigation.inventory import items, section
from autodevops.investigation.picture import Picture
from autodevops.investigation.rollouts import parse_time
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.pods import ContainerState, containers, count_of, created

_LONG = timedelta(minutes=5)


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    groups: dict[tuple[Subject, str, str], list[ContainerState]] = {}
    for state in containers(picture):
        what = _fault(state, picture) if state.init else ""
        if what:
            groups.setdefault((state.subject, state.name, what), []).append(state)
    for (subject, name, what), states in sorted(groups.items(), key=lambda item: (str(item[0][0]), item[0][1:])):
        kind = "Sidecar" if _is_sidecar(states[0]) else "Init container"
        words, evidence = _last_line(subject, name, picture)
        yield RULE.finding(
            subject,
            f"{kind} {name} of {subject.name} {what} in {count_of({state.pod_name for state in states})}{words}.",
            severity="error",
            confidence=0.95 if what.startswith("fails") else 0.85,
            evidence=(*picture.evidence_of("Pod"), *evidence),
            onset=min((at for state in states if (at := created(state.pod)) is not None), default=None),
        )


def _fault(state: ContainerState, picture: Picture) -> str:
    ended = section(state.status, "state", "terminated") or section(state.status, "lastState", "terminated")
    if ended.get("reason") == "OOMKilled":
        return ""
    failed = ended.get("exitCode") not in (0, None)
    waits = state.waiting.get("reason") in {"CrashLoopBackOff", "RunContainerError"}
    if waits or (failed and section(state.status, "state", "terminated")):
        code = f", exit code {ended['exitCode']}" if failed else ""
        return f"fails{code}"
    began = parse_time(section(state.status, "state", "running").get("startedAt"))
    if began is None or picture.span.window.end - began < _LONG:
        return ""
    if _is_sidecar(state):
        return "has run for long and is not started" if state.status.get("started") is False else ""
    return "has run for long and does not end"


def _is_sidecar(state: ContainerState) -> bool:
    return any(
        container.get("name") == state.name and container.get("restartPolicy") == "Always"
        for container in items(state.pod, "spec", "initContainers")
    )


def _last_line(subject: Subject, name: str, picture: Picture) -> tuple[str, tuple[EvidenceId, ...]]:
    for crash in picture.last_words:
        lines = [line.strip() for line in crash.lines if line.strip()]
        if crash.subject == subject and crash.container == name and lines:
            return f": {lines[-1][:200].rstrip('.')}", (crash.evidence,)
    return "", ()


RULE = Rule(
    "K8S091", "InitContainerFailing", "state", _check, specificity=0.9, names_cause=True, general=True,
    documentation=__doc__,
)  # fmt: skip
