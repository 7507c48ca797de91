"""A scenario: what is running, what goes wrong, and the truth about it, read from YAML.

`Scenario` is data alone. What each fault does to the world is in `primitives.py`, where the vocabulary is documented;
what runs is in the topology. Times are relative to the scenario's start (the moment the sandbox starts): `-20m` is
twenty minutes before, so that a history exists as soon as somebody asks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Literal, Self, get_args

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from autodevops.kernel.errors import UsageError
from autodevops.sandbox.basics.moments import Seconds
from autodevops.sandbox.world.faults import Fault


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Load(_Data):
    """How busy the world is. `factor` multiplies all traffic; `daily` is the share by which day and night differ;
    `noise` scales the small random movements (0 is a perfectly smooth world)."""

    factor: float = Field(default=1.0, gt=0)
    daily: float = Field(default=0.3, ge=0, le=0.5)
    noise: float = Field(default=1.0, ge=0, le=2)


class Subject(_Data):
    kind: str
    name: str
    namespace: str = ""


class Step(_Data):
    """One thing that an executor could do. `body` is what `scale` (replicas), `patch` or `apply` puts there;
    `delete_pod` on a workload deletes one of its pods, one that is not ready if there is one; `clean_jobs` the ended
    Jobs of a CronJob but for the newest three. `image` is what a `rollback` goes back to, where it is not all the same:
    without it any earlier revision is meant."""

    action: Literal[
        "rollback", "restart", "scale", "patch", "delete_pod", "cordon", "uncordon", "drain", "apply", "delete",
        "clean_jobs",
    ]  # fmt: skip
    subject: Subject
    body: dict[str, Any] = {}
    image: str = ""

    @model_validator(mode="after")
    def _an_image_is_a_rollbacks(self) -> Self:
        if self.image and self.action != "rollback":
            raise ValueError(f"image is said of a {self.action}; say it of a rollback, or use body")
        return self


class Remediation(Step):
    """Something that can be done, and what has to follow it. `effect` says what it does to the incident; of several
    causes, to the one that it is about."""

    then: tuple[Step, ...] = ()
    effect: Literal["resolves", "relieves", "nothing", "worsens"] = "resolves"


class Cause(_Data):
    reason: str
    subject: Subject


class Truth(_Data):
    """What an investigation should find. `reason`, `subject` and `onset` are absent when all is well.

    `also` are further causes that have nothing to do with the first; an investigation should name each.
    """

    verdict: Literal["explained", "healthy", "undetermined"]
    reason: str = ""
    subject: Subject | None = None
    onset: Seconds | None = None
    remediations: tuple[Remediation, ...] = ()
    also: tuple[Cause, ...] = ()

    @property
    def subjects(self) -> tuple[Subject, ...]:
        """What is at fault, the first cause first; empty when all is well."""
        return (*([self.subject] if self.subject else []), *(one.subject for one in self.also))


Group = Literal[
    "all is well", "releases", "configuration", "resources", "scheduling", "nodes", "network", "databases and queues",
    "load", "jobs and storage", "other",
]  # fmt: skip


class Scenario(_Data):
    """One rehearsed situation. `group` is where lists show it; `topology` is a shipped one, or a path from its file."""

    name: str
    title: str
    summary: str = ""
    group: Group = "other"
    topology: str = "shop"
    load: Load = Load()
    faults: tuple[Fault, ...] = ()
    noise: tuple[Fault, ...] = ()
    truth: Truth


def shipped_scenarios() -> tuple[Scenario, ...]:
    """Every scenario that comes with the package, by name."""
    return tuple(_parse(text, f"{name}.yaml") for name, text in shipped_sources().items())


def shipped_sources() -> dict[str, str]:
    """Their YAML, by name."""
    return {entry.name.removesuffix(".yaml"): entry.read_text("utf-8") for entry in _shipped()}


def grouped(scenarios: Iterable[Scenario]) -> list[tuple[str, list[Scenario]]]:
    """Scenarios by their `group`, in the order in which one would try them."""
    found: dict[str, list[Scenario]] = {group: [] for group in get_args(Group)}
    for one in scenarios:
        found[one.group].append(one)
    return [(group, members) for group, members in found.items() if members]


def load_scenario(which: str | Path) -> Scenario:
    """The scenario shipped under that name, or read from a YAML file or a folder with a scenario.yaml in it.

    Raises UsageError naming the file and the field.
    """
    text = str(which)
    for entry in _shipped():
        if entry.name == f"{text}.yaml":
            return _parse(entry.read_text("utf-8"), entry.name)
    path = Path(which)
    if path.is_dir():
        path = path / "scenario.yaml"
    if not path.is_file():
        names = ", ".join(entry.name.removesuffix(".yaml") for entry in _shipped())
        raise UsageError(
            f"There is no scenario {text!r}: neither a shipped name nor a file.",
            f"Shipped scenarios: {names}.",
        )
    try:
        source = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"The scenario file {path} cannot be read: {error}.", "Check its permissions.") from error
    return _parse(source, str(path))


def _shipped() -> Iterator[Traversable]:
    folder = files("autodevops.sandbox") / "scenarios"
    found = (entry for entry in folder.iterdir() if entry.name.endswith(".yaml"))
    return iter(sorted(found, key=lambda entry: entry.name.removesuffix(".yaml")))


def _parse(source: str, origin: str) -> Scenario:
    try:
        data = yaml.safe_load(source)
    except yaml.YAMLError as error:
        raise UsageError(f"The scenario file {origin} is not YAML: {error}.", "Correct that line.") from error
    if not isinstance(data, dict):
        raise UsageError(f"The scenario file {origin} holds no mapping.", "It needs at least title and truth.")
    path = Path(origin)
    data.setdefault("name", path.parent.name if path.name == "scenario.yaml" else path.stem)
    if str(topology := data.get("topology", "")).endswith(".yaml"):
        data["topology"] = str(path.parent / topology)
    try:
        return Scenario.model_validate(data)
    except ValidationError as error:
        raise UsageError(f"The scenario file {origin} is wrong: {describe(error)}.", "Correct that field.") from error


def describe(error: ValidationError) -> str:
    """The first mistakes of a validation error as `field: what is wrong`, at most three."""
    problems = error.errors(include_url=False)
    lines = [f"{'.'.join(map(str, one['loc'])) or 'the document'}: {one['msg']}" for one in problems]
    rest = f" (and {len(lines) - 3} more)" if len(lines) > 3 else ""
    return "; ".join(lines[:3]) + rest
