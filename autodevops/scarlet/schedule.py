"""Schedule files: `scheduled/<name>.yaml` says which runbook runs when, with which parameters."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Self
from zoneinfo import ZoneInfo

import yaml
from pydantic import Field, ValidationError, field_validator, model_validator

from autodevops.domain.base import Json, Noun
from autodevops.kernel.errors import UsageError
from autodevops.scarlet.cron import cron_trigger

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


class Schedule(Noun):
    """One file. Exactly one of `cron` and `interval` is given."""

    name: str  # the file's name without .yaml
    runbook: str = Field(min_length=1)
    cron: str = ""  # minute hour day month weekday
    interval: str = ""  # 90s, 30m, 6h, 1d
    timezone: str = "UTC"  # an IANA name; cron is read in it
    parameters: dict[str, Json] = {}
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
    def _whole_interval(cls, value: str) -> str:
        if value and not (re.fullmatch(r"[0-9]{1,6}[smhd]", value) and int(value[:-1]) > 0):
            raise ValueError(f"{value!r} is not an interval such as 90s, 30m, 6h or 1d")
        return value

    @model_validator(mode="after")
    def _one_rhythm(self) -> Self:
        if bool(self.cron) == bool(self.interval):
            raise ValueError("give exactly one of cron and interval")
        if self.cron:
            cron_trigger(self.cron, self.zone)
        return self

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    @property
    def interval_seconds(self) -> int:
        """0 for a cron schedule."""
        return int(self.interval[:-1]) * _SECONDS[self.interval[-1]] if self.interval else 0


def load_schedules(folder: Path) -> tuple[Schedule, ...]:
    """All schedules of a folder, by name. Raises UsageError naming the file and the field."""
    if not folder.is_dir():
        raise UsageError(
            f"The folder of schedules {folder} does not exist.",
            "Create it, or set AUTODEVOPS_SCARLET__SCHEDULES to another one.",
        )
    paths = sorted([*folder.glob("*.yaml"), *folder.glob("*.yml")])
    return tuple(_load(path) for path in paths)


def _load(path: Path) -> Schedule:
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
