"""What a finding, a change or a hypothesis is about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from autodevops.domain.base import Noun

# How the controllers of each kind name their pods, after their own name, as a regular expression.
POD_SUFFIXES: Final[Mapping[str, str]] = {
    "Deployment": "-[a-z0-9]{1,10}-[a-z0-9]{5}",
    "StatefulSet": "-[0-9]+",
    "DaemonSet": "-[a-z0-9]{5}",
    "CronJob": "-[0-9]+-[a-z0-9]{5}",
    "Pod": "",
}


class Subject(Noun):
    """A reference to one thing.

    A Kubernetes object (`kind="Deployment"`, with `api_version` where it is known), or a service as
    OpenTelemetry names it (`kind="Service"`, `api_version="opentelemetry.io"`, `name` = `service.name`).
    `namespace` is empty for cluster-scoped objects.
    """

    kind: str
    name: str
    namespace: str = ""
    api_version: str = ""

    @property
    def place(self) -> str:
        """The namespace it is looked into in: its own name for a Namespace, empty for what else the cluster has."""
        return self.name if self.kind == "Namespace" else self.namespace

    # Graphs and indexes ask for these a hundred thousand times; pydantic's own take several times as long.
    def __eq__(self, other: object) -> bool:
        return self.__dict__ == other.__dict__ if isinstance(other, Subject) else NotImplemented

    def __hash__(self) -> int:
        return hash((self.name, self.kind))  # what few share but for the namespace

    def __str__(self) -> str:
        where = f"{self.namespace}/" if self.namespace else ""
        return f"{self.kind} {where}{self.name}"
