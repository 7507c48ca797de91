"""Primitives that are changes to the cluster by a person or a pipeline: they leave objects, events and history."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from pydantic import Field, field_validator

from autodevops.sandbox.basics.moments import Seconds
from autodevops.sandbox.cluster.kinds import KINDS
from autodevops.sandbox.world.faults.effects import Data, Effect, PullRequestText, Write


class Primitive(Data, ABC):
    """What all primitives share. `onset` is when, relative to the scenario's start; `until` ends what has an end."""

    onset: Seconds
    until: Seconds | None = None

    @abstractmethod
    def effects(self, origin: float) -> Iterator[Effect]:
        """What it comes to, with the scenario's start at `origin` (epoch seconds)."""


class _OnService(Primitive):
    target: str

    def write(self, origin: float, verb: Any, body: Mapping[str, Any], pull: PullRequestText | None = None) -> Write:
        return Write(origin + self.onset, verb, f"@{self.target}", body, pull)


class Deploy(_OnService):
    """A new version is rolled out to `target` at `onset`: new ReplicaSet, new pods, a merged pull request before it.

    Harmless alone; other primitives with the same `version` parameter say what the version does.
    """

    class Parameters(Data):
        version: str
        pull_request: PullRequestText | None = None

    kind: Literal["deploy"]
    parameters: Parameters

    def effects(self, origin: float) -> Iterator[Effect]:
        yield self.write(origin, "deploy", {"version": self.parameters.version}, self.parameters.pull_request)


class Rollback(_OnService):
    """`target` goes back to its previous revision at `onset`, as `kubectl rollout undo` does it."""

    kind: Literal["rollback"]

    def effects(self, origin: float) -> Iterator[Effect]:
        yield self.write(origin, "undo", {})


class Restart(_OnService):
    """`target` is restarted at `onset`, as `kubectl rollout restart` does it."""

    kind: Literal["restart"]

    def effects(self, origin: float) -> Iterator[Effect]:
        yield self.write(origin, "restart", {})


class Scale(_OnService):
    """`target` is scaled to `parameters.replicas` at `onset`. With none left, callers' calls are refused."""

    class Parameters(Data):
        replicas: int = Field(ge=0)

    kind: Literal["scale"]
    parameters: Parameters

    def effects(self, origin: float) -> Iterator[Effect]:
        yield self.write(origin, "scale", {"replicas": self.parameters.replicas})


class _OnObject(Primitive):
    object: str
    """`Kind/name` in the topology's namespace, or `Kind/namespace/name`."""

    @field_validator("object")
    @classmethod
    def _known_kind(cls, value: str) -> str:
        kind, _, name = value.partition("/")
        if kind not in KINDS or not name:
            raise ValueError(f"{value!r} is no Kind/name or Kind/namespace/name of a known kind")
        return value


class Patch(_OnObject):
    """Somebody edits `object` at `onset`: `patch` is merged into it as `kubectl patch` would (strategic merge; a null
    takes a field away, `$patch: delete` a list's item). With `until`, the object is put back as it was. With a
    `pull_request` a pipeline did it, a few minutes after the merge."""

    kind: Literal["patch"]
    patch: dict[str, Any]
    pull_request: PullRequestText | None = None

    def effects(self, origin: float) -> Iterator[Effect]:
        yield Write(origin + self.onset, "patch", self.object, self.patch, self.pull_request)
        if self.until is not None:
            yield Write(origin + self.until, "patch", self.object, {"$undo": origin + self.onset})


class Apply(Primitive):
    """Somebody applies `manifests` at `onset`; with `until` they are deleted then. With a `pull_request` a pipeline
    did it, a few minutes after the merge."""

    kind: Literal["apply"]
    manifests: tuple[dict[str, Any], ...]
    pull_request: PullRequestText | None = None

    @field_validator("manifests")
    @classmethod
    def _known_kinds(cls, value: tuple[dict[str, Any], ...]) -> tuple[dict[str, Any], ...]:
        for item in value:
            if item.get("kind") not in KINDS or not item.get("metadata", {}).get("name"):
                raise ValueError(f"a manifest needs a known kind and metadata.name, not {item.get('kind')!r}")
        return value

    def effects(self, origin: float) -> Iterator[Effect]:
        for item in self.manifests:
            namespace = item["metadata"].get("namespace", "")
            name = "/".join(part for part in (item["kind"], namespace, item["metadata"]["name"]) if part)
            yield Write(origin + self.onset, "apply", name, item, self.pull_request)
            if self.until is not None:
                yield Write(origin + self.until, "delete", name, {})


class Delete(_OnObject):
    """Somebody deletes `object` at `onset`."""

    kind: Literal["delete"]

    def effects(self, origin: float) -> Iterator[Effect]:
        yield Write(origin + self.onset, "delete", self.object, {})
