"""What containers refer to and does not exist: ConfigMaps, Secrets and keys in them.

The kubelet says so in the container's waiting state (environment) or in events (Failed, FailedMount for volumes). Where
no sentence is left, a pod that has not come up is compared with what ConfigMaps and Secrets the namespace has.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Final

from autodevops.analysis.references import references
from autodevops.domain.finding import Finding
from autodevops.domain.subject import Subject
from autodevops.investigation.inventory import Inventory, Object, name_of, section
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.pods import containers, count_of, created, events, is_recent

_SENTENCES: Final = {
    "key": re.compile(r"couldn't find key .+ in (?:ConfigMap|Secret) |references non-existent .*key"),
    "secret": re.compile(r'secrets? "[^"]+" not found'),
    "configmap": re.compile(r'configmaps? "[^"]+" not found'),
}
_UNBORN: Final = {"ContainerCreating", "PodInitializing", "CreateContainerConfigError"}
_CUT: Final = 500  # objects
_LEAST: Final = timedelta(minutes=2)  # pulling and mounting take their time


def kind_of(message: str) -> str:
    """key, secret, configmap, or nothing."""
    return next((kind for kind, sentence in _SENTENCES.items() if sentence.search(message)), "")


def missing(rule: Rule, picture: Picture, kind: str) -> Iterable[Finding]:
    """The findings of a rule that takes one kind of missing thing."""
    groups: dict[tuple[Subject, str], list[tuple[str, datetime | None]]] = {}
    for subject, pod, message, at in picture.once(_said):
        if kind_of(message) == kind:
            groups.setdefault((subject, message), []).append((pod, at))
    for (subject, message), found in sorted(groups.items(), key=lambda item: (str(item[0][0]), item[0][1])):
        yield rule.finding(
            subject,
            f"{count_of({name for name, _ in found})} of {subject.name} cannot start: {message.rstrip('.')}.",
            severity="error",
            confidence=0.97,
            evidence=picture.evidence_of("Pod", "Event"),
            onset=min((at for _, at in found if at is not None), default=None),
        )


_Said = tuple[Subject, str, str, datetime | None]  # whose, the pod, what, since


def _said(picture: Picture) -> tuple[_Said, ...]:
    told = tuple(_told(picture))
    return (*told, *_compared(picture, {pod for _, pod, message, _ in told if kind_of(message)}))


def _told(picture: Picture) -> Iterator[_Said]:
    """By waiting containers, and by recent events about them or about pods that are not at hand."""
    waiting = {state.pod_name: state for state in containers(picture) if state.waiting}
    for state in containers(picture):
        if state.waiting:
            yield state.subject, state.pod_name, str(state.waiting.get("message", "")), created(state.pod)
    told = {name for name, state in waiting.items() if kind_of(str(state.waiting.get("message", "")))}
    known = {name_of(pod) for pod in picture.inventory.pods}
    for event in events(picture, "FailedMount", "Failed"):
        if event.kind != "Pod" or event.name in told or not is_recent(event.last, picture):
            continue
        held, message = waiting.get(event.name), event.message.removeprefix("Error: ")
        if held is not None:
            yield held.subject, event.name, message, created(held.pod)
        elif event.subject is not None and event.name not in known and not picture.inventory.pods_of(event.subject):
            yield event.subject, event.name, message, event.first


def _compared(picture: Picture, told: set[str]) -> Iterator[_Said]:
    """By comparison, for pods about which nothing is told."""
    for state in containers(picture):
        born = created(state.pod)
        young = born is not None and picture.span.window.end - born < _LEAST
        if state.waiting.get("reason") in _UNBORN and state.pod_name not in told and not young:
            for words in lacking(state.pod, picture):
                yield state.subject, state.pod_name, words, born


def lacking(pod: Object, picture: Picture) -> list[str]:
    """What the pod refers to and the namespace does not have, in the kubelet's words."""
    found = []
    have = picture.inventory.once(_by_name)
    for one in references(section(pod, "spec")):
        kind, name, there = one.kind, one.name, have[one.kind]
        # There is always kube-root-ca.crt, so an empty list is none; and one as long as its limit may have been cut.
        if one.optional or kind not in picture.listed or not 0 < len(there) < _CUT:
            continue
        if name not in there:
            found.append(f'{kind.lower()} "{name}" not found')
            continue
        has = {*section(there[name], "data"), *section(there[name], "binaryData")}
        found += [f"couldn't find key {key} in {kind} {name}" for key in sorted(one.keys - has) if has]
    return sorted(set(found))


def _by_name(inventory: Inventory) -> dict[str, dict[str, Object]]:
    return {kind: {name_of(item): item for item in inventory.of_kind(kind)} for kind in ("ConfigMap", "Secret")}
