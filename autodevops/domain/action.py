"""What may be done to the world: a closed list of typed actions. There is no shell and no free patch.

Every field that is written is declared here, with its bounds. What an action of a kind risks, reads and does, and how
it is taken back, is `autodevops.executor.kinds`'.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from autodevops.domain.base import Noun
from autodevops.domain.subject import Subject

Risk = Literal["low", "medium", "high"]
RISKS: tuple[Risk, ...] = ("low", "medium", "high")

WorkloadKind = Literal["Deployment", "StatefulSet", "DaemonSet"]
ScaledKind = Literal["Deployment", "StatefulSet"]
Name = Annotated[str, Field(pattern=r"^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$")]


class RestartWorkload(Noun):
    """Replace every pod of a workload by its own rollout; the template stays as it is."""

    kind: Literal["restart_workload"] = "restart_workload"
    workload: WorkloadKind
    namespace: Name
    name: Name

    @property
    def subject(self) -> Subject:
        return Subject(kind=self.workload, name=self.name, namespace=self.namespace, api_version="apps/v1")


class ScaleWorkload(Noun):
    """Give a workload so many pods. Zero is not a size that serves anybody."""

    kind: Literal["scale_workload"] = "scale_workload"
    workload: ScaledKind
    namespace: Name
    name: Name
    replicas: Annotated[int, Field(ge=1, le=1000)]

    @property
    def subject(self) -> Subject:
        return Subject(kind=self.workload, name=self.name, namespace=self.namespace, api_version="apps/v1")


Action = Annotated[RestartWorkload | ScaleWorkload, Field(discriminator="kind")]

ACTION: TypeAdapter[Action] = TypeAdapter(Action)
"""Reads an action from JSON: `ACTION.validate_python({"kind": "restart_workload", ...})`."""
