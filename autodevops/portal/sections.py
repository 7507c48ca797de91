"""What the overview shows, as values: one section for each place on the page, each with what it could not see."""

from __future__ import annotations

from typing import Literal, TypeAlias

from autodevops.domain.base import Noun, UtcDatetime


class Missing(Noun):
    """Something that was asked for and not answered."""

    system: str
    message: str


class Measure(Noun):
    """One number of a service over the window. `share` is of its limit, `bad` says in words why it is marked."""

    value: float | None = None
    unit: str
    points: tuple[float | None, ...] = ()
    share: float | None = None
    bad: str = ""


class Service(Noun):
    name: str
    rate: Measure | None = None
    errors: Measure | None = None
    latency: Measure | None = None
    cpu: Measure | None = None
    memory: Measure | None = None
    ready: int | None = None  # of `pods`; None where Kubernetes does not know it by this name
    pods: int = 0
    restarts: int = 0


class Services(Noun):
    name: Literal["services"] = "services"
    at: UtcDatetime
    namespace: str
    minutes: int
    items: tuple[Service, ...] = ()
    more: int = 0
    missing: tuple[Missing, ...] = ()


class Firing(Noun):
    name: str
    severity: str
    about: str
    since: UtcDatetime
    summary: str


class Alerts(Noun):
    name: Literal["alerts"] = "alerts"
    at: UtcDatetime
    items: tuple[Firing, ...] = ()
    more: int = 0
    elsewhere: int = 0  # firing in other namespaces
    pending: int = 0
    missing: tuple[Missing, ...] = ()


class IncidentLine(Noun):
    id: str
    title: str
    status: str
    severity: str
    since: UtcDatetime | None = None


class Incidents(Noun):
    name: Literal["incidents"] = "incidents"
    at: UtcDatetime
    items: tuple[IncidentLine, ...] = ()
    missing: tuple[Missing, ...] = ()


class RunLine(Noun):
    id: str
    runbook: str
    title: str
    status: str
    trigger: str
    reason: str
    started_at: UtcDatetime
    ended_at: UtcDatetime | None = None
    error: str = ""
    verdicts: tuple[str, ...] = ()  # one line for each investigation in it
    report: bool = False


class Runs(Noun):
    name: Literal["runs"] = "runs"
    at: UtcDatetime
    items: tuple[RunLine, ...] = ()
    more: bool = False
    missing: tuple[Missing, ...] = ()


class Fact(Noun):
    """`tone` is for colour alone: the text says it too."""

    label: str
    value: str
    tone: Literal["", "good", "warn", "bad"] = ""
    ask: str = ""


class Health(Noun):
    name: Literal["health"] = "health"
    at: UtcDatetime
    hours: int
    jamie: tuple[Fact, ...] = ()
    scarlet: tuple[Fact, ...] = ()
    missing: tuple[Missing, ...] = ()


class Namespaces(Noun):
    name: Literal["namespaces"] = "namespaces"
    at: UtcDatetime
    items: tuple[str, ...] = ()
    chosen: str
    missing: tuple[Missing, ...] = ()


Section: TypeAlias = Namespaces | Services | Alerts | Incidents | Runs | Health
