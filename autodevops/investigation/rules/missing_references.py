"""What containers refer to and does not exist: the kubelet's sentences about ConfigMaps, Secrets and keys in them.

The kubelet says so in the container's waiting state (environment) or in FailedMount events (volumes).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Final

from autodevops.domain.finding import Finding
from autodevops.domain.subject import Subject
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.pods import containers, count_of, created, events, is_recent

_SENTENCES: Final = {
    "key": re.compile(r"couldn't find key .+ in (?:ConfigMap|Secret) |references non-existent .*key"),
    "secret": re.compile(r'secrets? "[^"]+" not found'),
    "configmap": re.compile(r'configmaps? "[^"]+" not found'),
}


def kind_of(message: str) -> str:
    """key, secret, configmap, or nothing."""
    return next((kind for kind, sentence in _SENTENCES.items() if sentence.search(message)), "")


def missing(rule: Rule, picture: Picture, kind: str) -> Iterable[Finding]:
    """The findings of a rule that takes one kind of missing thing."""
    groups: dict[tuple[Subject, str], list[tuple[str, object]]] = {}
    waiting = [state for state in containers(picture) if state.waiting]
    for state in waiting:
        message = str(state.waiting.get("message", ""))
        if kind_of(message) == kind:
            groups.setdefault((state.subject, message), []).append((state.pod_name, created(state.pod)))
    pods = {state.pod_name: state for state in waiting}
    for event in events(picture, "FailedMount"):
        held = pods.get(event.name) if kind_of(event.message) == kind else None
        if held is not None and event.kind == "Pod" and is_recent(event.last, picture):
            groups.setdefault((held.subject, event.message), []).append((event.name, created(held.pod)))
    for (subject, message), found in sorted(groups.items(), key=lambda item: (str(item[0][0]), item[0][1])):
        moments = [at for _, at in found if isinstance(at, datetime)]
        yield rule.finding(
            subject,
            f"{count_of({name for name, _ in found})} of {subject.name} cannot start: {message.rstrip('.')}.",
            severity="error",
            confidence=0.97,
            evidence=picture.evidence_of("Pod", "Event"),
            onset=min(moments, default=None),
        )
