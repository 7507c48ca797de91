"""PortConflict (K8S133, state): two containers of a pod want the same port.

What: a container that crashes in a pod where another container declares the same port, or has it in its command,
arguments or environment. Without such a rival, that the address is in use is PortInUse.

Why it matters: containers of a pod share one network: the second to listen on a port fails, and which is second may
change from start to start. The image is fine, alone.

Example: `Containers app and proxy of cart both want port 8080: app crashes`

What to do: give one of them another port; a sidecar that was added last is the usual one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.domain.subject import Subject
from autodevops.investigation.inventory import Object, items
from autodevops.investigation.picture import Picture
from autodevops.investigation.rollouts import parse_time
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.pods import ContainerState, containers, is_recent

_IN_USE = re.compile(
    r"address (?:is )?already in use|EADDRINUSE|Only one usage of each socket address|"
    r"port is already (?:in use|allocated)|Port \d+ (?:was|is) already in use",
    re.I,
)


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    words = {(w.subject, w.container): (w.evidence, "\n".join(w.lines)) for w in picture.last_words}
    told: set[tuple[Subject, str]] = set()
    for state in containers(picture):
        key = (state.subject, state.name)
        if key in told or not _is_down(state, picture):
            continue
        evidence, text = words.get(key, (None, ""))
        said = _IN_USE.search(text) is not None
        other, port, sure = _rival(state)
        if not other:
            continue
        told.add(key)
        yield RULE.finding(
            state.subject,
            f"Containers {state.name} and {other} of {state.subject.name} both want port {port}: {state.name}"
            f" {'says so and ' if said else ''}does not come up.",
            severity="error",
            confidence=0.96 if said else sure,
            evidence=(*picture.evidence_of("Pod"), *([evidence] if evidence else [])),
        )


def _is_down(state: ContainerState, picture: Picture) -> bool:
    """Crashing now: with an error of its own, not for want of memory or a file."""
    ended = state.terminated
    failed = ended.get("exitCode") not in (None, 0, 137, 126, 127)
    now = state.waiting.get("reason") == "CrashLoopBackOff" or is_recent(parse_time(ended.get("finishedAt")), picture)
    return failed and now


def _rival(state: ContainerState) -> tuple[str, int, float]:
    """Another container that wants a port of this one, and how sure that is."""
    every = [*items(state.pod, "spec", "containers"), *_sidecars(state.pod)]
    own = next((one for one in every if one.get("name") == state.name), {})
    mine = {int(port["containerPort"]) for port in items(own, "ports") if isinstance(port.get("containerPort"), int)}
    for other in every:
        if other.get("name") == state.name:
            continue
        declared = {port.get("containerPort") for port in items(other, "ports")}
        for port in sorted(mine):
            if port in declared:
                return str(other.get("name")), port, 0.93
            if any(re.search(rf"(?<![\d.]){port}(?![\d.])", text) for text in _settings(other)):
                return str(other.get("name")), port, 0.85
    return "", 0, 0.0


def _sidecars(pod: Object) -> list[Object]:
    return [one for one in items(pod, "spec", "initContainers") if one.get("restartPolicy") == "Always"]


def _settings(container: Object) -> Iterable[str]:
    """What tells a container where to listen; addresses of others (`http://cart:8080`) do not."""
    for key in ("command", "args"):
        parts = container.get(key)
        yield from (str(part) for part in parts if "//" not in str(part)) if isinstance(parts, list) else ()
    for entry in items(container, "env"):
        if "PORT" in str(entry.get("name", "")).upper() or "LISTEN" in str(entry.get("name", "")).upper():
            yield str(entry.get("value") or "")


RULE = Rule(
    "K8S133", "PortConflict", "state", _check, specificity=0.95, stage=2, names_cause=True, documentation=__doc__
)
