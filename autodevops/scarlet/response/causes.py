"""Which signals are one incident: those with one cause, as investigations find it. Pure.

A cause is a reason and the subject it lies on. A signal belongs to it when it is about that subject, about one that
suffers with it, or about a pod of either. What belongs nowhere is investigated before anything is opened.

Beside Kubernetes one thing has several names: the host that is scraped, its job, its service. The engine takes the one
that tells most apart, so any of them will do.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from autodevops.domain.hypothesis import Hypothesis
from autodevops.domain.incident import Incident
from autodevops.domain.investigation import Investigation
from autodevops.domain.signal import SEVERITIES, IncidentSeverity, Signal
from autodevops.domain.subject import Subject
from autodevops.investigation.request_families import SERVICE_LABELS

LIKELY = 0.5  # confidence from which a hypothesis is taken for a cause of its own
SERVICE = "opentelemetry.io"  # the api version of what is known by name alone
_OWNED = ("Pod", "ReplicaSet", "Job")
# A hash of the template and a suffix, drawn from an alphabet without vowels (k8s.io/apimachinery/pkg/util/rand), or an
# ordinal: `cart-7d9f8c6b5-x2x4z` is of `cart`, `cart-worker-0` is not.
_GENERATED = re.compile(r"(-[bcdfghjklmnpqrstvwxz0-9]{5,10})?(-[bcdfghjklmnpqrstvwxz2456789]{5}|-\d+)?")


def causes_of(found: Investigation) -> tuple[Hypothesis, ...]:
    """The independent causes, most likely first; of two that explain each other the likelier one alone."""
    chosen: list[Hypothesis] = []
    for hypothesis in found.hypotheses if found.verdict == "explained" else ():
        if hypothesis.confidence < LIKELY:
            continue
        apart = all(
            not same(hypothesis.subject, other.subject)
            and not any(same(hypothesis.subject, one) for one in other.suffering)
            and not any(same(other.subject, one) for one in hypothesis.suffering)
            for other in chosen
        )
        if apart:
            chosen.append(hypothesis)
    return tuple(chosen)


def cause_for(incident: Incident, found: Investigation) -> Hypothesis | None:
    """What an incident is put down to by a newer investigation: its cause so far where that is still likely, unless it
    suffers from a likelier one; else the likeliest that accounts for what was noticed."""
    likely = [one for one in found.hypotheses if one.confidence >= LIKELY]
    cause = incident.cause
    if cause is not None:
        here = [one for one in likely if same(one.subject, cause.subject)]
        before = likely[: likely.index(here[0])] if here else []
        behind = [one for one in before if any(same(cause.subject, other) for other in one.suffering)]
        likely = behind + sorted(here, key=lambda one: one.reason != cause.reason) + likely
    return next((one for one in likely if _accounts(one, incident)), None)


def belongs(signal: Signal, hypothesis: Hypothesis) -> bool:
    subjects = (hypothesis.subject, *hypothesis.suffering)
    if signal.beside:
        return any((not one.namespace or "." in one.name) and one.name in _names(signal) for one in subjects)
    return signal.subject is not None and any(same(signal.subject, one) for one in subjects)


def joins(signal: Signal, incident: Incident) -> bool:
    """Whether a signal belongs to an incident that is open: by its cause, or by what it is about already."""
    if any(one.key == signal.key for one in incident.signals):
        return True
    if signal.subject is None:
        return False
    if any(one.subject is not None and same(signal.subject, one.subject) for one in incident.signals):
        return True
    hypothesis = cause_for(incident, incident.investigation) if incident.investigation else None
    return incident.cause is not None and hypothesis is not None and belongs(signal, hypothesis)


def same(one: Subject, other: Subject) -> bool:
    """Whether two references mean one workload: it, its pods, the service of its name; or one host outside, wherever it
    is called from."""
    if one.namespace != other.namespace:
        return one.name == other.name and "." in one.name and one.api_version == other.api_version == SERVICE
    if "Node" in (one.kind, other.kind):
        return one.kind == other.kind and one.name == other.name
    return one.name == other.name or _owns(one, other) or _owns(other, one)


def _names(signal: Signal) -> set[str]:
    own = {signal.subject.name} if signal.subject else set()
    return own | {signal.labels[label].rsplit("/", 1)[-1] for label in SERVICE_LABELS if signal.labels.get(label)}


def worst(signals: Iterable[Signal]) -> IncidentSeverity:
    found = {signal.severity for signal in signals}
    return next((severity for severity in SEVERITIES if severity in found), "minor")


def _accounts(hypothesis: Hypothesis, incident: Incident) -> bool:
    cause = incident.cause
    if cause is not None and same(hypothesis.subject, cause.subject):
        return True
    about = [signal for signal in incident.signals if signal.subject is not None]
    return not about or any(belongs(signal, hypothesis) for signal in about)


def _owns(owner: Subject, owned: Subject) -> bool:
    if owned.kind not in _OWNED or owner.kind in _OWNED or not owned.name.startswith(f"{owner.name}-"):
        return False
    return _GENERATED.fullmatch(owned.name.removeprefix(owner.name)) is not None
