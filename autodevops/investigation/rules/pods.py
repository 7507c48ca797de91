"""What the rules over pods share: container statuses, moments, and events of one object."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, Final

from autodevops.domain.subject import Subject
from autodevops.investigation.inventory import Inventory, Object, items, metadata, name_of, section
from autodevops.investigation.picture import Picture
from autodevops.investigation.rollouts import parse_time

RECENT: Final = timedelta(minutes=15)
"""What happened within this time of the window's end counts as happening now. The kubelet's longest back-off is five
minutes, so three of its rounds fit."""


@dataclass(frozen=True)
class ContainerState:
    """One container of one pod, as the kubelet last reported it."""

    subject: Subject
    pod: Object
    status: Mapping[str, Any]
    init: bool

    @cached_property
    def pod_name(self) -> str:
        return name_of(self.pod)

    @cached_property
    def name(self) -> str:
        return str(self.status.get("name", ""))

    @property
    def restarts(self) -> int:
        found = self.status.get("restartCount")
        return found if isinstance(found, int) else 0

    @cached_property
    def waiting(self) -> Mapping[str, Any]:
        return section(self.status, "state", "waiting")

    @cached_property
    def terminated(self) -> Mapping[str, Any]:
        """The last end of it: of the present state, or of the one before."""
        return section(self.status, "state", "terminated") or section(self.status, "lastState", "terminated")


def containers(picture: Picture) -> tuple[ContainerState, ...]:
    """Every container of the pods that are meant to run: finished pods and those being deleted are passed over."""
    return picture.inventory.once(_containers)


def _containers(inventory: Inventory) -> tuple[ContainerState, ...]:
    found: list[ContainerState] = []
    for pod in inventory.pods:
        if section(pod, "status").get("phase") in {"Succeeded"} or metadata(pod).get("deletionTimestamp"):
            continue
        subject = inventory.of_owner("Pod", name_of(pod))
        if subject is None:
            continue
        for key, init in (("initContainerStatuses", True), ("containerStatuses", False)):
            found += (ContainerState(subject, pod, status, init) for status in items(pod, "status", key))
    return tuple(found)


@dataclass(frozen=True)
class SeenEvent:
    reason: str
    message: str
    kind: str
    name: str
    count: int
    first: datetime
    last: datetime
    subject: Subject | None
    warning: bool = False
    container: str = ""  # that the kubelet speaks of


def events(picture: Picture, *reasons: str) -> list[SeenEvent]:
    """Events within the window with one of `reasons`, oldest first, each with the workload it belongs to.

    Kind and name together say what an event is about: a Pod and a Service may share a name.
    """
    seen = picture.once(_events)
    return [event for event in seen if event.reason in reasons] if reasons else list(seen)


def _events(picture: Picture) -> tuple[SeenEvent, ...]:
    found: list[SeenEvent] = []
    for event in picture.inventory.events:
        last = last_of(event)
        if last is None:
            continue
        first = parse_time(event.get("firstTimestamp")) or parse_time(metadata(event).get("creationTimestamp")) or last
        first = min(first, last)
        if not picture.span.shows(first, last):
            continue
        about = section(event, "involvedObject") or section(event, "regarding")
        kind, name = str(about.get("kind", "")), str(about.get("name", ""))
        count = event.get("count") or section(event, "series").get("count") or 1
        found.append(
            SeenEvent(
                str(event.get("reason", "")),
                str(event.get("message") or event.get("note") or ""),
                kind,
                name,
                int(count) if isinstance(count, int) else 1,
                first,
                last,
                picture.inventory.of_owner(kind, name),
                event.get("type") == "Warning",
                str(about.get("fieldPath") or "").partition("{")[2].rstrip("}"),  # spec.containers{app}
            )
        )
    return tuple(sorted(found, key=lambda e: (e.last, e.kind, e.name, e.reason)))


def last_of(event: Object) -> datetime | None:
    """When an event came last, in whichever field its author wrote it."""
    for value in (
        event.get("lastTimestamp"),
        section(event, "series").get("lastObservedTime"),
        event.get("eventTime"),
        metadata(event).get("creationTimestamp"),
    ):
        moment = parse_time(value)
        if moment is not None:
            return moment
    return None


def is_recent(moment: datetime | None, picture: Picture) -> bool:
    return moment is not None and picture.span.window.end - moment <= RECENT


def created(pod: Object) -> datetime | None:
    return parse_time(metadata(pod).get("creationTimestamp"))


def count_of(pods: set[str]) -> str:
    """`1 pod (cart-7d9f-x2x4k)`, `3 pods (first among them ...)`."""
    names = sorted(pods)
    return f"1 pod ({names[0]})" if len(names) == 1 else f"{len(names)} pods ({names[0]}, ...)"
