"""Schedule files: `scheduled/<name>.yaml` says which runbook runs when, with which parameters, and who is told.

Times are a cron expression as Debian's cron reads it, an interval, or an event. Which occurrences there are is
`slots`' business, what becomes of each `book`'s.
"""

from __future__ import annotations

import re
from datetime import date, time, timedelta
from itertools import product
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo

import yaml
from pydantic import BeforeValidator, Field, ValidationError, field_validator, model_validator

from autodevops.domain.base import Json, Noun
from autodevops.kernel.errors import UsageError

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_MOST_CELLS = 200  # runs of one occurrence
PLACE = r"\{([A-Za-z_][\w.-]*)\}"  # in a parameter: a fact of the event

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def _span(value: object) -> object:
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,6}[smhd]", value):
        return timedelta(seconds=int(value[:-1]) * _SECONDS[value[-1]])
    if isinstance(value, timedelta):
        return value
    raise ValueError(f"{value!r} is not a span such as 90s, 30m, 6h or 1d")


def _clock_or_date(value: object) -> object:
    """YAML 1.1 reads an unquoted 22:30 as the number 1350: sixty times 22, and 30."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 24 * 60:
        return time(value // 60, value % 60)
    if isinstance(value, date | time):
        return value
    text = str(value)
    hour, _, minute = text.partition(":")
    if re.fullmatch(r"[0-2]?\d:[0-5]\d", text) and int(hour) < 24:
        return time(int(hour), int(minute))
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{value!r} is not a time such as 22:30 or a date such as 2026-12-24") from None


Span = Annotated[timedelta, BeforeValidator(_span)]
ClockOrDate = Annotated[time | date, BeforeValidator(_clock_or_date)]


class Blackout(Noun):
    """When nothing starts, in the schedule's zone: hours of the day, whole dates (both ends included), or weekdays."""

    start: ClockOrDate | None = None
    end: ClockOrDate | None = None
    days: tuple[Day, ...] = ()  # only on these; hours past midnight belong to the day they began on

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.start is None) != (self.end is None):
            raise ValueError("give start and end, or neither")
        if self.start is None and not self.days:
            raise ValueError("give start and end, or days")
        if isinstance(self.start, time) != isinstance(self.end, time):
            raise ValueError("start and end are both times or both dates")
        if isinstance(self.start, date) and isinstance(self.end, date) and self.end < self.start:
            raise ValueError(f"it ends on {self.end}, before it starts on {self.start}")
        if isinstance(self.start, time) and self.start == self.end:
            raise ValueError("start and end are the same time: for whole days give days alone")
        return self


class CatchUp(Noun):
    """`misfire: {max: 3, within: 6h}`: of what was missed, the newest `max` that are at most `within` old."""

    max: int = Field(ge=1, le=1000)
    within: Span


class Event(Noun):
    """What starts it instead of a time. Exactly one of the three."""

    alert: dict[str, str] = {}  # labels, each a regular expression that matches the whole value
    deploy: dict[Literal["namespace", "workload"], str] = {}  # likewise
    webhook: str = ""  # POST /hooks/<this>

    @model_validator(mode="after")
    def _one(self) -> Self:
        if sum(map(bool, (self.alert, self.deploy, self.webhook))) != 1:
            raise ValueError("give exactly one of alert, deploy and webhook, and not an empty one")
        if self.deploy and "namespace" not in self.deploy:
            raise ValueError("deploy needs a namespace")
        if self.webhook and not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,62}", self.webhook):
            raise ValueError(f"webhook {self.webhook!r} is not a name such as nightly-report")
        for pattern in (*self.alert.values(), *self.deploy.values()):
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f"{pattern!r} is not a regular expression: {error}") from error
        return self


class Tell(Noun):
    """Names of channels (`[channels]` in the settings) that hear of it."""

    failure: tuple[str, ...] = ()
    success: tuple[str, ...] = ()
    recovery: tuple[str, ...] = ()  # the first success after a failure


class Schedule(Noun):
    """One file. Exactly one of `cron`, `interval` and `event` is given."""

    name: str  # the file's name without .yaml
    runbook: str = Field(min_length=1)
    cron: str = ""  # minute hour day month weekday
    interval: Span | None = None
    event: Event | None = None
    timezone: str = "UTC"  # an IANA name; cron and blackouts are read in it
    parameters: dict[str, Json] = {}  # with an event, "{namespace}" stands for a fact of it
    matrix: dict[str, tuple[Json, ...]] = {}  # parameter: values; one run for each combination
    misfire: Literal["skip", "latest"] | CatchUp = "latest"  # what was missed while nobody was there
    jitter: Span = timedelta(0)  # each schedule starts later by its own fixed share of this
    overlap: Literal["skip", "queue", "replace"] = "skip"  # while its last run is still going
    blackouts: tuple[Blackout, ...] = ()
    at_most_every: Span = timedelta(0)  # the same alert, workload or hook counts once in this time
    tell: Tell = Tell()
    description: str = ""
    enabled: bool = True

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (LookupError, ValueError, OSError) as error:
            raise ValueError(f"{value!r} is not a time zone such as UTC or Europe/Berlin") from error
        return value

    @field_validator("interval")
    @classmethod
    def _some_time(cls, value: timedelta | None) -> timedelta | None:
        if value is not None and not value:
            raise ValueError("an interval is at least 1s")
        return value

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if sum((bool(self.cron), self.interval is not None, self.event is not None)) != 1:
            raise ValueError("give exactly one of cron, interval and event")
        if self.cron:
            check_cron(self.cron)
        if self.at_most_every and self.event is None:
            raise ValueError("at_most_every is for events")
        for name, values in self.matrix.items():
            if not values:
                raise ValueError(f"matrix: {name} has no values")
            if name in self.parameters:
                raise ValueError(f"{name} is in parameters and in matrix")
        if (cells := len(self.cells)) > _MOST_CELLS:
            raise ValueError(f"matrix makes {cells} runs of each occurrence; at most {_MOST_CELLS}")
        return self

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    @property
    def cells(self) -> tuple[dict[str, Json], ...]:
        """The combinations of the matrix; one empty one without a matrix."""
        return tuple(dict(zip(self.matrix, values, strict=True)) for values in product(*self.matrix.values()))

    @property
    def rhythm(self) -> str:
        """When it runs, in words."""
        if self.cron:
            return f"{self.cron} ({self.timezone})"
        if self.interval is not None:
            return f"every {span_text(self.interval)}"
        assert self.event is not None
        if self.event.webhook:
            return f"webhook {self.event.webhook}"
        kind, facts = ("alert", self.event.alert) if self.event.alert else ("deploy", dict(self.event.deploy))
        return kind + " " + ", ".join(f"{name}={value}" for name, value in facts.items())


def check_cron(expression: str) -> None:
    """Raises ValueError that says what is wrong with `minute hour day month weekday`."""
    from cronsim import CronSim, CronSimError

    from autodevops.kernel.clock import utc_now

    fields = len(expression.split())
    if fields != 5:
        raise ValueError(f"{expression!r} has {fields} fields; cron has five: minute hour day month weekday")
    try:
        CronSim(expression, utc_now())
    except CronSimError as error:
        raise ValueError(f"{expression!r}: {str(error).lower()}") from error


def span_text(span: timedelta) -> str:
    """`90s`, `30m`, `6h`, `1d`: the largest unit that gives a whole number."""
    seconds = int(span.total_seconds())
    unit = next((unit for unit in "dhm" if seconds and seconds % _SECONDS[unit] == 0), "s")
    return f"{seconds // _SECONDS[unit]}{unit}"


def load_schedules(folder: Path) -> tuple[Schedule, ...]:
    """All schedules of a folder, by name. Raises UsageError naming the file and the field."""
    return tuple(load_schedule(path) for path in schedule_files(folder))


def schedule_files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise UsageError(
            f"The folder of schedules {folder} does not exist.",
            "Create it, or set AUTODEVOPS_SCARLET__SCHEDULES to another one.",
        )
    return sorted([*folder.glob("*.yaml"), *folder.glob("*.yml")])


def load_schedule(path: Path) -> Schedule:
    """Raises UsageError naming the file and the field."""
    try:
        document: Any = yaml.safe_load(path.read_bytes())
    except OSError as error:
        raise UsageError(
            f"Schedule {path} cannot be read: {error.strerror}.", "Check that it is a file you may read."
        ) from error
    except yaml.YAMLError as error:
        raise UsageError(
            f"Schedule {path} is not valid YAML: {' '.join(str(error).split())}.", "Correct that line."
        ) from error
    if not isinstance(document, dict):
        raise UsageError(f"Schedule {path} is not a table of fields.", "Give at least runbook, and cron or interval.")
    if "name" in document:
        raise UsageError(f"Schedule {path}: the field name is not allowed.", "The file's name is the schedule's name.")
    try:
        return Schedule.model_validate({**document, "name": path.stem})
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        about = f"field {field}: " if field else ""
        given = f" (given: {first['input']!r})" if field and first["type"] != "missing" else ""
        raise UsageError(
            f"Schedule {path}: {about}{first['msg'].removeprefix('Value error, ')}{given}.",
            "Correct the file and start again.",
        ) from error
