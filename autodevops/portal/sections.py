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
    namespace: str
    state: Literal["open", "resolved"]
    severity: str
    since: UtcDatetime


class Incidents(Noun):
    name: Literal["incidents"] = "incidents"
    at: UtcDatetime
    items: tuple[IncidentLine, ...] = ()  # open ones first, then newest first
    more: int = 0
    missing: tuple[Missing, ...] = ()


class Decided(Noun):
    id: str
    action: str
    subject: str
    confidence: str
    risk: str
    verdict: str
    result: str
    at: UtcDatetime


class Happened(Noun):
    """A line of an incident's timeline. `operation`: the one it tells of."""

    at: UtcDatetime
    kind: str
    text: str
    operation: str = ""


class Candidate(Noun):
    """A cause that was judged, most likely first, with what speaks for and against it and the next step in words."""

    summary: str
    confidence: float
    supports: tuple[str, ...] = ()
    contradicts: tuple[str, ...] = ()
    next_step: str = ""
    command: str = ""


class IncidentPage(Noun):
    """One incident with all that is on record of it. `told` is the same as text, for a question to Jamie."""

    name: Literal["incident"] = "incident"
    at: UtcDatetime
    id: str
    title: str
    namespace: str
    state: Literal["open", "resolved"]
    severity: str
    phase: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    causes: tuple[Candidate, ...] = ()
    timeline: tuple[Happened, ...] = ()  # oldest first
    decisions: tuple[Decided, ...] = ()
    runs: tuple[str, ...] = ()
    told: str


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


class Question(Noun):
    """An operation that people are asked about, or lately were. What is answered is looked up anew by its id."""

    id: str
    title: str
    subject: str
    risk: str
    asked_by: str
    state: str  # of the question; "" once there is a result
    result: str = ""
    yeses: int = 0
    needed: int = 1
    at: UtcDatetime
    expires_at: UtcDatetime


class Inbox(Noun):
    name: Literal["inbox"] = "inbox"
    at: UtcDatetime
    items: tuple[Question, ...] = ()  # that wait, oldest first
    past: tuple[Question, ...] = ()  # newest first
    missing: tuple[Missing, ...] = ()


class Square(Noun):
    """One square of the decision matrix. `counts`: decisions so far in it, by what was decided."""

    confidence: str
    risk: str
    says: str
    counts: dict[str, int] = {}


class Decisions(Noun):
    name: Literal["decisions"] = "decisions"
    at: UtcDatetime
    squares: tuple[Square, ...] = ()
    items: tuple[Decided, ...] = ()  # newest first
    more: int = 0
    missing: tuple[Missing, ...] = ()


class Slot(Noun):
    """One to come (`why`: why it will not run) or past (`what`: how its run ended, or why there was none)."""

    schedule: str
    runbook: str = ""
    due: UtcDatetime  # the first of `count` on that day
    count: int = 1
    what: str = ""
    why: str = ""
    run: str = ""


class Schedules(Noun):
    name: Literal["schedules"] = "schedules"
    at: UtcDatetime
    days: int
    known: int = 0  # schedules there are
    to_come: tuple[Slot, ...] = ()
    more: int = 0
    past: tuple[Slot, ...] = ()  # newest first
    missing: tuple[Missing, ...] = ()


class Namespaces(Noun):
    name: Literal["namespaces"] = "namespaces"
    at: UtcDatetime
    items: tuple[str, ...] = ()
    chosen: str
    missing: tuple[Missing, ...] = ()


Section: TypeAlias = Namespaces | Services | Alerts | Incidents | Runs | Health | Inbox | Decisions | Schedules
